"""What a process holds of the machine's memory, as Linux's kernel has it; getrusage would tell its starter's peak too.

Needs the standard library only: whoever measures itself must not hold more by that.
"""

from pathlib import Path

NOW, PEAK = "VmRSS", "VmHWM"


def kilobytes(which: str, process: int | str = "self") -> int:
    """Resident memory of a process, NOW or at its PEAK; 0 for one that is dead. Raises OSError when it is gone."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(which)), 0)


def peak_memory(process: int | str = "self") -> float:
    """The peak in GB, 0 when the process has ended."""
    try:
        return kilobytes(PEAK, process) / 2**20
    except OSError:
        return 0.0
