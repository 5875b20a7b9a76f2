"""What the doctor says of a folder: findings, never a traceback."""

from importlib import metadata
from pathlib import Path

from cli.doctor import checkout, packages, proxy, stack


def test_without_a_lock_file_it_says_where_it_looked(tmp_path: Path) -> None:
    found = packages(tmp_path)
    assert found.status == "warn"
    assert str(tmp_path) in found.words and found.hint


def test_a_package_that_is_not_the_locked_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("polars==0.0.1\n    # via pricewright\nno-such-package==1\n")
    found = packages(tmp_path)
    assert found.status == "warn"
    assert found.words.startswith("2 differ, the first: polars ") and "instead of 0.0.1" in found.words


def test_what_is_locked_by_hash_for_another_system_is_not_missed_on_this_one(tmp_path: Path) -> None:
    own = (
        f"polars=={metadata.version('polars')} ; sys_platform != 'beos' \\\n    --hash=sha256:{'a' * 64}\n    # via x\n"
    )
    (tmp_path / "requirements.lock").write_text(own + "no-such-package==1 ; sys_platform == 'beos'\n")
    found = packages(tmp_path)
    assert (found.status, found.words) == ("ok", "1 as locked")


def test_a_proxy_is_named_without_its_password_and_one_that_cannot_be_used_fails() -> None:
    assert proxy({}).status == "ok"
    found = proxy({"HTTP_PROXY": "http://me:secret@proxy.corp:8080"})
    assert found.status == "ok" and "proxy.corp:8080" in found.words and "secret" not in found.words
    broken = proxy({"HTTP_PROXY": "http://proxy:port"})
    assert broken.status == "fail" and "HTTP_PROXY" in broken.words and broken.hint


def test_a_checkout_that_is_no_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert checkout(tmp_path).status == "ok"
    assert checkout(tmp_path / "file").status == "fail"


def test_without_a_stack_it_says_how_one_starts(tmp_path: Path) -> None:
    found = stack(tmp_path)
    assert found.status == "ok" and "pricewright up" in found.words
