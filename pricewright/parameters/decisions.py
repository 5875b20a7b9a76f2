"""The sections of what decides: price, proof, fairness, promote."""

from typing import Annotated, Literal

from pydantic import Field

from pricewright.parameters.section import Count, Factor, Limits, Positive, Section, Seed, Share, Some, Threshold, says

Ending = Annotated[float, Field(ge=0, lt=1)]


class Price(Section):
    """Which prices may be recommended, and when."""

    level: Literal["zone", "store", "chain"] = says("What has a price of its own, where lines name stores.")
    guardrail_widen: Annotated[float, Field(ge=0, le=10)] = says("Share by which the observed range is widened.")
    guardrail_factor: Factor = says("Prices stay within this factor of the reference price and the current one.")
    bins: Annotated[int, Field(ge=2, le=10_000)] = says("Prices on the drawn curve of a SKU; they do not decide.")
    objective: Literal["sales", "profit"] = says("What is made largest; profit where a unit cost is known.")
    minimum_probability: Share = says("A move is recommended when it gains with at least this probability.")
    minimum_information: Share = says("Share of the doubt about a SKU's answer to prices that data must take away.")
    margin_floor: Annotated[float, Field(gt=-1, lt=1)] | None = says(
        "Share of the price, without tax, that stays over a known unit cost; none: any may."
    )
    includes_tax: bool = says("Whether the source's prices include tax, where it names rates of tax.")
    endings: list[Ending] = says("Recommended prices end so, as 0.99; empty: any way.")


class Proof(Section):
    """Past price changes, against what the curves said of them."""

    prior_sd: Positive = says("Of the slope of realised on promised effects, around 1.")
    regular_changes: Count = says("With fewer changes of regular prices, temporary cuts count as well.")
    least_changes: Some = says("With fewer changes in all nothing is judged.")
    draws: Annotated[int, Field(ge=2, le=100_000)] = says("Of the curves, for the interval of a change.")
    seed: Seed = says("Of those draws.")
    block: Threshold = says("The gate blocks when the slope is credibly below.")
    coverage: Share = says("The gate warns when fewer of the changes lie inside their 90 % interval.")


class Parity(Section):
    """How segments may differ from all SKUs."""

    wape_ratio: Limits = says("Forecast error, against that of all SKUs.")
    bias_gap: Limits = says("Predicted over sold units, less that of all SKUs.")
    coverage_shortfall: Limits = says("Share of weeks outside of their interval, beyond that of all SKUs.")
    price_change_gap: Limits = says("Mean change of prices, less that of all SKUs.")
    moved_gap: Limits = says("Share of prices that move, less that of all SKUs.")
    price_share_gap: Limits = says("What the price explains, less that of all SKUs.")
    customer_share_gap: Limits = says("What the mix of customers explains, less that of all SKUs.")


class ParityLimits(Section):
    """Limits of segments of people, and of products."""

    people: Parity = says("Where a segment says who buys.")
    products: Parity = says("Where a segment says what is sold.")


class Fairness(Section):
    """How the segments of a shop are served."""

    judged_model: str = says("The model whose errors and prices are judged.")
    minimum_skus: Some = says("Segments of fewer SKUs are reported, not judged.")
    judged_segments: Limits = says("Segments that could be judged.")
    dimensions: dict[str, Literal["people", "products"]] = says("Columns of the catalog that say the segments.")
    explained_rows: Some = says("Rows per segment that are explained.")
    background_rows: Some = says("Rows that an explanation is held against.")
    seed: Seed = says("Of those rows.")
    groups: dict[str, list[str]] = says("Features that are explained together, by patterns of their names.")
    thresholds: ParityLimits = says("How segments may differ from all SKUs.")


class Promote(Section):
    """How a release comes to be served."""

    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] = says("The pointer that the price API follows.")
    override: str = says("Why a release is promoted although a gate blocks; the manifest records it.")
    smoke_skus: Annotated[int, Field(ge=1, le=1_000)] = says(
        "SKUs that are asked for a price before the channel moves."
    )
    keep_releases: Annotated[int, Field(ge=1, le=100_000)] = says("The newest releases that the lake keeps.")
