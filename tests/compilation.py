"""How the tests' own process compiles: tests compile much and compute little."""

from pathlib import Path

import jax

from paper_repro.environment import QUICK_TO_COMPILE, with_flags

XLA_FLAGS = with_flags([QUICK_TO_COMPILE, "--xla_backend_optimization_level=0"])

_MAPS, _MOST_MAPS = Path("/proc/self/maps"), 16_000


def forget_compiled_code() -> None:
    """Every compiled function keeps memory maps of its own; 16,000 fill two gigabytes, and 65,530 crash the compiler.

    Where their number is not known everything is forgotten.
    """
    if not _MAPS.exists() or _MAPS.read_bytes().count(b"\n") > _MOST_MAPS:
        jax.clear_caches()
