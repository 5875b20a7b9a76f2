"""One setting says where a service is, and every library hears it in its own form."""

from pathlib import Path

import pytest

from blocks.endpoints import SERVICES, boto3_settings, boto3_variables, dvc_remote, find_endpoint, obstore_settings

MOTO = dict.fromkeys(SERVICES.values(), "http://127.0.0.1:5000/") | {"AWS_REGION": "eu-west-1"}


def test_without_settings_everything_is_at_aws() -> None:
    assert [find_endpoint(service, {}) for service in SERVICES] == [None] * len(SERVICES)
    assert boto3_variables({}) == boto3_settings("lambda", {}) == obstore_settings({}) == {}
    assert dvc_remote("s3://shop/dvc", {}) == {"url": "s3://shop/dvc"}
    assert dvc_remote("/data/dvc", MOTO) == {"url": "/data/dvc"}


def test_an_endpoint_reaches_every_library_in_its_form() -> None:
    address = "http://127.0.0.1:5000"
    assert boto3_settings("kms", MOTO) == {"endpoint_url": address, "region_name": "eu-west-1"}
    assert obstore_settings(MOTO)["endpoint"] == address
    assert obstore_settings(MOTO)["client_options"] == {"allow_http": True}
    assert dvc_remote("s3://shop/dvc", MOTO)["endpointurl"] == address
    assert boto3_variables(MOTO)["AWS_ENDPOINT_URL_LAMBDA"] == address


@pytest.mark.parametrize("service", SERVICES)
def test_boto3_goes_where_the_variables_say(
    service: str, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    address = s3_environment["PRICEWRIGHT_S3_ENDPOINT"]
    for name, value in boto3_variables({SERVICES[service]: address}).items():
        monkeypatch.setenv(name, value)
    assert boto3.client(service, region_name="eu-west-1").meta.endpoint_url == address


def test_dvc_pushes_to_the_lake(s3_url: str, s3_environment: dict[str, str], tmp_path: Path) -> None:
    from dvc.repo import Repo

    from blocks.lake import Lake

    (tmp_path / "prices.csv").write_text("1\n")
    with Repo.init(str(tmp_path), no_scm=True) as repo, repo.config.edit() as config:
        config["remote"]["lake"] = dvc_remote(f"{s3_url}/dvc", s3_environment)
        config["core"] |= {"remote": "lake", "analytics": False}
    with Repo(str(tmp_path)) as repo:
        repo.add(str(tmp_path / "prices.csv"))
        assert repo.push() == 1
    assert len(Lake(s3_url).list("dvc/files/md5")) == 1
