"""Coverage-guided fuzzing of one target in a process of its own: `python -m tests.fuzz.guided TARGET RUNS FOLDER`.

atheris (libFuzzer for Python) watches which branches of our code an input reaches, and changes those that reached new
ones. It goes on after a fault; faults and the count lie in FOLDER.
"""

import json
import sys
import time
from pathlib import Path

import atheris

OURS = ["inference", "pricewright.release", "pricewright.core.onnx_file", "pricewright.core.graph",
        "pricewright.core.onnx_file", "pricewright.core.graph", "pricewright.ingest"]  # fmt: skip
LONGEST_INPUT = 4096  # bytes
EVERY = 200  # inputs between two notes of how many there were


def main() -> None:
    """Fuzz one target until so many inputs were tried."""
    name, runs, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with atheris.instrument_imports(include=OURS):
        from tests.fuzz.targets import TARGETS, seeds
    from tests.fuzz.try_out import try_out

    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(seeds()[name]):
        (corpus / f"seed-{number}").write_bytes(body)
    target, started, tried, seen = TARGETS[name], time.monotonic(), 0, dict[str, int]()

    def once(data: bytes) -> None:
        nonlocal tried
        tried += 1
        fault = try_out(target, data)
        if fault is not None:
            key = f"{fault.kind} {fault.where}"
            seen[key] = seen.get(key, 0) + 1
            if seen[key] == 1:
                (folder / f"fault-{len(seen)}").write_bytes(data)
                (folder / f"fault-{len(seen)}.txt").write_text(f"{fault.kind}\n{fault.story}\n")
        if tried % EVERY == 0 or fault is not None or tried >= runs:
            _note(folder, tried, time.monotonic() - started, seen)

    limits = [f"-runs={runs}", f"-max_len={LONGEST_INPUT}", "-timeout=300", "-rss_limit_mb=3000", "-seed=1"]
    quiet = ["-print_final_stats=1", f"-artifact_prefix={folder}/stopped-"]
    atheris.Setup([sys.argv[0], *limits, *quiet, str(corpus)], once)
    atheris.Fuzz()


def _note(folder: Path, tried: int, seconds: float, seen: dict[str, int]) -> None:
    (folder / "count.json").write_text(json.dumps({"inputs": tried, "seconds": round(seconds, 1), "faults": seen}))


if __name__ == "__main__":
    main()
