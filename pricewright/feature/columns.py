"""All columns of the panel. Features are made of what was known when a week began; the calendar alone may know it."""

from pricewright.feature.calendar import CALENDAR
from pricewright.feature.customer_mix import CUSTOMER_MIX
from pricewright.feature.family import FAMILY
from pricewright.feature.history import HISTORY
from pricewright.feature.last_year import LAST_YEAR
from pricewright.feature.past import Look
from pricewright.feature.price_history import PRICE_HISTORY

OWN: dict[str, Look] = {**HISTORY, **CUSTOMER_MIX, **PRICE_HISTORY}
FEATURES: tuple[str, ...] = (*OWN, *FAMILY, *LAST_YEAR, *CALENDAR)
KEPT = (
    "stock_code", "week", "units", "price", "list_price", "sold", "orders", "customers", "reference_price",
    "last_price", "category", "promotion", "in_stock",
)  # fmt: skip
