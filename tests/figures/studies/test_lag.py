"""The guard against noise levels that lag: what it predicts, and that it refuses before anything is trained."""

import jax.numpy as jnp
import numpy as np
import pytest

from figures.studies.trained_modes.experiment import Sizes, clock_for
from figures.studies.trained_modes.lag import LARGEST_LAG, lag_of, without_lag
from sims.training.descent import common_clock
from theory import EDM, OneLayer, Spectrum

LEVELS = jnp.geomspace(80.0, 0.002, 40)
TIMES = np.geomspace(1e-3, 10.0, 12)


def clock_of(denoiser, smallest_steps):
    curvature = 2 * (float(denoiser.spectrum.variance.max()) + np.asarray(LEVELS) ** 2)
    return common_clock(TIMES, curvature, smallest_steps=smallest_steps, safety=0.9)


def test_a_wide_spectrum_lags_and_more_steps_or_the_same_for_all_help():
    """Four decades of variance: few common steps leave the noisiest levels, and with them weak modes, behind."""
    wide = OneLayer(Spectrum.from_variances(np.geomspace(30.0, 3e-3, 6)), EDM(), 0.5, 1.0)
    few, many = (lag_of(clock_of(wide, steps), wide, LEVELS, TIMES) for steps in (2, 400))
    assert few > 1.5 * LARGEST_LAG > 4 * many
    with pytest.raises(ValueError, match="would move a ln λ̃ by"):
        without_lag(clock_of(wide, 2), wide, LEVELS, TIMES)
    assert without_lag(clock_of(wide, 400), wide, LEVELS, TIMES).steps.shape == TIMES.shape
    sizes = Sizes(1e-3, 10.0, 12, seeds=2, training_samples=10, smallest_steps=2)
    together = clock_for(wide, LEVELS, sizes, together=True)
    assert lag_of(together, wide, LEVELS, TIMES) == 0.0
