"""How the tests' own process compiles: tests compile much and compute little."""

import gc
from pathlib import Path

import jax

from paper_repro.environment import QUICK_TO_COMPILE, with_flags

# One module in place of up to 32 for LLVM: its copies are for compiling on many cores, and cost a tenth of the time.
_IN_ONE_PIECE = "--xla_cpu_parallel_codegen_split_count=1"
XLA_FLAGS = with_flags([QUICK_TO_COMPILE, "--xla_backend_optimization_level=0", _IN_ONE_PIECE])

_MAPS, _MOST_MAPS = Path("/proc/self/maps"), 5_000


def forget_compiled_code() -> None:
    """Every compiled function keeps memory maps of its own; 5,000 fill two gigabytes, 65,530 crash the compiler.

    Where their number is not known everything is forgotten.
    """
    if not _MAPS.exists() or _MAPS.read_bytes().count(b"\n") > _MOST_MAPS:
        jax.clear_caches()
        gc.collect()  # what refers to itself, which tests look for only now and then
