"""The verdicts on the simulated markets: strict where a target is strict."""

from bench.ablations import ABLATIONS
from bench.market_tables import ablation_section, market_section, market_targets
from bench.markets import CHECKS, COMPETITORS, NETWORK, Played
from bench.score import Score
from pricewright.backups import REGISTRY

NAMES = (*CHECKS, *COMPETITORS, NETWORK, *REGISTRY, *ABLATIONS)


def played(regime: str, ours: float, rival: float) -> Played:
    scores = {name: Score(0.0, 0.0, 0.0) for name in NAMES}
    scores["EconML LinearDML"] = Score(rival, 0.4, 1.0)
    scores[NETWORK] = Score(ours, 0.1, 0.7)
    return Played(regime, 1, 300, 0.9, 0.5, scores, dict.fromkeys(NAMES, 1.0))


def verdicts(markets: list[Played]) -> list[bool]:
    return [target.reached for target in market_targets(markets)]


def test_a_model_far_ahead_in_every_market_reaches_every_target() -> None:
    assert verdicts([played("mixed", 0.8, 0.2), played("thin", 0.7, 0.3)]) == [True] * 6


def test_one_market_in_which_a_competitor_is_ahead_is_enough_to_miss_the_target() -> None:
    found = verdicts([played("mixed", 0.95, 0.1), played("thin", 0.6, 0.65)])
    assert found == [True, True, True, True, False, True]


def test_the_tables_name_everybody_who_played() -> None:
    markets = [played("mixed", 0.8, 0.2), played("thin", 0.7, 0.3)]
    for name in (*CHECKS, *COMPETITORS, NETWORK, *REGISTRY):
        assert f"| {name} " in market_section(markets)
    for name in ABLATIONS:
        assert f"| {name} " in ablation_section(markets)
