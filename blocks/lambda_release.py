"""The Lambda function behind the price API as a Prefect block: its versions, and how much traffic each of them gets."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from prefect.blocks.core import Block
from pydantic import AnyHttpUrl, Field

from blocks.endpoints import boto3_settings
from pricewright.core.errors import DeploymentError

DIGEST = r"[a-z0-9][a-zA-Z0-9./_:-]*@sha256:[0-9a-f]{64}"  # repository and digest, never a tag
PATIENCE = 300.0  # seconds until Lambda has taken an image or a configuration
OURS = "Pricewright"  # the namespace of the metrics in the price API's log (inference/log.py)
PERIOD = 60  # seconds: Lambda's metrics come by the minute


@dataclass(frozen=True)
class Traffic:
    """Where the alias sends requests: `version` gets what the others do not; `previous` is the version before it."""

    version: str
    others: Mapping[str, float]
    previous: str
    revision: str


@dataclass(frozen=True)
class Outcomes:
    """How many calls of a version there were, and how many of them failed."""

    calls: int
    errors: int

    @property
    def rate(self) -> float:
        """Share of the calls that failed; 0 where there were none."""
        return self.errors / self.calls if self.calls else 0.0


class LambdaRelease(Block):
    """Publishes versions of the price API's function and moves its alias between them by weight.

    The flow `deploy-release` works on the document `pricewright-<stage>`, or on that of the `function` in its request.

    Attributes:
        function: Name of the function.
        alias: The alias that API Gateway calls.
        region: AWS region; else AWS_REGION.
        endpoint: Endpoint of Lambda, where it is not AWS; else PRICEWRIGHT_LAMBDA_ENDPOINT.
        role: ARN of the role to deploy with; empty: the role of the user who runs it.

    Example:
        Deploy to another function from now on, and see what customers get:

        ```python
        from blocks.lambda_release import LambdaRelease

        LambdaRelease(function="prices-eu", region="eu-west-1").save("pricewright-staging", overwrite=True)
        print(LambdaRelease.load("pricewright-staging").traffic())
        ```
    """

    _block_type_name = "Pricewright Lambda release"
    _block_type_slug = "pricewright-lambda-release"

    function: str = Field(
        default="pricewright-staging", pattern=r"^[a-zA-Z0-9_-]{1,64}$", description="Name of the function."
    )
    alias: str = Field(
        default="live", pattern=r"^[a-zA-Z_-][a-zA-Z0-9_-]{0,127}$", description="The alias that API Gateway calls."
    )
    region: str | None = Field(
        default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="AWS region, such as eu-west-1; else AWS_REGION."
    )
    endpoint: AnyHttpUrl | None = Field(
        default=None, description="Endpoint of Lambda, where it is not AWS; else PRICEWRIGHT_LAMBDA_ENDPOINT."
    )
    role: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$",
        description="ARN of the role to deploy with; empty: the role of the user who runs it.",
    )

    def traffic(self) -> Traffic | None:
        """What the alias says, or None where there is no alias yet."""
        try:
            found = self._lambda.get_alias(FunctionName=self.function, Name=self.alias)
        except self._lambda.exceptions.ResourceNotFoundException:
            self._configuration()  # raises where there is no function either
            return None
        weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        previous = str(found.get("Description") or "").removeprefix("before: ")
        return Traffic(found["FunctionVersion"], weights, previous if previous.isdigit() else "", found["RevisionId"])

    def image(self) -> str:
        """The image of the next version, by digest where it was set so."""
        code = self._call("get_function")["Code"]
        given = str(code.get("ImageUri", ""))
        return given if "@sha256:" in given else str(code.get("ResolvedImageUri", given))

    def label(self, version: str) -> str:
        """What was written on a version when it was published."""
        return str(self._configuration(version).get("Description", ""))

    def variables(self, version: str = "$LATEST") -> dict[str, str]:
        """The environment of a version."""
        return dict(self._configuration(version).get("Environment", {}).get("Variables", {}))

    def set_image(self, image: str) -> bool:
        """Take an image for the next version; whether that was new. Returns when Lambda is ready with it."""
        if self.image() == image:
            return False
        self._settled()
        self._call("update_function_code", ImageUri=image, Publish=False)
        self._settled()
        return True

    def set_variables(self, variables: Mapping[str, str]) -> bool:
        """Lay variables over the environment of the next version; whether that changed anything."""
        known = self.variables()
        wanted = known | dict(variables)
        if wanted == known:
            return False
        self._settled()
        self._call("update_function_configuration", Environment={"Variables": wanted})
        self._settled()
        return True

    def publish(self, label: str) -> str:
        """The version of the present image and environment: Lambda makes none where nothing changed since the last.

        Raises DeploymentError when somebody else changed the function in between.
        """
        now = self._settled()
        seen = {name: now[name] for name in ("RevisionId", "CodeSha256") if name in now}
        version = str(self._call("publish_version", Description=label[:256], **seen)["Version"])
        self._settled(version)
        return version

    def send(self, version: str, others: Mapping[str, float], previous: str, seen: Traffic | None) -> None:
        """Send all requests to a version but those that `others` get; `seen` is what the alias must still say."""
        routing = {"AdditionalVersionWeights": dict(others)}
        given = {
            "Name": self.alias,
            "FunctionVersion": version,
            "Description": f"before: {previous}" if previous else "",
        }
        if seen is None:
            self._call("create_alias", **given)
        else:
            self._call("update_alias", **given, RoutingConfig=routing, RevisionId=seen.revision)

    def invoke(self, qualifier: str, event: Any) -> Any:
        """What a version, or the alias, answers to an event. Raises DeploymentError when it fails."""
        answer = self._call("invoke", Qualifier=qualifier, Payload=json.dumps(event).encode())
        body = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise DeploymentError(f"{self.function}:{qualifier} fails: {body[:300].decode(errors='replace')}")
        return json.loads(body)

    def outcomes(self, version: str, since: datetime, until: datetime) -> Outcomes:
        """How the calls of a version went: by Lambda's count of crashes, or by our own of answers, whichever is worse.

        Lambda counts calls through the alias, and an answer 500 as success; the price API's log counts those, also of a
        call by the version's number. Both are told after a minute or two.
        """
        seen = {"FunctionName": self.function, "Resource": f"{self.function}:{self.alias}", "ExecutedVersion": version}
        calls, errors = (self._sums("AWS/Lambda", name, seen, since, until) for name in ("Invocations", "Errors"))
        answers = self._sums(OURS, "Failures", {"Function": self.function, "Version": version}, since, until)
        crashed, failed = Outcomes(calls[0], errors[0]), Outcomes(answers[1], answers[0])
        return max(crashed, failed, key=lambda outcomes: outcomes.rate)

    def _sums(
        self, namespace: str, name: str, dimensions: Mapping[str, str], since: datetime, until: datetime
    ) -> tuple[int, int]:
        """Sum of a metric, and how many values it has."""
        found = self._metrics.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=since,
            EndTime=until,
            Period=PERIOD,
            Statistics=["Sum", "SampleCount"],
        )
        points = found["Datapoints"]
        return int(sum(point["Sum"] for point in points)), int(sum(point["SampleCount"] for point in points))

    def _settled(self, version: str = "$LATEST") -> dict[str, Any]:
        """The configuration of a version, once Lambda is done with the last change to it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            now = self._configuration(version)
            state, update = now.get("State") or "Active", now.get("LastUpdateStatus") or "Successful"
            if "Failed" in (state, update):
                reason = now.get("LastUpdateStatusReason") or now.get("StateReason") or "it says no reason"
                raise DeploymentError(
                    f"Lambda refuses the last change of {self.function}: {reason}",
                    hint="is the image there, and may the function's role read it?",
                )
            if state != "Pending" and update == "Successful":
                return now
            if time.monotonic() > deadline:
                raise DeploymentError(f"{self.function} is still changing after {PATIENCE:g} s.", hint="try again.")
            time.sleep(1)

    def _configuration(self, version: str = "$LATEST") -> dict[str, Any]:
        return self._call("get_function_configuration", Qualifier=version)

    def _call(self, what: str, **how: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found: dict[str, Any] = getattr(self._lambda, what)(FunctionName=self.function, **how)
        except ClientError as error:
            if error.response["Error"]["Code"] == "PreconditionFailedException":
                raise DeploymentError(
                    f"somebody else changes {self.function} at the same time.", hint="look at it, then deploy again."
                ) from None
            raise DeploymentError(f"{what} of {self.function}: {error}") from error
        except BotoCoreError as error:
            raise DeploymentError(f"Lambda cannot be reached for {what} of {self.function}: {error}") from error
        return found

    @cached_property
    def _lambda(self) -> Any:
        return self._client("lambda", str(self.endpoint).rstrip("/") if self.endpoint else None)

    @cached_property
    def _metrics(self) -> Any:
        return self._client("cloudwatch", None)

    def _client(self, service: str, endpoint: str | None) -> Any:
        import boto3

        given = boto3_settings(service, os.environ)
        given |= {name: value for name, value in (("endpoint_url", endpoint), ("region_name", self.region)) if value}
        return boto3.client(service, **given, **self._keys())

    def _keys(self) -> dict[str, str]:
        """The keys of the role, which end by themselves; without one, boto3 finds those of the user who runs it."""
        if self.role is None:
            return {}
        import boto3

        client = boto3.client("sts", **boto3_settings("sts", os.environ))
        keys = client.assume_role(RoleArn=self.role, RoleSessionName="pricewright-deploy")["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }
