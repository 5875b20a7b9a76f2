"""All columns of the panel. Features are made of what was known when a week began; the calendar alone may know it."""

from demand.feature.calendar import CALENDAR
from demand.feature.customer_mix import CUSTOMER_MIX
from demand.feature.family import FAMILY
from demand.feature.history import HISTORY
from demand.feature.last_year import LAST_YEAR
from demand.feature.past import Look
from demand.feature.price_history import PRICE_HISTORY

OWN: dict[str, Look] = {**HISTORY, **CUSTOMER_MIX, **PRICE_HISTORY}
FEATURES: tuple[str, ...] = (*OWN, *FAMILY, *LAST_YEAR, *CALENDAR)
KEPT = (
    "stock_code", "week", "units", "price", "list_price", "sold", "orders", "customers", "reference_price",
    "last_price", "category", "promotion", "in_stock",
)  # fmt: skip
