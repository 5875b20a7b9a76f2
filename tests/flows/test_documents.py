"""What an operator changes in a block document is what the next run of a flow uses; a request wins over it."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml
from prefect import flow
from pydantic import SecretStr

from blocks.approval_key import ApprovalKey, load_approval_key
from blocks.channel import Channel
from blocks.document import find_document
from blocks.lake import Lake
from blocks.lake_block import LakeBlock, locate_lake
from blocks.lambda_release import LambdaRelease
from blocks.price_cache import PriceCache, find_cache_url
from blocks.register import OURS
from flows.backfill_weeks import backfill_weeks
from flows.deploy_release import DeployRequest, deploy_release
from flows.forms import BackfillRequest, RefreshRequest, ReleaseRequest
from flows.refresh_prices import refresh_prices
from flows.release_model import release_model
from flows.roll_back import RollBackRequest, roll_back
from pricewright.core.errors import ApprovalError, ParameterError, ReleaseError, SourceError
from tasks.deploy import find_target
from tasks.releases import promote_release
from tasks.run import open_run, remote_of
from testing.checkout import make_checkout
from testing.racing import sixteen
from tests.flows.test_deploy_release import SECRET, Site, approval, plane  # noqa: F401  a fixture
from tests.lambda_plane import LambdaPlane, image

OTHER = "another secret that is long enough"


@pytest.fixture
def checkout(tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that flows run in, with sales that no run can use, so that it ends before the stages' mathematics."""
    root = tmp_path / "checkout"
    make_checkout(root)
    (root / "sales.csv").write_text("colour,taste\nred,sweet\n")
    monkeypatch.chdir(root)
    return root


@flow(persist_result=False)
def located(store: str) -> str:
    """What a flow of the project asks first."""
    return locate_lake(store)[0]


def refresh(store: str) -> None:
    refresh_prices(RefreshRequest(source="sales.csv", store=store))


def backfill(store: str) -> None:
    backfill_weeks(BackfillRequest(first_week="2011-W10", last_week="2011-W10", source="sales.csv", store=store))


@pytest.mark.parametrize("start", [refresh, backfill])
def test_a_run_without_a_store_uses_the_lake_of_the_document_as_it_is_now(
    checkout: Path, start: Callable[[str], None]
) -> None:
    def used(store: str = "") -> str:
        """The store in run.yaml while the run works; it fails, and leaves none behind."""
        found: set[str] = set()
        over = Event()

        def watch() -> None:
            while not over.wait(0.01):
                with suppress(FileNotFoundError):
                    found.add(yaml.safe_load((checkout / "run.yaml").read_text())["store"])

        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(watch)
            with pytest.raises(SourceError):
                start(store)
            over.set()
            watching.result()
        assert not (checkout / "run.yaml").exists()
        (only,) = found
        return str((checkout / only).resolve())

    assert used() == str(checkout / "lake"), "there is no document yet"
    for name in ("first", "second"):
        LakeBlock(url=str(checkout / name)).save("pricewright", overwrite=True)
        assert used() == str(checkout / name)
    assert used(str(checkout / "asked")) == str(checkout / "asked")


