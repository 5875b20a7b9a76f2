"""Who bought a SKU so far: registered customers or guests, at home or abroad, new or returning."""

import polars as pl

from demand.feature.past import mean_before, share_before, sum_before

LOG_CUSTOMERS = pl.col("customers").log1p()

CUSTOMER_MIX: dict[str, pl.Expr] = {
    "log_customers_mean_4": mean_before(LOG_CUSTOMERS, 4),
    "log_customers_mean_13": mean_before(LOG_CUSTOMERS, 13),
    "customer_momentum_4_13": mean_before(LOG_CUSTOMERS, 4) - mean_before(LOG_CUSTOMERS, 13),
    "registered_share_4": share_before("registered_units", "units", 4),
    "registered_share_26": share_before("registered_units", "units", 26),
    "abroad_share_4": share_before("abroad_units", "units", 4),
    "abroad_share_26": share_before("abroad_units", "units", 26),
    "repeat_customer_share_13": share_before("repeat_customers", "customers", 13),
    "log_repeat_customers_8": sum_before("repeat_customers", 8).log1p(),
}
