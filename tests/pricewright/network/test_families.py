"""Substitutes: the arithmetic of the nested logit, and that a fit finds what a family keeps."""

import numpy as np
import pytest
import torch

from pricewright.core.substitution import Draws
from pricewright.network.curve_fit import fit_curves
from pricewright.network.curves import Curves
from pricewright.network.families import ALONE, log_sums, taken
from pricewright.network.grid import grid_of
from tests.pricewright.network.family_market import FamilyMarket, simulate_families
from tests.pricewright.network.small_market import PARAMS

FAMILY = torch.tensor([0, 0, 0, 1])
LATENT = torch.tensor([[-0.5, 0.3], [ALONE, ALONE]], dtype=torch.float64)


def log_units(base: torch.Tensor, regular: torch.Tensor, promotion: torch.Tensor) -> torch.Tensor:
    sums = log_sums(base, regular, promotion, torch.ones_like(base), FAMILY, LATENT)
    return base + regular + promotion + sums.shift


@pytest.fixture
def week() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(4, 1, generator=generator, dtype=torch.float64) for _ in range(3))  # type: ignore[return-value]


def test_a_common_change_of_attraction_moves_the_family_by_the_share_that_it_keeps(
    week: tuple[torch.Tensor, ...],
) -> None:
    base = week[0]
    nothing = torch.zeros_like(base)
    before, after = (log_units(base, nothing + step, nothing)[:3].exp().sum().log() for step in (0.0, 0.1))
    assert float(after - before) == pytest.approx(0.1 * float(torch.sigmoid(LATENT[0, 0])), rel=1e-6)
    promoted = log_units(base, nothing, nothing + 0.1)[:3].exp().sum().log()
    assert float(promoted - before) == pytest.approx(0.1 * float(torch.sigmoid(LATENT[0, 1])), rel=1e-6)


def test_a_sku_alone_in_its_family_moves_by_its_own_attraction_alone(week: tuple[torch.Tensor, ...]) -> None:
    base, regular, promotion = week
    units = log_units(base, regular, promotion)
    assert torch.allclose(units[3], (base + regular + promotion)[3], atol=1e-9)


def test_what_is_taken_from_the_family_is_the_derivative_of_log_units(week: tuple[torch.Tensor, ...]) -> None:
    base, regular, promotion = week
    sums = log_sums(base, regular, promotion, torch.ones_like(base), FAMILY, LATENT)
    by_regular, by_promotion = taken(sums, LATENT, FAMILY)
    for kind, share in (("regular", by_regular), ("promotion", by_promotion)):
        step = torch.zeros_like(base)
        step[1] = 1e-6
        moved = (regular + step, promotion) if kind == "regular" else (regular, promotion + step)
        change = (log_units(base, *moved) - log_units(base, regular, promotion)) / 1e-6
        assert float(change[0, 0]) == pytest.approx(-float(share[1, 0]), abs=1e-4)
        assert float(change[1, 0]) == pytest.approx(1 - float(share[1, 0]), abs=1e-4)
        assert float(change[3, 0]) == pytest.approx(0, abs=1e-9)


def test_a_sku_that_is_not_listed_yet_attracts_nobody(week: tuple[torch.Tensor, ...]) -> None:
    base, regular, promotion = week
    listed = torch.tensor([[1.0], [0.0], [1.0], [1.0]], dtype=torch.float64)
    sums = log_sums(base, regular, promotion, listed, FAMILY, LATENT)
    moved = log_sums(base, regular + torch.tensor([[0.0], [5.0], [0.0], [0.0]]), promotion, listed, FAMILY, LATENT)
    assert torch.allclose(sums.shift[[0, 2, 3]], moved.shift[[0, 2, 3]])


def fitted(market: FamilyMarket) -> Curves:
    panel = market.panel()
    families = dict(panel.select("stock_code", "category").unique().iter_rows())
    return fit_curves(grid_of(panel, PARAMS["network"]["anchor_weeks"], families), PARAMS["network"]["curves"])


@pytest.mark.parametrize("keeps", [0.2, 0.7])
def test_the_fit_finds_what_a_family_keeps_and_how_its_members_compete(keeps: float) -> None:
    market = simulate_families(seed=3, keeps=keeps)
    curves = fitted(market)
    found = 1 / (1 + np.exp(-curves.coefficients[:, 0]))
    assert found.mean() == pytest.approx(keeps, abs=0.15)
    index = {code: i for i, code in enumerate(market.codes)}
    slope = market.slope[[index[code] for code in curves.codes]]
    assert np.logaddexp(0, curves.mean[:, 0]).mean() == pytest.approx(slope.mean(), rel=0.15)


def test_a_family_of_one_answers_like_a_family_and_not_like_the_members_of_others() -> None:
    market = simulate_families(seed=6, families=15, keeps=0.35, alone=30)
    curves = fitted(market)
    known = curves.posterior(np.ones(len(curves.codes)))
    alone = np.flatnonzero(np.bincount(known.family)[known.family] == 1)
    assert len(alone) == 30
    own = Draws(256, known.shared.shape[2], 1).of_alone(known[alone]).slope.mean()
    assert own == pytest.approx(0.35 * 2.5, abs=0.35)
    assert curves.slope.mean() > 2.0


def test_skus_that_do_not_compete_keep_all_of_it() -> None:
    """Families by name only, members that answer to their own price alone."""
    curves = fitted(simulate_families(seed=4, keeps=0.999))
    assert (1 / (1 + np.exp(-curves.coefficients[:, 0]))).mean() > 0.75


def test_a_sku_without_family_is_fitted_as_before() -> None:
    panel = simulate_families(seed=5, families=6).panel()
    curves = fit_curves(grid_of(panel, PARAMS["network"]["anchor_weeks"]), PARAMS["network"]["curves"])
    assert len(set(curves.family.tolist())) == len(curves.codes)
    assert (curves.coefficients == ALONE).all()
