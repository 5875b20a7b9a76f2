"""The key that approvals are signed with: a secret of one's own, or a key in AWS KMS that never leaves it."""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, model_validator

from blocks.document import find_in_run
from blocks.endpoints import find_endpoint
from pricewright.core.errors import ApprovalError, ParameterError
from pricewright.release.approval import Approval, HmacSeal, Seal, Subject, read, read_claims, sign, sign_claims, verify

VARIABLE = "PRICEWRIGHT_APPROVAL_KEY"
ALGORITHM = "HMAC_SHA_256"


class KmsSeal:
    """AWS KMS makes and checks the codes: who may approve is who may call GenerateMac; CloudTrail writes it down."""

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """See Seal."""
        return bytes(self._client.generate_mac(Message=message, KeyId=self._key, MacAlgorithm=ALGORITHM)["Mac"])

    def verify(self, message: bytes, code: bytes) -> bool:
        """See Seal."""
        try:
            answer = self._client.verify_mac(Message=message, KeyId=self._key, MacAlgorithm=ALGORITHM, Mac=code)
        except self._client.exceptions.KMSInvalidMacException:
            return False
        return bool(answer["MacValid"])


class ApprovalKey(Block):
    """Signs what reviewers decide, and checks it before anything reaches production.

    The flows check with the document `pricewright`, where there is one; reviewers sign with the key of their own
    PRICEWRIGHT_APPROVAL_KEY, which must be the same. Anyone who may read documents with their secrets can sign with a
    secret, anyone who may call kms:GenerateMac with a key in KMS.

    Attributes:
        secret: A secret of 32 bytes or more. The UI does not show it.
        kms_key: Instead of a secret: id, alias or ARN of an HMAC key in AWS KMS.
        endpoint: Endpoint of KMS, where it is not AWS; else PRICEWRIGHT_KMS_ENDPOINT.

    Example:
        Change the key that the next decision is checked with:

        ```python
        from blocks.approval_key import ApprovalKey

        ApprovalKey(kms_key="alias/pricewright-approvals").save("pricewright", overwrite=True)
        ```
    """

    _block_type_name = "Pricewright approval key"
    _block_type_slug = "pricewright-approval-key"

    secret: SecretStr | None = Field(default=None, description="A secret of 32 bytes or more.")
    kms_key: str | None = Field(
        default=None,
        pattern=r"^(arn:aws[a-z-]*:kms:.+|alias/.+|[0-9a-f-]{36})$",
        description="Instead of a secret: id, alias or ARN of an HMAC key in AWS KMS.",
    )
    endpoint: str | None = Field(
        default=None, description="Endpoint of KMS, where it is not AWS; else PRICEWRIGHT_KMS_ENDPOINT."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.secret is None) == (self.kms_key is None):
            raise ParameterError("an approval key needs either a secret or a kms_key.")
        if self.secret is not None:
            HmacSeal(self.secret.get_secret_value().encode())
        return self

    def sign(self, approval: Approval) -> str:
        """The approval as a token."""
        return sign(approval, self._seal())

    def verify(self, token: str, subject: Subject, now: datetime) -> Approval:
        """What was decided. Raises ApprovalError when it was not decided with this key, or not about this subject."""
        return verify(token, self._seal(), subject, now)

    def read(self, token: str) -> Approval:
        """What was decided, whenever and about whatever. Raises ApprovalError when it was not with this key."""
        return read(token, self._seal())

    def sign_claims(self, claims: Mapping[str, Any]) -> str:
        """What else was decided, as a token: of single prices, see tasks/price_decisions.py."""
        return sign_claims(claims, self._seal())

    def read_claims(self, token: str) -> dict[str, Any]:
        """The claims of such a token. Raises ApprovalError when it was not signed with this key."""
        return read_claims(token, self._seal())

    def _seal(self) -> Seal:
        if self.secret is not None:
            return HmacSeal(self.secret.get_secret_value().encode())
        import boto3

        key = str(self.kms_key)
        region = key.split(":")[3] if key.startswith("arn:") else os.environ.get("AWS_REGION")
        endpoint = self.endpoint or find_endpoint("kms", os.environ)
        return KmsSeal(boto3.client("kms", endpoint_url=endpoint, region_name=region), key)


def load_approval_key(environment: Mapping[str, str]) -> ApprovalKey:
    """The key that a flow run checks approvals with: the document's, else the environment's.

    Raises ApprovalError where there is neither.
    """
    return find_in_run(ApprovalKey) or approval_key(environment)


def approval_key(environment: Mapping[str, str]) -> ApprovalKey:
    """The key that PRICEWRIGHT_APPROVAL_KEY holds (a secret), or names (the ARN of a key in KMS).

    Raises ApprovalError when it is not set: without a key nobody can approve.
    """
    value = environment.get(VARIABLE, "")
    if not value:
        raise ApprovalError(
            f"{VARIABLE} is not set: without a key no approval can be given or checked.",
            hint="set it to a secret of 32 bytes or more, or to the ARN of an HMAC key in AWS KMS.",
        )
    if value.startswith("arn:"):
        return ApprovalKey(kms_key=value, endpoint=find_endpoint("kms", environment))
    return ApprovalKey(secret=SecretStr(value))
