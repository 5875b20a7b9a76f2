"""The sections of the stages that learn: tune, network, train."""

from typing import Annotated, Literal

from pydantic import Field

from pricewright.parameters.section import (
    Positive,
    Reach,
    Section,
    Seed,
    Share,
    Some,
    SomeWeeks,
    Weeks,
    says,
)

Fraction = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Passes = Annotated[int, Field(ge=1, le=10_000)]
Budget = Annotated[int, Field(ge=1, le=10_000)]


class NetworkStart(Section):
    """Hyperparameters of the network."""

    hidden: Annotated[int, Field(ge=1, le=4_096)] = says("Units of a hidden layer.")
    dropout: Fraction = says("Share of units that are left out in a step.")
    learning_rate: Rate = says("Of the optimiser.")
    weight_decay: Annotated[float, Field(ge=0, le=100)] = says("Of the optimiser.")
    half_life_weeks: Positive = says("Weeks after which a row counts half.")
    week_precision: Positive = says("Prior precision of the effects of weeks.")


class LightgbmStart(Section):
    """Hyperparameters of LightGBM."""

    trees: Passes = says("Trees of the model.")
    learning_rate: Rate = says("Of each tree.")
    leaves: Annotated[int, Field(ge=2, le=100_000)] = says("Leaves of a tree, at most.")
    min_leaf_rows: Some = says("Rows of a leaf, at least.")
    feature_share: Rate = says("Share of the features that a tree may use.")
    row_share: Rate = says("Share of the rows that a tree learns from.")
    l2: Annotated[float, Field(ge=0, le=1_000_000)] = says("Penalty of large leaves.")


class SvrStart(Section):
    """Hyperparameters of the support vector machine."""

    cost: Positive = says("Of an error.")
    epsilon: Annotated[float, Field(ge=0, le=100)] = says("Errors below it cost nothing; logs of units.")
    width: Positive = says("Of the kernel, in standard deviations of the features.")
    sample_rows: Some = says("Rows that are fitted; the time grows with their square.")


class ElasticNetStart(Section):
    """Hyperparameters of the elastic net."""

    alpha: Positive = says("Weight of the penalty.")
    l1_ratio: Share = says("Share of the penalty that is absolute.")


class Starts(Section):
    """Where the search of each model begins."""

    network: NetworkStart = says("Of the network.")
    lightgbm: LightgbmStart = says("Of LightGBM.")
    svr: SvrStart = says("Of the support vector machine.")
    elastic_net: ElasticNetStart = says("Of the elastic net.")


class Trial(Section):
    """What differs in trials, for speed."""

    members: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, description="Networks that are averaged.")
    epochs: Passes | None = Field(default=None, description="Passes over the rows.")
    trees: Passes | None = Field(default=None, description="Trees of the model.")
    sample_rows: Some | None = Field(default=None, description="Rows that are fitted.")


class Search(Section):
    """How the hyperparameters of a model are looked for."""

    method: Literal["optuna", "grid", "scikit-optimize"] = says("What proposes trials; grid where it fails.")
    budget: Budget = says("Trials.")
    workers: Annotated[int, Field(ge=1, le=1_000)] = says("Trials that are proposed at once.")
    rows: Some | None = Field(default=None, description="About so many rows (whole SKUs) take part in the search.")
    trial: Trial | None = Field(default=None, description="What differs in trials, for speed.")
    space: dict[str, Reach] = says("Where each hyperparameter is looked for.")


class Tune(Section):
    """The search for hyperparameters."""

    seed: Seed = says("Of the search.")
    judged_weeks: SomeWeeks = says("The last weeks, on which models are judged: no search sees them.")
    validation_weeks: SomeWeeks = says("The weeks before those, on which trials are compared.")
    rows: Some = says("About so many rows (whole SKUs) take part in the search for the backups.")
    defaults: Starts = says("Tried first, and used for whatever is not searched.")
    network: Search = says("The search for the network.")
    lightgbm: Search = says("The search for LightGBM.")
    svr: Search = says("The search for the support vector machine.")
    elastic_net: Search = says("The search for the elastic net.")


class Curves(Section):
    """The hierarchical random effects."""

    control: bool = says("Whether seasons, trends and weeks take the blame for what moved prices and demand.")
    pooling: bool = says("Whether SKUs share their priors.")
    level_knot_weeks: SomeWeeks = says("A SKU's level may turn every so many weeks.")
    slope_knot_weeks: SomeWeeks = says("And its price slope.")
    harmonics: Annotated[int, Field(ge=0, le=26)] = says("Pairs of sine and cosine of a SKU's year.")
    outlying: Positive = says("A price so many times its usual scatter from its neighbours is an action.")
    slope_drift: Positive = says("Prior spread of a slope's change between knots.")
    curvature_sd: Positive = says("Prior spread of the curves' shape.")
    batch_skus: Some = says("SKUs that are fitted at once.")
    damping: Rate = says("Share of a step that is gone.")
    sweeps: Passes = says("Passes over all effects, at most.")
    tolerance: Annotated[float, Field(gt=0, le=1)] = says("It ends when the mean step of an effect is smaller.")


class Level(Section):
    """The feedforward part."""

    base: str = says("The feature from which the level departs.")
    effect_cap: Positive = says("Log price ratio; weekly prices further out are mixtures of channels.")
    first_weeks: Weeks = says("First weeks of a history, which have no lags and are not learned from.")
    calendar_weeks: Weeks = says("With fewer weeks the calendar stays out.")
    likelihood_weight: Share = says("Of the negative binomial, beside squared log error and quantiles.")
    batch_rows: Some = says("Rows of a step.")


class Network(Section):
    """What the network is made of; tuning and training share it."""

    anchor_weeks: SomeWeeks = says("Curves go through the median price of so many last weeks.")
    curves: Curves = says("The hierarchical random effects.")
    level: Level = says("The feedforward part.")


class NetworkTraining(Section):
    """How the network is trained."""

    members: Annotated[int, Field(ge=1, le=100)] = says("Feedforward networks that are averaged.")
    epochs: Passes = says("Passes over the rows.")
    update_weeks: SomeWeeks = says("What a week's update looks at.")
    update_epochs: Annotated[int, Field(ge=0, le=10_000)] = says("Passes of a week's update.")
    calibration_weeks: Weeks = says("Last forecast weeks, which set mean and interval of the next.")
    calibration_share: Share = says("How far the mean follows them.")


class Train(Section):
    """Training and backtest."""

    seed: Seed = says("Of training.")
    backtest_weeks: SomeWeeks = says("The last weeks, forecast one week ahead by models that have not seen them.")
    calibration_weeks: SomeWeeks = says("Weeks before those, for the backups' way back from logs to units.")
    draws: Annotated[int, Field(ge=2, le=100_000)] = says("Of the posterior, in the release.")
    history_weeks: SomeWeeks = says("Weeks of sales and prices that the release carries, for its pictures.")
    network: NetworkTraining = says("How the network is trained.")
