"""How much memory a stage needs at its most, and that it has none left."""

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


def lack_of_memory(error: Exception) -> str | None:
    """What an exception says of memory that could not be had; None for any other exception.

    NumPy raises a MemoryError. XLA has one class for all that goes wrong, and begins its words with a status.
    """
    said = str(error)
    exhausted = type(error).__name__ == "JaxRuntimeError" and said.startswith("RESOURCE_EXHAUSTED: ")
    if not exhausted and not isinstance(error, MemoryError):
        return None
    return said.removeprefix("RESOURCE_EXHAUSTED: ").partition("\n")[0].rstrip(". ") or "no words of the system"
