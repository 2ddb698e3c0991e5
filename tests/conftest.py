"""Test-wide numerics: 64-bit, no silent rank promotion anywhere in the package, reproducible properties."""

from pathlib import Path

import hypothesis
import jax
import matplotlib
import pytest

import figures
from tests.fake_figures import FAKE, register

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


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working folder in which two fake figures, one of them on request, are all there is."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "fake.py").write_text(FAKE)
    monkeypatch.setattr(figures, "FIGURES", {})
    register(monkeypatch, tmp_path / "code" / "fake.py", "fake_fig1")
    register(monkeypatch, tmp_path / "code" / "fake.py", "fake_own", accepts_data=True, on_request=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"
