"""The price API's figures become a table and verdicts."""

from bench.api import table, targets


def test_every_figure_is_compared_with_what_was_asked() -> None:
    starts = {"ours": [0.1, 0.2, 0.1], "large": [0.14], "reference": [2.0]}
    http = {"ours": [0.001] * 99 + [0.1], "reference": [0.002] * 100}
    found = {"starts": starts, "http": http, "warm": [0.0004] * 90 + [0.003] * 10, "bulk": [1.0, 9.0, 1.0]}
    missed = [target.what for target in targets(found) if not target.reached]
    assert missed == ["warm at the handler, p99"]
    assert "20.0x" in table(found) and "2,000.00" in table(found)
