"""What has to be in the environment before JAX starts, here and wherever a stage is computed: it decides the last bits.

Also whether compiled programs are kept from one command to the next, which decides nothing but the time.
"""

import functools
import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import warnings
from pathlib import Path

from sims.training.compiler_options import FUSED_LOOPS, options_are_known

# Half of a quick preset's processor time is compilation, and with XLA's newer code for fused loops compilation takes
# some 1.6 times as long. What is computed is the same up to the last bits, but ensembles of networks run up to 2.6
# times as long with the older code: worth it for the quick preset as a whole, and for nothing that runs longer
# (`python -m benchmarks.compilation` times a figure with and without).
QUICK_TO_COMPILE = f"--{FUSED_LOOPS}=false"
# Where every core has a process, a matrix product split over all cores makes them wait for each other.
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
# XLA splits a long sum into one part per thread, and takes a thread per core unless NPROC says otherwise: with one
# number everywhere, machines with different numbers of cores add in the same order.
THREADS = "2"
# Linear algebra of NumPy and SciPy with a thread per core in each of two processes takes ten times as long as with one.
BLAS_THREADS = "1"

# The line that XLA writes before it ends a process for a flag: an error, or what it calls fatal.
_COMPLAINT = re.compile(r"^[EF]\d{4} .*?\] (.*)", re.MULTILINE)
_START = "from jaxlib import xla_client; xla_client.make_cpu_client()"


def environment_of(preset: str) -> dict[str, str]:
    """The variables for computing this preset. Flags and numbers of threads that the user has set prevail."""
    flags = [ONE_THREAD, *([QUICK_TO_COMPILE] if preset == "quick" else [])]
    return {
        "XLA_FLAGS": with_flags(flags),
        "NPROC": os.environ.get("NPROC", THREADS),
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", BLAS_THREADS),
        "JAX_ENABLE_X64": "1",
        # The same random numbers for everybody, whatever else is set for other work.
        "JAX_DEFAULT_PRNG_IMPL": "threefry2x32",
        "JAX_THREEFRY_PARTITIONABLE": "1",
    }


def with_flags(flags: list[str]) -> str:
    """These flags before those the user has set, since XLA heeds the last; none of ours for an untried jaxlib."""
    present = os.environ.get("XLA_FLAGS", "")
    if not options_are_known():
        return present
    return " ".join([*(flag for flag in flags if flag not in present.split()), *present.split()])


@functools.cache
def complaint_about(flags: str) -> str | None:
    """What XLA says of these flags where it would end the process for one of them, else None.

    A process of its own finds out, in a second, and only where there are flags other than ours.
    """
    if set(flags.split()) <= {ONE_THREAD, QUICK_TO_COMPILE}:
        return None
    start, variables = [sys.executable, "-P", "-c", _START], os.environ | {"XLA_FLAGS": flags}
    trial = subprocess.run(start, env=variables, capture_output=True, text=True, errors="replace")
    complaint = _COMPLAINT.search(trial.stderr)
    return complaint[1] if trial.returncode and complaint else None


def compiled_programs(out: Path) -> dict[str, str]:
    """The variables with which JAX keeps compiled programs under `out`, and takes them from there the next time.

    Another seed, and what code has changed since, then take 0.7 of the time (`python -m benchmarks.compilation`, the
    figure `lazy_networks`); a program that calls Python back is compiled anew all the same. For this machine's
    processes only: code for one processor may end on another, so each has a folder of its own. What the user has set
    prevails.
    """
    machine = f"{processor()} {platform.machine()} {importlib.metadata.version('jaxlib')}"
    folder = out.absolute() / "compiled" / hashlib.sha256(machine.encode()).hexdigest()[:16]
    ours = {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return {name: os.environ.get(name, value) for name, value in ours.items()}


def forgive_incomplete_programs() -> None:
    """Do not warn of a kept program that another process is still writing, or could not: it is compiled anew."""
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry", UserWarning)


def processor() -> str:
    """The type of this machine's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
