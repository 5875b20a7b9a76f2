"""Who bought a SKU so far: registered customers or guests, at home or abroad, new or returning."""

from pricewright.feature.past import Look, before, logged, mean_before, momentum, share_before, sum_before

CUSTOMER_MIX: dict[str, Look] = {
    "log_customers_mean_4": mean_before("log_customers", 4),
    "log_customers_mean_13": mean_before("log_customers", 13),
    "customer_momentum_4_13": momentum("log_customers", 4, 13),
    "log_registered_orders_mean_4": mean_before("log_registered_orders", 4),
    "log_guest_orders_lag_1": before("log_guest_orders"),
    "log_guest_orders_mean_4": mean_before("log_guest_orders", 4),
    "registered_share_4": share_before("registered_units", "known_units", 4),
    "registered_share_26": share_before("registered_units", "known_units", 26),
    "abroad_share_4": share_before("abroad_units", "known_units", 4),
    "abroad_share_26": share_before("abroad_units", "known_units", 26),
    "repeat_customer_share_13": share_before("repeat_customers", "customers", 13),
    "log_repeat_customers_8": logged(sum_before("repeat_customers", 8)),
}
