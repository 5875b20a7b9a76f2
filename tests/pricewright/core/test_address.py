"""An address may hold a secret: it is shown without it, or refused without being repeated."""

import pytest

from pricewright.core.address import refuse_secret, without_secret
from pricewright.core.errors import ParameterError

SECRET = "canary/K7+x@y:z#"
REFUSED = ("s3://AKIA:{}@bucket/prefix", "s3://:{}@bucket", "s3://AKIA:{}", "file://user:{}@host/x", "s3a://u:{}@b/p")
FINE = (
    "s3://bucket",
    "s3://bucket/prefix/a@b:c",
    "s3://my.bucket-1/x",
    "file:///data/lake",
    "./lake",
    "/data/a@b:c",
    "",
)


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_with_a_secret_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ParameterError, match="more than a bucket") as caught:
        refuse_secret("store", address.format(SECRET))
    assert "canary" not in str(caught.value) and "K7" not in str(caught.value)


@pytest.mark.parametrize("address", FINE)
def test_an_address_without_one_is_taken(address: str) -> None:
    refuse_secret("store", address)


@pytest.mark.parametrize("password", ["plain", "with/slash", "with@at", "with#hash", "line\nbreak"])
def test_what_is_shown_of_an_address_holds_no_password(password: str) -> None:
    assert without_secret(f"rediss://user:{password}@cache:6379/0") == "rediss://***@cache:6379/0"
    assert without_secret("redis://cache:6379/0") == "redis://cache:6379/0"
