"""How dear a SKU is and how its price moved so far; the row's own price comes in by core/price_features.py."""

from pricewright.feature.past import Look, before, mean_before, median_before, spread_before

PRICE_HISTORY: dict[str, Look] = {
    "price_level": before("log_price"),
    "price_spread_13": spread_before("log_price", 13),
    "price_moves_13": mean_before("price_moved", 13, late=1),  # a SKU's first price has not moved
    "price_before_against_usual": lambda past: before("log_price")(past) - median_before("log_price", 26)(past),
}
