"""How much memory a stage needs at its most."""

from pathlib import Path

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Let the peak be that of what comes next, where the system can (Linux)."""
    try:
        _FORGET.write_text("5")
    except OSError:
        pass


def peak_gigabytes() -> float | None:
    """Most memory that this process held at once since `forget_peak`; None where the system does not say."""
    try:
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    except (OSError, ValueError):
        return None
    return round(int(line.split()[1]) * 1024 / 1e9, 2)
