"""The command in odd surroundings: another language, a nonsense time zone, Windows files, folders without rights."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.console import no_permission
from testing.checkout import COMMAND, Checkout, make_checkout
from testing.plain_shop import plain_shop

SALES = "Verkäufe März.csv"
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
DEAD_PROXY = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"}
ODD = {
    "locale and terminal of ASCII, a home that is no folder": ASCII | {"HOME": "/dev/null/home"},
    "a time zone that is none, a proxy that nobody answers": DEAD_PROXY | {"TZ": "nonsense"},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in a folder with blanks and umlauts, its files with Windows' line ends."""
    made = make_checkout(tmp_path_factory.mktemp("Läden und Preise"))
    plain_shop().write_csv(made.root / SALES)
    path = made.root / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    return made


@pytest.mark.parametrize("odd", ODD)
def test_a_file_is_read_all_the_same(odd: str, shop: Checkout) -> None:
    made = Checkout(shop.root, extra=ODD[odd])
    configured = made.pricewright("configure", "--source", SALES, "--store", "Der See")
    assert configured.returncode == 0, configured.stderr
    path = shop.root / "run.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    done = made.pricewright("stage", "ingest")
    assert done.returncode == 0, done.stderr
    assert "4,100 accepted" in done.stdout


def test_a_checkout_without_the_right_to_write_is_one_clear_error(shop: Checkout) -> None:
    as_user = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if as_user and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and nothing takes that right away")
    shop.root.chmod(0o555)
    try:
        command = [*as_user, sys.executable, "-c", COMMAND, "configure", "--source", SALES]
        done = subprocess.run(command, cwd=shop.root, env=shop.environment, capture_output=True, text=True, timeout=60)
    finally:
        shop.root.chmod(0o755)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot be used by this user: Permission denied" in done.stderr and "hint:" in done.stderr


def test_an_error_that_is_no_missing_right_is_none_of_it() -> None:
    assert no_permission(FileNotFoundError(2, "No such file", "x")) is None
    assert no_permission(PermissionError(13, "Permission denied", Path("x"))) is not None
