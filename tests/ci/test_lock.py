"""Every file that is installed is known by its hash, and no host stands in the lock."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    specification = importlib.util.spec_from_file_location("lock", ROOT / ".ci" / "lock.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def names(lock: str) -> list[str]:
    return re.findall(r"^(\w[^ =]*)==", lock, re.M)


def without_hashes(maker: ModuleType, lock: str) -> list[str]:
    """Packages of which anything would be taken."""
    found = {name: maker.entry(lock, name) for name in names(lock)}
    return [name for name, text in found.items() if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", text)]


def test_whatever_is_locked_is_locked_by_hash(maker: ModuleType) -> None:
    assert len(names(LOCK)) > 200 and without_hashes(maker, LOCK) == []
    assert without_hashes(maker, "a==1 \\\n    --hash=sha256:short\nb==2\n    # via a\n") == ["a", "b"]
    hosts = re.compile(r"://|--index|--extra-index|--find-links|\.(org|com|io|net)\b")
    assert not hosts.search(LOCK)


def test_set_up_and_image_take_nothing_whose_hash_is_unknown() -> None:
    for name in ("Makefile", "deployments/platform.Dockerfile"):
        installs = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        (line,) = [line for line in installs if "-r requirements.lock" in line]
        assert "--require-hashes" in line.partition("uv pip install")[2], name


def test_torch_is_its_cpu_build_on_linux_without_cuda(maker: ModuleType) -> None:
    lines = re.findall(r"^torch==[^\\\n]*", LOCK, re.M)
    linux, others = (Requirement(line) for line in lines)
    assert str(linux.specifier) == f"{others.specifier}+cpu"
    for system in ("linux", "darwin"):
        assert [each.marker.evaluate({"sys_platform": system}) for each in (linux, others)] == [
            system == "linux",
            system != "linux",
        ]
    assert not [name for name in names(LOCK) if name.startswith(("nvidia", "cuda", "triton"))]


def test_torch_is_put_into_a_lock_for_each_system_with_its_own_hashes(maker: ModuleType) -> None:
    lock = (
        "a==1 \\\n    --hash=sha256:1\ntorch==2.0 \\\n    --hash=sha256:2\n    # via us\nz==3 \\\n    --hash=sha256:3\n"
    )
    made = maker.put_cpu(lock, "torch==2.0+cpu \\\n    --hash=sha256:4\n")
    assert made.splitlines()[2:7] == [
        'torch==2.0+cpu ; sys_platform == "linux" \\',
        "    --hash=sha256:4",
        'torch==2.0 ; sys_platform != "linux" \\',
        "    --hash=sha256:2",
        "    # via us",
    ]
    assert made.startswith("a==1 \\\n    --hash=sha256:1\n") and made.endswith("z==3 \\\n    --hash=sha256:3\n")


def test_without_the_index_of_the_cpu_builds_only_the_same_version_is_kept(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv").write_text("#!/bin/sh\necho 'no such host' >&2; exit 2\n")
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    before = 'torch==2.0+cpu ; sys_platform == "linux" \\\n    --hash=sha256:4\n    # via us\n'
    assert maker.find_cpu("torch==2.0 \\\n    --hash=sha256:2\n", before) == before
    with pytest.raises(SystemExit, match=r"torch 2\.1 has no CPU build, .* no such host"):
        maker.find_cpu("torch==2.1 \\\n    --hash=sha256:2\n", before)
