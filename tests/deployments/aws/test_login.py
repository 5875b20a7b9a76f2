"""The playground's login, run by the language's own runtime."""

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployments.aws.template import FOLDER, read

NODE = shutil.which("node")
RIGHT = "Basic " + base64.b64encode(b"merchant:a long pass phrase").decode()


def ask(folder: Path, authorization: str | None) -> dict[str, object]:
    if NODE is None:
        pytest.skip("node is not here")
    code = (FOLDER / "login.js").read_text()
    code = code.replace("${PlaygroundLogin}", hashlib.sha256(RIGHT.encode()).hexdigest())
    headers = {} if authorization is None else {"authorization": {"value": authorization}}
    event = json.dumps({"request": {"uri": "/", "headers": headers}})
    script = folder / "login.mjs"
    script.write_text(f"{code}\nconsole.log(JSON.stringify(handler({event})));\n")
    done = subprocess.run([NODE, str(script)], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_the_right_login_passes_and_goes_no_further(tmp_path: Path) -> None:
    assert ask(tmp_path, RIGHT) == {"uri": "/", "headers": {}}


@pytest.mark.parametrize("sent", [None, "", "Basic bWVyY2hhbnQ6eA==", RIGHT.lower()])
def test_any_other_is_asked_to_log_in(tmp_path: Path, sent: str | None) -> None:
    answer = ask(tmp_path, sent)
    assert answer["statusCode"] == 401 and "Basic" in json.dumps(answer["headers"])


def test_the_template_carries_the_code_word_for_word() -> None:
    function = read("template.yaml")["Resources"]["Login"]["Properties"]
    assert function["FunctionCode"] == {"Fn::Sub": (FOLDER / "login.js").read_text()}
    assert function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"


def test_the_readme_of_the_login_makes_the_hash_that_is_asked_for() -> None:
    command = """printf 'Basic %s' "$(printf '%s' 'merchant:a long pass phrase' | base64 -w0)" | sha256sum"""
    made = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert made.split()[0] == hashlib.sha256(RIGHT.encode()).hexdigest()
    documented = (FOLDER.parents[1] / "docs" / "aws.md").read_text()
    assert command.replace("a long pass phrase", "PASSWORD") in documented