def test_the_documents_endpoint_and_region_reach_the_ledger_and_the_stages(
    checkout: Path, s3_url: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRICEWRIGHT_S3_ENDPOINT")
    monkeypatch.delenv("AWS_REGION")
    LakeBlock(url=s3_url, endpoint=s3_endpoint, region="eu-west-1").save("pricewright")

    @flow
    def look(store: str) -> tuple[list[str], dict[str, str]]:
        url, environment = locate_lake(store)
        with open_run(checkout, store=url, environment=environment) as run:
            run.lake.write_new("raw/a", b"1")
            again = Lake(run.workspace.store, run.workspace.environment)
            return list(again.list("raw")), remote_of(run.lake)

    for store in ("", s3_url, f"{s3_url}/"):  # one run hands the URL of its lake to the next
        keys, remote = look(store)
        assert keys == ["raw/a"]
        assert (remote["endpointurl"], remote["region"]) == (s3_endpoint, "eu-west-1")


def test_without_a_document_the_environment_says_where_the_lake_is(
    prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRICEWRIGHT_STORE", "s3://shop/environment")
    assert located("") == "s3://shop/environment"
    LakeBlock(url="s3://shop/document").save("pricewright")
    assert located("") == "s3://shop/document"
    assert located("s3://shop/request") == "s3://shop/request"
    assert locate_lake("")[0] == "s3://shop/environment", "outside of a flow run no server is asked"


def test_a_roll_back_and_a_release_look_into_the_lake_of_the_document(
    checkout: Path, lake_url: str, tmp_path: Path
) -> None:
    old, (new, *_) = sixteen(lake_url, tmp_path)
    for release in (old, new):
        promote_release(Lake(lake_url), release, "production", 1)
    LakeBlock(url=lake_url).save("pricewright", overwrite=True)
    assert roll_back(RollBackRequest()).release == old
    LakeBlock(url=str(tmp_path / "empty")).save("pricewright", overwrite=True)
    with pytest.raises(ReleaseError, match=re.escape(f"{tmp_path / 'empty'} has no release")):
        release_model(ReleaseRequest(release=new))
    assert roll_back(RollBackRequest(store=lake_url)).release == new
    pointer = Channel(Lake(lake_url)).read()
    assert pointer is not None and pointer.release == new


def test_a_deployment_takes_lake_function_cache_and_key_from_the_documents(
    plane: LambdaPlane,  # noqa: F811
    s3_url: str,
    tmp_path: Path,
    prefect_api: str,
) -> None:
    site = Site(plane, s3_url, tmp_path, "production")
    asked = {"stage": "production", "release": site.releases[1], "watch": 0, "by": "ann"}

    def deploy(secret: str, **how: Any) -> Any:
        token = approval(site, site.releases[1], how["image"], secret=secret)
        return deploy_release(DeployRequest(**asked | {"approval": token} | how))

    def redis_of(version: str) -> str:
        seen = plane.client.get_function_configuration(FunctionName=site.function, Qualifier=version)
        return str(seen["Environment"]["Variables"]["PRICEWRIGHT_REDIS_URL"])

    LakeBlock(url=s3_url).save("pricewright")
    LambdaRelease(function=site.function).save("pricewright-production")
    PriceCache(url=SecretStr("rediss://:canary@first:6379/0")).save("pricewright")
    assert deploy(SECRET, image=image("b")).function == site.function, "the key is that of the environment"
    assert redis_of("2") == "rediss://:canary@first:6379/0"

    ApprovalKey(secret=SecretStr(OTHER)).save("pricewright")
    PriceCache(url=SecretStr("rediss://second:6379/0")).save("pricewright", overwrite=True)
    with pytest.raises(ApprovalError, match="signature"):
        deploy(SECRET, image=image("c"))
    deploy(OTHER, image=image("c"))
    assert redis_of("3") == "rediss://second:6379/0"

    PriceCache(url=SecretStr("rediss://production:6379/0")).save("pricewright-production")
    deploy(OTHER, image=image("d"))
    assert redis_of("4") == "rediss://production:6379/0", "a stage's own document comes first"
    deploy(OTHER, image=image("e"), redis_url="rediss://asked:6379/0")
    assert redis_of("5") == "rediss://asked:6379/0"


def test_a_secret_of_a_document_is_in_no_log_state_parameter_or_artifact_of_a_run(
    plane: LambdaPlane,  # noqa: F811
    s3_url: str,
    tmp_path: Path,
    prefect_api: str,
) -> None:
    import httpx

    site = Site(plane, s3_url, tmp_path, "production")
    secrets = ("canary-key of thirty-two bytes and more", "canary-password")
    ApprovalKey(secret=SecretStr(secrets[0])).save("pricewright")
    PriceCache(url=SecretStr(f"rediss://:{secrets[1]}@cache:6379/0")).save("pricewright")
    token = approval(site, site.releases[1], image("b"), secret=secrets[0])
    asked = site.request(image=image("b"), release=site.releases[1], approval=token)
    assert site.releases[1] in repr(deploy_release(DeployRequest(**asked)))
    with pytest.raises(ApprovalError):
        deploy_release(
            DeployRequest(**asked | {"approval": approval(site, site.releases[1], image("b"), secret=OTHER)})
        )
    rows = ("flow_runs", "task_runs", "artifacts", "logs", "block_documents")
    seen = "".join(httpx.post(f"{prefect_api}/{kind}/filter", json={}, timeout=30).text for kind in rows)
    assert site.releases[1] in seen
    assert [secret for secret in secrets if secret in seen] == []


def test_without_documents_a_run_uses_what_it_used_before(prefect_api: str) -> None:
    @flow(persist_result=False)
    def look() -> tuple[str, str, str]:
        environment = {"PRICEWRIGHT_APPROVAL_KEY": SECRET, "PRICEWRIGHT_DEPLOY_REDIS_URL": "rediss://here:6379/0"}
        secret = load_approval_key(environment).secret
        assert secret is not None and find_cache_url("staging", {}) == ""
        return find_target("staging").function, find_cache_url("staging", environment), secret.get_secret_value()

    assert look() == ("pricewright-staging", "rediss://here:6379/0", SECRET)


def test_a_cache_in_cluster_mode_is_refused_before_anything_moves(prefect_api: str) -> None:
    PriceCache(url=SecretStr("redis://nodes:6379"), cluster=True).save("pricewright")
    with pytest.raises(ParameterError, match="cluster mode"):
        flow(find_cache_url)("staging", {})


def test_a_document_that_breaks_a_rule_ends_the_run_and_nothing_else_stands_in(prefect_api: str) -> None:
    import httpx

    LakeBlock(url="s3://shop/lake").save("pricewright")
    found = httpx.get(f"{prefect_api}/block_types/slug/pricewright-lake/block_documents/name/pricewright", timeout=30)
    wrong = {"data": {"url": "gs://no lake of ours"}, "merge_existing_data": False}
    httpx.patch(f"{prefect_api}/block_documents/{found.json()['id']}", json=wrong, timeout=30).raise_for_status()
    with pytest.raises(RuntimeError, match="failed validation"):
        located("")


@pytest.mark.parametrize("kind", OURS)
def test_a_document_that_is_not_there_is_none(kind: Any, prefect_api: str) -> None:
    assert find_document(kind, "nobody") is None
