"""The operator's settings come from the environment, and a wrong one is refused by name."""

import pytest

from inference.settings import Settings, read_settings
from pricewright.core.errors import ParameterError


def test_nothing_set_gives_the_defaults() -> None:
    assert read_settings({}) == Settings()


def test_what_is_set_is_taken() -> None:
    given = {"PRICEWRIGHT_STORE": "s3://shop/lake", "PRICEWRIGHT_MODEL_SECONDS": "0.2", "AWS_REGION": "eu-west-1"}
    assert read_settings(given) == Settings(store="s3://shop/lake", model_seconds=0.2, region="eu-west-1")


@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_a_time_limit_is_a_number_above_zero(value: str) -> None:
    with pytest.raises(ParameterError, match="PRICEWRIGHT_REFRESH_SECONDS is"):
        read_settings({"PRICEWRIGHT_REFRESH_SECONDS": value})


@pytest.mark.parametrize(
    ("name", "value"), [("CURRENCY", "euro"), ("CURRENCY", "€"), ("LOCALE", "de_DE"), ("LOCALE", "<b>")]
)
def test_a_currency_and_a_locale_are_of_their_standards(name: str, value: str) -> None:
    assert read_settings({"PRICEWRIGHT_CURRENCY": "EUR", "PRICEWRIGHT_LOCALE": "de-DE"}).currency == "EUR"
    with pytest.raises(ParameterError, match=f"PRICEWRIGHT_{name} is"):
        read_settings({f"PRICEWRIGHT_{name}": value})
