"""Figures whose paper presets compute models or paths in parts: the same arrays, of the same shapes.

`j0_j1` and `gaps_fill_or_empty` have parts by the same functions as Figure 3.
"""

import importlib
from dataclasses import replace

import jax
import numpy as np
import pytest

from figures.common.stages import Arrays, run_directly

# Settings that make parts of the tiny preset, and how the parts' random numbers relate to those of the whole.
PARTS = {
    "fig3": {"parts": 3},
    "lazy_networks": {"network_parts": 3},
    "naive": {"steps_per_stage": 400 * 16},
}


def _arrays(figure: str, **changes) -> Arrays:
    experiment = importlib.import_module(f"figures.vastola2025.{figure}.experiment")
    config = replace(experiment.PRESETS["tiny"], **changes)
    return experiment.compute(config, key=jax.random.key(0), stage=run_directly)


@pytest.mark.slow
@pytest.mark.parametrize("figure", PARTS)
def test_parts_give_arrays_of_the_same_shapes(figure):
    whole, parts = _arrays(figure), _arrays(figure, **PARTS[figure])
    assert {name: np.shape(array) for name, array in parts.items()} == {
        name: np.shape(array) for name, array in whole.items()
    }
    assert all(np.isfinite(array).all() for array in parts.values())
    if figure == "lazy_networks":  # parts share the initial network and take the whole's training sets
        np.testing.assert_allclose(parts["network_outputs"], whole["network_outputs"], rtol=1e-5, atol=1e-6)
