"""The sections of the stages that read: market, ingest, feature, drift."""

from typing import Annotated, Literal

from pydantic import Field

from pricewright.parameters.section import (
    Count,
    Factor,
    Limits,
    Positive,
    Section,
    Seed,
    Share,
    Some,
    SomeWeeks,
    Weeks,
    YearLimits,
    says,
)

Names = list[str]


class Market(Section):
    """The simulated market, where no sales are given."""

    kind: str = says("A world of pricewright/worlds; empty: the market of `regime`, of independent SKUs.")
    regime: Literal["mixed", "confounded", "thin", "shifted"] = says("How the prices of that market come about.")
    skus: Annotated[int, Field(ge=1, le=1_000_000)] = says("SKUs of the market.")
    weeks: Annotated[int, Field(ge=10, le=2_000)] = says("Full weeks of sales.")
    first_week: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = says("Its first day, a Monday.")
    units_per_week: Positive = says("Units that the median SKU sells in a week at its reference price.")
    shift_weeks: Weeks = says("In the regime `shifted`, elasticities change this many weeks before the end.")
    cut_off_days: Annotated[int, Field(ge=0, le=6)] = says("Days of the week after the last full one.")
    dirt: Annotated[float, Field(ge=0, le=0.2)] = says("Share of lines with each kind of error of real files.")
    seed: Seed = says("Of everything that is drawn in the market.")


class Schema(Section):
    """Files of one system: they are known by their columns, and have these habits."""

    columns: list[Names] = says("Columns, each in all its spellings; a file that has all of them is of this kind.")
    not_products: Names = says("Patterns of codes that sell no product.")
    cancellation_invoice: str = says("A pattern of invoices that take back.")
    equal_rows: Literal["lines", "copies"] = says("What equal rows of one file are.")


class IngestLimits(Section):
    """What the sales lines are judged by."""

    quarantined_share: Limits = says("Rows that cannot be used.")
    unreadable_share: Limits = says("Rows with a value that cannot be read.")
    duplicate_share: Limits = says("Rows that are there twice.")
    unmatched_cancellation_share: Limits = says("Cancellations whose sale was not found.")
    guest_share: Limits = says("Rows without a customer.")
    skus: Limits = says("SKUs with sales.")
    weeks: Limits = says("Full weeks with sales.")


class IngestGate(Section):
    """The gate of ingest."""

    thresholds: IngestLimits = says("What it warns of, and blocks.")


class Ingest(Section):
    """How files of sales are read and cleaned."""

    columns: dict[str, Names] = says("Names that a column is known by; the first that is there.")
    product_columns: dict[str, Names] = says("The same, of what a product file has beside.")
    missing_values: Names = says("Texts, in lower case, that stand for no value.")
    day_first: bool = says("Whether 3/4/2011 is 3 April, where no date of the column decides it.")
    decimal_sign: Literal[",", "."] | None = says("The sign before decimals; none: what the numbers say together.")
    unreadable_share: Share = says("A column with a larger share of unreadable values makes the file unusable.")
    not_products: Names | None = says("Patterns of codes that sell no product; none: those of the file's schema.")
    product_code: str | None = says("A pattern that every product's code matches; none: any code does.")
    cancellation_invoice: str | None = says("A pattern of invoices that take back; none: that of the schema.")
    equal_rows: Literal["lines", "copies"] | None = says("What equal rows of one file are; none: as the schema says.")
    copied_block: Annotated[int, Field(ge=2, le=1_000_000)] = says(
        "So many different rows that a file holds twice in the same order are a copy."
    )
    schemas: dict[str, Schema] = says("Habits of files, by the columns that they are known by.")
    guest_days: Annotated[int, Field(ge=0, le=3_650)] = says(
        "Days in which the sale of a cancellation without customer is looked for."
    )
    largest_gap_days: Annotated[int, Field(ge=1, le=36_500)] = says(
        "Dates further than this from the bulk are not believed."
    )
    largest_quantity_ratio: Annotated[float, Field(ge=1, le=1e12)] = says(
        "Largest quantity of a line that is believed, in medians of its file."
    )
    largest_price_ratio: Annotated[float, Field(ge=1, le=1e12)] = says(
        "Largest price of a piece that is believed, in medians of its file."
    )
    gate: IngestGate = says("What the sales lines are judged by.")


class Segments(Section):
    """What a SKU's segments are drawn by."""

    registered_share: Share = says("Above this share of units to registered customers a SKU is of `registered`.")
    home_share: Share = says("At this share of units to the main country and above a SKU is of `home`.")


class Feature(Section):
    """How the panel of SKUs and weeks is made."""

    min_selling_weeks: SomeWeeks = says("SKUs sold in fewer weeks get no curve of their own.")
    reference_weeks: SomeWeeks = says("Weeks before, whose median price is the reference price.")
    family_code_length: Annotated[int, Field(ge=0, le=50)] = says("Codes that begin with so many equal signs are kin.")
    stockout_probability: Annotated[float, Field(ge=0, lt=1)] = says(
        "A week without a sale is out of stock where chance has less than this; 0 never guesses."
    )
    catalog_weeks: SomeWeeks = says("SKUs without a sale in so many weeks get no price any more.")
    segments: Segments = says("What a SKU's segments are drawn by.")


class DriftLimits(Section):
    """What the newest weeks are judged by."""

    drifted_columns: Limits = says("Columns whose distribution has moved.")
    constant_columns: Limits = says("Columns that froze.")
    missing_values: Limits = says("Rows without a value, in the worst column.")
    price_level: Limits = says("Prices against their usual, in the worst week.")
    price_shift: Limits = says("Prices against their usual, over all new weeks.")
    price_jumps: Limits = says("SKUs at under half or over twice their usual price.")
    units_per_order: Limits = says("Units per order against their usual.")
    units_level: Limits = says("Units against their usual.")
    orders_fall: YearLimits = says("How much fewer orders there are than in the quietest weeks before.")
    missing_skus: Limits = says("SKUs that sold lately and do no more.")
    new_skus: Limits = says("SKUs that were not there before.")
    steady_sellers_missing: Limits = says("Steady sellers without a sale.")
    zero_share_change: Limits = says("Change of the share of SKUs and weeks without a sale.")
    silent_weeks: Limits = says("Weeks without any sale.")


class Drift(Section):
    """How the newest weeks are held against those before."""

    weeks: SomeWeeks = says("The newest full weeks, which are held against all before.")
    reference_weeks: SomeWeeks = says("Last weeks of the reference, from which it is known what is usual for a SKU.")
    steady_skus: Some = says("Least number of steady sellers: the quarter of the SKUs that sells in most weeks.")
    constant_share: Share = says("A column froze when its most frequent value filled less than this share before.")
    not_judged: Names = says("Columns that change by themselves as the history grows.")
    method: Literal["psi", "wasserstein", "hellinger", "jensenshannon"] = says("Evidently's distance.")
    column_threshold: Annotated[float, Field(gt=0, le=100)] = says("From this distance on a column has drifted.")
    earlier_windows: Count = says("At most so many earlier windows of the shop say how far its columns usually move.")
    earlier_factor: Factor = says("A column has drifted beyond so many times the largest of those distances.")
    least_rows: Count = says("With fewer newest rows, and no earlier window, columns are not compared.")
    sample_rows: Some = says("Rows on either side for Evidently.")
    seed: Seed = says("Of that sample.")
    thresholds: DriftLimits = says("What the newest weeks are judged by.")
