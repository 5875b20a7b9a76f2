"""Resolves the newest dependencies in place, for a run that shows what breaks: newest.py allowed|lifted."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT, LOCK, IMAGE = ROOT / "pyproject.toml", ROOT / "requirements.lock", ROOT / "inference" / "requirements.txt"
REQUIREMENT = re.compile(r'"([A-Za-z0-9_.-]+(?:\[[a-z0-9,]+\])?)\s*[<>=!~][^"]*"')


def lift_pins(text: str) -> str:
    """A pyproject.toml whose dependencies may have any version; the build's and Python's own bounds stay."""
    head, mark, rest = text.partition("\ndependencies = [\n")
    body, end, tail = rest.partition("\n[project.scripts]")
    return head + mark + REQUIREMENT.sub(r'"\1"', body) + end + tail


def follow(image: str, lock: str) -> str:
    """The image's requirements at the versions of a lock: what is tested is what would be served."""
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.M))
    return re.sub(r"^([a-z0-9-]+)==\S+", lambda match: f"{match.group(1)}=={locked[match.group(1)]}", image, flags=re.M)


def main(pins: str) -> None:
    """Write pyproject.toml, requirements.lock, the image's requirements and its lock."""
    if pins == "lifted":
        PROJECT.write_text(lift_pins(PROJECT.read_text()))
    subprocess.run([sys.executable, ".ci/lock.py", "--upgrade"], cwd=ROOT, check=True)
    IMAGE.write_text(follow(IMAGE.read_text(), LOCK.read_text()))
    subprocess.run([".ci/lock-image"], cwd=ROOT, check=True)


if __name__ == "__main__":
    if sys.argv[1:] not in (["allowed"], ["lifted"]):
        sys.exit("newest.py allowed|lifted")
    main(sys.argv[1])
