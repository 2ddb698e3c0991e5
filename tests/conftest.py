"""Test-wide numerics: 64-bit, no silent rank promotion anywhere in the package, reproducible properties."""

import hypothesis
import jax
import matplotlib
import pytest

matplotlib.use("Agg")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

# Compilation makes the first example slow, and a run must give the same answer every time.
hypothesis.settings.register_profile("reproducible", deadline=None, derandomize=True)
hypothesis.settings.load_profile("reproducible")


@pytest.fixture(scope="module", autouse=True)
def _forget_compiled_code():
    """Every compiled function keeps memory maps of its own, and the compiler crashes when a process has 65,530."""
    yield
    jax.clear_caches()
