"""Test-wide numerics: 64-bit, no silent rank promotion anywhere in the package, reproducible properties."""

import gc
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import hypothesis
import jax
import matplotlib
import pytest

import figures
from paper_repro.environment import processor
from tests import fake_figures
from tests.compilation import XLA_FLAGS, forget_compiled_code

matplotlib.use("Agg")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
# Lines of Python in compiled code serve profilers and cost some per cent of compiling.
jax.config.update("jax_include_full_tracebacks_in_locations", False)

# Modules forget what they have compiled, and so do workers of one another: most of it is the same, and comes from disk.
# Code for one processor may end on another, so each has a folder of its own.
_COMPILED = Path(__file__).parents[1] / ".cache" / "tests" / hashlib.sha256(processor().encode()).hexdigest()[:16]
jax.config.update("jax_compilation_cache_dir", str(_COMPILED))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
# XLA reads its flags once: here, before a test of the command line sets those of a preset for its process.
with mock.patch.dict(os.environ, XLA_FLAGS=XLA_FLAGS):
    jax.devices()

# Compilation makes the first example slow, and a run must give the same answer every time.
hypothesis.settings.register_profile("reproducible", deadline=None, derandomize=True)
hypothesis.settings.load_profile("reproducible")


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Parameter sets that `slow_cases` names are slow. SHARE_OF_SLOW_ROWS=1/2 takes the second half of theory's."""
    for item in items:
        named = [case for marker in item.iter_markers("slow_cases") for case in marker.args]
        if named and item.callspec.id in named:  # pyright: ignore[reportAttributeAccessIssue]
            item.add_marker("slow")
    if "SHARE_OF_SLOW_ROWS" in os.environ:
        _leave_out(config, items, *map(int, os.environ["SHARE_OF_SLOW_ROWS"].split("/")))


def _leave_out(config: pytest.Config, items: list[pytest.Item], share: int, shares: int) -> None:
    """Of the slow rows of theory's long tables only every so many; the others have their turn at other commits."""
    rows = [item for item in items if item.get_closest_marker("slow") and hasattr(item, "callspec")]
    rows = [item for item in rows if Path(__file__).parent / "theory" in item.path.parents]
    others = {item for place, item in enumerate(rows) if place % shares != share}
    config.hook.pytest_deselected(items=list(others))
    items[:] = [item for item in items if item not in others]


def pytest_collection_finish() -> None:
    """A sixteenth of the time went to looking for garbage among modules, which stay, and traces, which are many."""
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.fixture(scope="module", autouse=True)
def _forget_compiled_code():
    yield
    forget_compiled_code()


@pytest.fixture
def here(tmp_path, monkeypatch) -> Iterator[Path]:
    """A working folder in which two fake figures, one of them on request, are all there is; their code is in `code`."""
    monkeypatch.setattr(figures, "FIGURES", {})
    for name, options in (("fake_fig1", {}), ("fake_own", {"accepts_data": True, "on_request": True})):
        fake_figures.write(tmp_path / "code", name)
        fake_figures.register(monkeypatch, tmp_path / "code", name, **options)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with mock.patch.dict(os.environ):  # the command sets what JAX reads when it starts
        yield tmp_path / "work"
