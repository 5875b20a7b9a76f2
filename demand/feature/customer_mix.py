"""Who bought a SKU so far: registered customers or guests, at home or abroad, new or returning."""

import polars as pl

from demand.feature.past import before, mean_before, share_before, sum_before

LOG_CUSTOMERS = pl.col("customers").log1p()

LOG_GUEST_ORDERS = pl.col("guest_orders").log1p()
LOG_REGISTERED_ORDERS = (pl.col("orders") - pl.col("guest_orders")).log1p()

CUSTOMER_MIX: dict[str, pl.Expr] = {
    "log_customers_mean_4": mean_before(LOG_CUSTOMERS, 4),
    "log_customers_mean_13": mean_before(LOG_CUSTOMERS, 13),
    "customer_momentum_4_13": mean_before(LOG_CUSTOMERS, 4) - mean_before(LOG_CUSTOMERS, 13),
    "log_registered_orders_mean_4": mean_before(LOG_REGISTERED_ORDERS, 4),
    "log_guest_orders_lag_1": before(LOG_GUEST_ORDERS),
    "log_guest_orders_mean_4": mean_before(LOG_GUEST_ORDERS, 4),
    "registered_share_4": share_before("registered_units", "known_units", 4),
    "registered_share_26": share_before("registered_units", "known_units", 26),
    "abroad_share_4": share_before("abroad_units", "known_units", 4),
    "abroad_share_26": share_before("abroad_units", "known_units", 26),
    "repeat_customer_share_13": share_before("repeat_customers", "customers", 13),
    "log_repeat_customers_8": sum_before("repeat_customers", 8).log1p(),
}
