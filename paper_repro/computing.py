"""A stage as it is computed, here or in another process: the archive of its arrays, and where it came from."""

import gc
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from paper_repro.archives import pack
from paper_repro.environment import complaint_about, processor
from paper_repro.errors import UserError
from paper_repro.memory import forget_peak, peak_gigabytes

# What decides the numbers; the same everywhere or a stage is refused.
PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "scikit-learn", "equinox", "optax", "diffrax")

# Compiled functions keep memory maps of their own, and the compiler crashes when a process has 65,530. One figure needs
# less than half of that; what the next ones use again is worth keeping.
MOST_MEMORY_MAPS = 25_000


@dataclass(frozen=True)
class Surroundings:
    """What a process must have for its numbers to be those of the command: decided by the command, once."""

    environment: dict[str, str]
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Of Python and of every package that decides numbers."""
    return {"python": platform.python_version()} | {package: version_of(package) for package in PACKAGES}


def version_of(package: str) -> str:
    """`not installed` for a checkout that is run without installation."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def archive_of(work: Callable[[], Mapping], surroundings: Surroundings) -> bytes:
    """Compute a stage in this process. Raises TypeError for arrays that cannot be stored."""
    forget_peak()
    start, busy = time.perf_counter(), time.process_time()
    arrays = {name: np.asarray(array) for name, array in work().items()}
    cost = {
        "seconds": round(time.perf_counter() - start, 3),
        # Of all threads: what the stage costs also on a machine that has other work.
        "processor_seconds": round(time.process_time() - busy, 3),
        "peak_gigabytes": peak_gigabytes(),
    }
    return pack(arrays, {"device": device()} | cost | asdict(surroundings))


def device() -> str:
    """What JAX computes on here; of several, how many, since each batch is spread over them."""
    import jax

    kind = processor() if jax.default_backend() == "cpu" else jax.devices()[0].device_kind
    return kind if len(jax.devices()) == 1 else f"{len(jax.devices())} × {kind}"


def check_device() -> None:
    """Raises UserError where JAX has nothing to compute on, such as for a `JAX_PLATFORMS` that is not there.

    Also for flags at which XLA would end this process.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    complaint = complaint_about(flags)
    if complaint is not None:
        raise UserError(f"XLA_FLAGS is {flags!r}, and XLA says: {complaint}")
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # of CUDA without its package an assertion fails
        asked = os.environ.get("JAX_PLATFORMS")
        what = f"JAX_PLATFORMS is {asked!r}, and JAX finds no such platform here" if asked else "JAX finds no device"
        raise UserError(": ".join([what, *str(error).splitlines()[:1]])) from error


def spare_the_collector() -> None:
    """Collect garbage less often: tracing makes and drops millions of small objects, and no cycles worth a sixth of
    the run."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def spare_memory_maps() -> None:
    """Forget compiled functions before there are too many."""
    import jax

    if _memory_maps() > MOST_MEMORY_MAPS:
        jax.clear_caches()


def _memory_maps() -> int:
    """How many memory maps this process has; 0 where the system does not say."""
    try:
        return Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        return 0
