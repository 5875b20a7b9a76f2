"""The approval key: a secret, or a key that KMS keeps."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr, ValidationError

from blocks.approval_key import ApprovalKey, approval_key
from pricewright.core.errors import ApprovalError
from pricewright.release.approval import Approval, Subject

NOW = datetime(2011, 12, 5, 3, tzinfo=UTC)
ABOUT = Subject("2011-W48-0a1b2c3d", "production", "ab" * 32)
APPROVAL = Approval(ABOUT, "approve", "ada", NOW + timedelta(hours=1))
SECRET = "a secret that is long enough for it"


def test_a_key_of_the_environment_signs_and_verifies() -> None:
    key = approval_key({"PRICEWRIGHT_APPROVAL_KEY": SECRET})
    assert key.verify(key.sign(APPROVAL), ABOUT, NOW) == APPROVAL
    assert SECRET not in repr(key)


def test_a_key_in_kms_signs_and_verifies(s3_endpoint: str, s3_environment: dict[str, str]) -> None:
    import boto3

    client = boto3.client("kms", endpoint_url=s3_endpoint, region_name="eu-west-1")
    arns = [client.create_key(KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256")["KeyMetadata"]["Arn"] for _ in "ab"]
    ours, other = (
        approval_key({"PRICEWRIGHT_APPROVAL_KEY": arn, "PRICEWRIGHT_KMS_ENDPOINT": s3_endpoint}) for arn in arns
    )
    token = ours.sign(APPROVAL)
    assert ours.verify(token, ABOUT, NOW) == APPROVAL
    with pytest.raises(ApprovalError, match="signature"):
        other.verify(token, ABOUT, NOW)


def test_without_a_key_nobody_approves() -> None:
    with pytest.raises(ApprovalError, match="PRICEWRIGHT_APPROVAL_KEY is not set"):
        approval_key({})


@pytest.mark.parametrize(
    "fields", [{}, {"secret": SecretStr(SECRET), "kms_key": "alias/approvals"}, {"secret": SecretStr("short")}]
)
def test_a_key_is_one_secret_or_one_key_of_kms(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ApprovalKey(**fields)
