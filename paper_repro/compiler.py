"""How XLA is to compile the figures: flags in the environment, read when JAX is first used, inherited by processes."""

import importlib.metadata
import os

# Half of a quick preset's processor time is compilation, and with XLA's newer code for fused loops compilation takes
# some 1.6 times as long. What is computed is the same up to the last bits, but ensembles of networks run up to 2.6
# times as long with the older code: worth it for the quick preset as a whole, and for nothing that runs longer
# (`python -m benchmarks.compilation` times a figure with and without).
QUICK_TO_COMPILE = "--xla_cpu_use_fusion_emitters=false"
# Where every core has a process, a matrix product split over all cores makes them wait for each other. The numbers are
# the same to the last bit: what is split is the result, never a sum.
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
_FIRST_UNTRIED = (0, 11)  # jaxlib 0.6 to 0.10 know both flags; one that it does not know makes XLA end the process


def set_flags(*flags: str) -> None:
    """Add flags to XLA_FLAGS, unless jaxlib is newer than they were tried with. The user's own flags prevail."""
    release = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])
    present = os.environ.get("XLA_FLAGS", "").split()
    if release < _FIRST_UNTRIED:
        # XLA heeds the last of several values.
        os.environ["XLA_FLAGS"] = " ".join([*(flag for flag in flags if flag not in present), *present])
