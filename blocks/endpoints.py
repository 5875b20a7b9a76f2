"""Where the services of AWS are: at AWS, or where PRICEWRIGHT_<SERVICE>_ENDPOINT says. One setting for all.

Each library wants it in a form of its own; here is each form, so that nothing else of the code knows about it.
"""

from collections.abc import Mapping
from typing import Any

SERVICES = {"s3": "PRICEWRIGHT_S3_ENDPOINT", "lambda": "PRICEWRIGHT_LAMBDA_ENDPOINT",
            "cloudwatch": "PRICEWRIGHT_CLOUDWATCH_ENDPOINT", "kms": "PRICEWRIGHT_KMS_ENDPOINT",
            "sts": "PRICEWRIGHT_STS_ENDPOINT"}  # fmt: skip


def find_endpoint(service: str, environment: Mapping[str, str]) -> str | None:
    """The address of a service, or None for AWS's own."""
    return (environment.get(SERVICES[service]) or "").rstrip("/") or None


def find_region(environment: Mapping[str, str]) -> str | None:
    """The AWS region, where one is set."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None


def obstore_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """For obstore.store.from_url, of an s3:// URL."""
    endpoint = find_endpoint("s3", environment)
    settings: dict[str, Any] = {"region": find_region(environment)}
    if endpoint:
        settings |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
        settings["client_options"] = {"allow_http": endpoint.startswith("http://")}
    return {key: value for key, value in settings.items() if value is not None}


def dvc_remote(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of a DVC remote, as they stand in .dvc/config below `remote "name"`."""
    settings = {"url": url}
    if url.startswith("s3://"):
        given = {"endpointurl": find_endpoint("s3", environment), "region": find_region(environment)}
        settings |= {name: value for name, value in given.items() if value}
    return settings


def boto3_settings(service: str, environment: Mapping[str, str]) -> dict[str, str]:
    """For boto3.client; credentials are those of the role or the environment, never ours."""
    given = {"endpoint_url": find_endpoint(service, environment), "region_name": find_region(environment)}
    return {name: value for name, value in given.items() if value}


def boto3_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What boto3 reads by itself, for code that passes no endpoint on, such as prefect-aws's LambdaFunction."""
    found = {service: find_endpoint(service, environment) for service in SERVICES}
    return {f"AWS_ENDPOINT_URL_{service.upper()}": address for service, address in found.items() if address}
