"""Timing two ways of doing the same thing against each other in one run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax

_compilations = 0


def _count_compilation(event: str, duration_secs: float, **_) -> None:
    global _compilations
    del duration_secs
    _compilations += event == "/jax/core/compile/backend_compile_duration"


jax.monitoring.register_event_duration_secs_listener(_count_compilation)


@dataclass(frozen=True)
class Comparison:
    """Median times of a reference and of ours, in seconds."""

    name: str
    reference: str
    reference_seconds: float
    our_seconds: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.reference_seconds / self.our_seconds

    def row(self) -> str:
        """One line of the benchmark table."""
        times = f"{self.reference_seconds:>10.3f} s{self.our_seconds:>10.3f} s"
        return f"{self.name:<34}{self.reference:<34}{times}{self.ratio:>9.3g}x"


HEADER = f"{'what':<34}{'reference':<34}{'reference':>12}{'ours':>12}{'ratio':>10}"


def compare(
    name: str, reference_name: str, reference: Callable[[], object], ours: Callable[[], object], *, repetitions: int
) -> Comparison:
    """Call both in turn, so that a busy machine slows both alike; medians of the calls. Ours is called once before.

    Raises RuntimeError if ours compiles anything while it is timed.
    """
    jax.block_until_ready(ours())
    compiled = _compilations
    times = [(_seconds(reference), _seconds(ours)) for _ in range(repetitions)]
    if _compilations != compiled:
        raise RuntimeError(f"{name}: recompiled while being timed")
    slow, fast = (statistics.median(column) for column in zip(*times, strict=True))
    return Comparison(name, reference_name, slow, fast)


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - start
