"""Keys: who has one may ask, for as long as it stands in the secret."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from deployments.aws import authoriser
from tests.deployments.aws.template import FOLDER, read


@pytest.fixture
def keys(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A secret with two callers, where the function looks for it."""
    for name, value in {
        "AWS_ENDPOINT_URL": cloud,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "KEYS": "keys",
    }.items():
        monkeypatch.setenv(name, value)
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="keys", SecretString=json.dumps({"playground": "p" * 48, "shop": "s" * 48, "gone": ""}))
    authoriser.held.update(until=0.0, read=None, keys={})
    yield secrets
    secrets.delete_secret(SecretId="keys", ForceDeleteWithoutRecovery=True)
    authoriser.held.update(until=0.0, read=None, keys={})


def ask(key: str | None) -> dict[str, object]:
    return authoriser.handler({"headers": {} if key is None else {"x-api-key": key}}, None)


@pytest.mark.usefixtures("keys")
def test_a_caller_with_a_key_is_let_in_and_named() -> None:
    assert ask("s" * 48) == {"isAuthorized": True, "context": {"caller": "shop"}}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("key", [None, "", "s" * 47, "s" * 49, "P" * 48, "é" * 48])
def test_a_wrong_an_empty_or_no_key_is_refused(key: str | None) -> None:
    assert ask(key) == {"isAuthorized": False, "context": {"caller": "nobody"}}


def test_a_key_that_was_withdrawn_stops_to_work(keys: object) -> None:
    assert ask("s" * 48)["isAuthorized"]
    keys.put_secret_value(SecretId="keys", SecretString='{"playground": "p"}')
    assert ask("s" * 48)["isAuthorized"]  # for five minutes
    authoriser.held["until"] = 0.0
    assert not ask("s" * 48)["isAuthorized"]


@pytest.mark.parametrize("broken", [None, 5, True, {"key": "x"}, ["s"], ""])
def test_one_broken_entry_locks_out_nobody_but_its_caller(
    keys: Any, broken: object, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.put_secret_value(SecretId="keys", SecretString=json.dumps({"typo": broken, "shop": "s" * 48}))
    assert ask("s" * 48) == {"isAuthorized": True, "context": {"caller": "shop"}}
    assert not ask("")["isAuthorized"] and not ask("None")["isAuthorized"]
    assert capsys.readouterr().out == '{"trouble": "no key: [\'typo\']"}\n'


@pytest.mark.parametrize("text", ["no JSON", "[1]", '"s"', None])
def test_while_the_secret_cannot_be_read_the_last_keys_hold_for_an_hour(
    keys: Any, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask("s" * 48)["isAuthorized"]
    if text is None:
        keys.delete_secret(SecretId="keys", ForceDeleteWithoutRecovery=True)
    else:
        keys.put_secret_value(SecretId="keys", SecretString=text)
    authoriser.held["until"] = 0.0
    assert ask("s" * 48)["isAuthorized"] and not ask("x")["isAuthorized"]
    printed = capsys.readouterr().out
    assert printed.count("the last ones hold") == 1 and "s" * 48 not in printed, (
        "it is asked again in a while, not each time"
    )
    authoriser.held.update(until=0.0, read=authoriser.held["read"] - authoriser.LAST)
    with pytest.raises(Exception, match=r"Secret|JSON|Expecting|sequence|update|length"):
        ask("s" * 48)
    if text is None:
        keys.create_secret(Name="keys", SecretString="{}")


def test_a_function_that_has_read_no_keys_lets_nobody_in(keys: Any) -> None:
    keys.put_secret_value(SecretId="keys", SecretString="no JSON")
    with pytest.raises(ValueError, match="Expecting value"):
        ask("s" * 48)


def test_the_template_carries_the_code_word_for_word() -> None:
    inline = read("template.yaml")["Resources"]["Authoriser"]["Properties"]["Code"]["ZipFile"]
    assert inline == (FOLDER / "authoriser.py").read_text()
    assert len(inline) <= 4096  # CloudFormation's limit
