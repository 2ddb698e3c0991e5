"""What has to be in the environment before JAX starts, here and wherever a stage is computed: it decides the last bits.

Also whether compiled programs are kept from one command to the next, which decides nothing but the time.
"""

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

# Half of a quick preset's processor time is compilation, and with XLA's newer code for fused loops compilation takes
# some 1.6 times as long. What is computed is the same up to the last bits, but ensembles of networks run up to 2.6
# times as long with the older code: worth it for the quick preset as a whole, and for nothing that runs longer
# (`python -m benchmarks.compilation` times a figure with and without).
QUICK_TO_COMPILE = "--xla_cpu_use_fusion_emitters=false"
# Where every core has a process, a matrix product split over all cores makes them wait for each other.
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
_FIRST_UNTRIED = (0, 11)  # jaxlib 0.6 to 0.10 know both flags; one that it does not know makes XLA end the process
# XLA splits a long sum into one part per thread, and takes a thread per core unless NPROC says otherwise: with one
# number everywhere, machines with different numbers of cores add in the same order.
THREADS = "2"
# Linear algebra of NumPy and SciPy with a thread per core in each of two processes takes ten times as long as with one.
BLAS_THREADS = "1"

# Whether JAX keeps compiled programs in the output folder for the next command (`python -m benchmarks.compilation`
# times that). Programs that call Python back are compiled anew all the same.
KEEP_COMPILED = False


def environment_of(preset: str) -> dict[str, str]:
    """The variables for computing this preset. What the user has set prevails."""
    flags = [ONE_THREAD, *([QUICK_TO_COMPILE] if preset == "quick" else [])]
    return {
        "XLA_FLAGS": _with_ours(flags, os.environ.get("XLA_FLAGS", "")),
        "NPROC": os.environ.get("NPROC", THREADS),
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", BLAS_THREADS),
        "JAX_ENABLE_X64": "1",
    }


def _with_ours(flags: list[str], present: str) -> str:
    """Ours before the user's, since XLA heeds the last of several values; none of ours for an untried jaxlib."""
    release = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])
    if release >= _FIRST_UNTRIED:
        return present
    return " ".join([*(flag for flag in flags if flag not in present.split()), *present.split()])


def compiled_programs(out: Path, *, keep: bool = KEEP_COMPILED) -> dict[str, str]:
    """The variables with which JAX keeps compiled programs under `out`, and takes them from there; none without `keep`.

    For this machine's processes only: code for one processor may end on another, so each has a folder of its own.
    """
    if not keep:
        return {}
    machine = f"{processor()} {platform.machine()} {importlib.metadata.version('jaxlib')}"
    folder = out.absolute() / "compiled" / hashlib.sha256(machine.encode()).hexdigest()[:16]
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def processor() -> str:
    """The type of this machine's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
