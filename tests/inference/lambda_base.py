"""Lambda's base image: what is known of it, and a file system in its place, of this machine's own parts.

It holds what public.ecr.aws/lambda/python promises: the interpreter in /var/lang, the runtime client in
/var/runtime, the emulator in /usr/local/bin, and /lambda-entrypoint.sh, which starts the one under the other. Its C
library is this machine's, but uv is told the base's: it takes the wheels that it would take there.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile
from packaging.tags import Tag, compatible_tags, cpython_tags

from tests.inference.lean import find_python, install_into

ROOT = Path(__file__).parents[2]
BASE = re.compile(r"^ARG BASE=public\.ecr\.aws/lambda/python:(3\.\d+)$", re.M)
# Minor of glibc 2.x by Python: up to 3.11 on Amazon Linux 2, from 3.12 on Amazon Linux 2023.
GLIBC = {"3.10": 26, "3.11": 26, "3.12": 34, "3.13": 34, "3.14": 34}
GCC_11 = {"GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (11,)}  # the same system's libstdc++ and libgcc
OF_THE_BASE = frozenset({  # libraries that wheels may ask for besides their own
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1",
    "libstdc++.so.6", "libz.so.1",
})  # fmt: skip
OLD_NAMES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
PROGRAMS = ("sh", "cat", "du", "env", "id", "ls", "mkdir", "rm", "touch")
NEEDED_BY_WHEELS = (  # besides what the programs need: the C library's parts, C++, and names of hosts
    "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libstdc++.so.6", "libgcc_s.so.1", "libz.so.1",
    "libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2",
)  # fmt: skip
LIBRARIES = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu"
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"
ENTRY = """#!/bin/sh
exec /usr/local/bin/aws-lambda-rie --runtime-interface-emulator-address "127.0.0.1:${RIE_PORT:-8080}" \\
    --runtime-api-address "127.0.0.1:${RUNTIME_PORT:-9001}" /var/lang/bin/python3 -m awslambdaric "$1"
"""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
ENVIRONMENT = {
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib",
    "PYTHONHOME": "/var/lang",
    "PYTHONPATH": "/var/task:/var/runtime",
    "PIP_CERT": str(CERTIFICATES),
    "SSL_CERT_FILE": str(CERTIFICATES),  # for uv while the image is built, for the lake's client afterwards
}


def base_python() -> str:
    """The version of Python in the tag of the Dockerfile's base, such as 3.13."""
    (version,) = BASE.findall((ROOT / "Dockerfile").read_text())
    return str(version)


def base_tags(python: str) -> frozenset[Tag]:
    """The tags of the wheels that fit the base with this Python, on x86_64."""
    platforms = list(_platforms(GLIBC[python]))
    version = [int(part) for part in python.split(".")]
    interpreter = f"cp{python.replace('.', '')}"
    return frozenset([*cpython_tags(version, platforms=platforms), *compatible_tags(version, interpreter, platforms)])


def _platforms(newest: int) -> Iterator[str]:
    for minor in range(newest, 4, -1):
        yield f"manylinux_2_{minor}_x86_64"
        if minor in OLD_NAMES:
            yield f"{OLD_NAMES[minor]}_x86_64"
    yield "linux_x86_64"


def asked_beyond(binary: Path, own: frozenset[str] = frozenset()) -> list[str]:
    """What a binary asks for that the base lacks: versions of its libraries, and libraries that nobody brings.

    own: names of the libraries that come with the binary.
    """
    newest = {"GLIBC": (2, GLIBC[base_python()])} | GCC_11
    with binary.open("rb") as file:
        elf = ELFFile(file)
        needs, dynamic = elf.get_section_by_name(".gnu.version_r"), elf.get_section_by_name(".dynamic")
        versions = [each.name for _, all_of in (needs.iter_versions() if needs else ()) for each in all_of]
        libraries = [each.needed for each in (dynamic.iter_tags("DT_NEEDED") if dynamic else ())]
    beyond = [name for name in versions if not _has(name, newest)]
    return beyond + [name for name in libraries if name not in own | OF_THE_BASE]


def misfits_in(folder: Path) -> list[str]:
    """Each binary under a folder that would not load on the base, with what it asks for."""
    binaries = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_elf(path)]
    assert binaries, f"no binary in {folder}"
    own = frozenset(path.name for path in binaries)
    asked = {path: asked_beyond(path, own) for path in binaries}
    return [f"{path.relative_to(folder)}: {', '.join(beyond)}" for path, beyond in asked.items() if beyond]


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _has(name: str, newest: dict[str, tuple[int, ...]]) -> bool:
    """Whether the base has what a symbol's version names; GLIBC_ABI_DT_RELR and its like came later than 2.34."""
    library, _, number = name.partition("_")
    if library not in newest:
        return True  # of a library that comes with the binary, or it is missed by name
    return bool(re.fullmatch(r"[\d.]+", number)) and tuple(map(int, number.split("."))) <= newest[library]


def make_base(folder: Path) -> None:
    """Write the files; the test is skipped where Python, the runtime client or the emulator cannot be had."""
    python = base_python()
    home = find_python(python).parents[1]
    for name in ("tmp", "etc/ssl/certs", "bin", "usr/bin", "usr/local/bin", "var/task", "var/lang/bin", "opt"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\n")
    shutil.copy(CERTIFICATES, folder / "etc/ssl/certs")
    (folder / "etc/uv").mkdir()
    (folder / "etc/uv/uv.toml").write_text(f'[pip]\npython-platform = "x86_64-manylinux_2_{GLIBC[python]}"\n')
    _copy_python(home, folder / "var/lang", python)
    programs = [Path(found) for name in PROGRAMS if (found := shutil.which(name))]
    for path in programs:
        shutil.copy(path, folder / "bin" / path.name)
    extensions = (folder / f"var/lang/lib/python{python}/lib-dynload").glob("*.so")
    _copy_libraries([*programs, home / f"bin/python{python}", *extensions], folder)
    interpreter = home / f"bin/python{python}"
    install_into(interpreter, folder / "var/runtime", ["awslambdaric"], ["--no-deps", "aws-sam-cli"])
    shutil.move(folder / "var/runtime" / EMULATOR, folder / "usr/local/bin/aws-lambda-rie")
    shutil.rmtree(folder / "var/runtime/samcli")
    entry = folder / "lambda-entrypoint.sh"
    entry.write_text(ENTRY)
    for program in (entry, folder / "usr/local/bin/aws-lambda-rie"):
        program.chmod(0o755)


def _copy_python(home: Path, lang: Path, version: str) -> None:
    """The interpreter and its library, without what was installed beside it; pip comes out of ensurepip."""
    name = f"python{version}"
    left_out = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "tkinter", "config-*", "__pycache__")
    shutil.copytree(home / "lib" / name, lang / "lib" / name, ignore=left_out)
    shutil.copy(home / "bin" / name, lang / "bin" / name)
    (lang / "bin/python3").symlink_to(name)
    for shared in (home / "lib").glob(f"libpython{version}.so*"):
        shutil.copy(shared, lang / "lib")


def _copy_libraries(programs: Iterable[Path], folder: Path) -> None:
    """What the programs are linked with, where the loader looks for it."""
    listed = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    found = {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}
    found |= {LIBRARIES / name for name in NEEDED_BY_WHEELS if (LIBRARIES / name).exists()}
    for path in found:
        target = folder / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
