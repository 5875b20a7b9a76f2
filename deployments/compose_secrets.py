"""`python -m deployments.compose_secrets FOLDER`: random secrets for compose.yaml, one file each."""

import argparse
import os
import secrets
from pathlib import Path

BYTES = 32


def make_secrets(messages: str = "messages:6379", cache: str = "cache:6379") -> dict[str, str]:
    """New ones. The names are the variables that they become in a container; the arguments are where Redis listens."""
    password, server = secrets.token_urlsafe(BYTES), f"prefect:{secrets.token_urlsafe(BYTES)}"
    return {
        "PREFECT_SERVER_DATABASE_PASSWORD": secrets.token_urlsafe(BYTES),
        "REDIS_PASSWORD": password,
        "PREFECT_REDIS_MESSAGING_URL": f"redis://:{password}@{messages}/0",
        "PREFECT_SERVER_DOCKET_URL": f"redis://:{password}@{messages}/1",
        "PRICEWRIGHT_REDIS_URL": f"redis://:{password}@{cache}/0",
        "PREFECT_SERVER_API_AUTH_STRING": server,
        "PREFECT_API_AUTH_STRING": server,
        "PRICEWRIGHT_APPROVAL_KEY": secrets.token_hex(BYTES),
    }


def write_secrets(folder: Path) -> list[str]:
    """Write those that the folder lacks all at once; it is an error when it has some: they belong together."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = make_secrets()
    there = [name for name in made if (folder / name).exists()]
    if there:
        raise FileExistsError(f"{folder} holds {there[0]} already: take another folder, or remove all of them.")
    for name, value in made.items():
        # Containers run as users of their own: the folder is closed to everybody else, the files are not.
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(handle, "w") as file:
            file.write(value)
    return list(made)


def main() -> None:
    """Write them and say which."""
    parser = argparse.ArgumentParser(prog="python -m deployments.compose_secrets", description=__doc__)
    parser.add_argument("folder", type=Path)
    for name in write_secrets(parser.parse_args().folder):
        print(name)  # noqa: T201


if __name__ == "__main__":
    main()
