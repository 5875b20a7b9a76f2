"""A file system in the place of Lambda's base image, which cannot be had everywhere: of this machine's own parts.

It holds what public.ecr.aws/lambda/python:3.11 promises: the interpreter in /var/lang, the runtime client in
/var/runtime, the emulator in /usr/local/bin, and /lambda-entrypoint.sh, which starts the one under the other.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from tests.inference.lean import install_into

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
ENVIRONMENT = {
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib",
    "PYTHONHOME": "/var/lang",
    "PYTHONPATH": "/var/task:/var/runtime",
    "PIP_CERT": "/etc/ssl/certs/ca-certificates.crt",  # this machine's, mounted while the image is built
}


def make_base(folder: Path) -> None:
    """Write the files; the test is skipped where the runtime client or the emulator cannot be installed."""
    for name in ("tmp", "etc", "bin", "usr/bin", "usr/local/bin", "var/task", "var/lang/bin", "opt"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\n")
    _copy_python(folder / "var/lang")
    programs = [Path(found) for name in PROGRAMS if (found := shutil.which(name))]
    for path in programs:
        shutil.copy(path, folder / "bin" / path.name)
    extensions = (folder / "var/lang/lib/python3.11/lib-dynload").glob("*.so")
    _copy_libraries([*programs, Path(sys.base_prefix) / "bin/python3.11", *extensions], folder)
    install_into(folder / "var/runtime", ["awslambdaric"], ["--no-deps", "aws-sam-cli"])
    shutil.move(folder / "var/runtime" / EMULATOR, folder / "usr/local/bin/aws-lambda-rie")
    shutil.rmtree(folder / "var/runtime/samcli")
    entry = folder / "lambda-entrypoint.sh"
    entry.write_text(ENTRY)
    for program in (entry, folder / "usr/local/bin/aws-lambda-rie"):
        program.chmod(0o755)


def _copy_python(lang: Path) -> None:
    """The interpreter and its library, without what was installed beside it; pip comes out of ensurepip."""
    library = Path(sysconfig.get_path("stdlib"))
    left_out = shutil.ignore_patterns("site-packages", "test", "tests", "idlelib", "tkinter", "config-*", "__pycache__")
    shutil.copytree(library, lang / "lib/python3.11", ignore=left_out)
    shutil.copy(Path(sys.base_prefix) / "bin/python3.11", lang / "bin/python3.11")
    (lang / "bin/python3").symlink_to("python3.11")
    for shared in (Path(sys.base_prefix) / "lib").glob("libpython3.11.so*"):
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
