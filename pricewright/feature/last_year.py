"""The same weeks of last year: what this SKU sold then, against what it sold just before."""

from datetime import date, timedelta

import numpy as np

from pricewright.feature.past import Floats, Past

YEAR = timedelta(weeks=52)
LEVEL = 8  # weeks before
LAST_YEAR = ("year_ago_log_units", "year_ago_uplift", "year_ago_known")


def last_year(past: Past, weeks: list[date]) -> dict[str, Floats]:
    """LAST_YEAR of the week weeks[-1], nan where there is no year; `weeks` are all open ones up to it.

    year_ago_log_units is the mean of the same week and its neighbours, 52 weeks ago, year_ago_uplift the same less the
    mean of the 8 weeks before it.
    """
    nothing = np.full(len(past.age), np.nan)
    same = weeks[-1] - YEAR
    if same not in weeks:
        return dict.fromkeys(LAST_YEAR, nothing)
    back = weeks[::-1].index(same)
    around, count = np.zeros(len(past.age)), np.zeros(len(past.age))
    for neighbour in (back + 1, back, back - 1):
        if neighbour > 0:
            around += past.at("log_units", neighbour)
            count += past.age >= neighbour
    known = past.age >= back
    around = np.where(known, around / np.maximum(count, 1), np.nan)
    level = np.zeros(len(past.age))
    for week in range(back + 1, back + 1 + LEVEL):
        level += past.at("log_units", week)
    before = np.clip(past.age - back, 0, LEVEL)
    level = np.where(before > 0, level / np.maximum(before, 1), np.nan)
    return dict(zip(LAST_YEAR, (around, around - level, np.where(known, 1.0, np.nan)), strict=True))
