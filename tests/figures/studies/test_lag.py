"""The guard against noise levels that lag: what it predicts, and that it refuses before anything is trained."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from figures.studies.spectral_law_on_data.experiment import TINY, DataInModes, compute_experiment
from figures.studies.trained_modes.experiment import Sizes, clock_for
from figures.studies.trained_modes.lag import LARGEST_LAG, lag_of, without_lag
from figures.wang2025.fig21 import experiment as figure_21
from sims.training.descent import common_clock
from theory import EDM, OneLayer, OneLayerWithBias, Spectrum

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


@pytest.mark.slow
def test_a_bias_that_lags_is_seen_in_the_generated_mean():
    """The variance of a network without a mean to learn tells nothing of what the bias of another does."""
    process, levels = EDM(sigma_min=0.01, sigma_max=20.0), jnp.geomspace(20.0, 0.01, 12)
    lag = {}
    for length in (0.0, 3.0):
        spectrum = Spectrum(jnp.full(2, length / np.sqrt(2)), jnp.asarray([3.0, 0.3]))
        denoiser = OneLayerWithBias(spectrum, process, 0.1, 1.0)
        curvature = 2 * (4.0 + length**2 + np.asarray(levels) ** 2)
        clock = common_clock(TIMES, curvature, smallest_steps=4, safety=0.8)
        lag[length] = lag_of(clock, denoiser, levels, TIMES)
    assert lag[0.0] < LARGEST_LAG / 4 < 10 * LARGEST_LAG < lag[3.0]
    with pytest.raises(ValueError, match="would move a ln λ̃ or μ̃/√λ by"):
        without_lag(clock, denoiser, levels, TIMES)


@pytest.mark.slow
def test_figure_21_refuses_steps_of_every_level_by_itself(monkeypatch):
    """Its levels share the steps of the steepest one; with their own, the biases of noisy levels would be late."""
    config = figure_21.PRESETS["tiny"]
    denoiser = figure_21._denoiser(config, 1.0)
    np.testing.assert_allclose(figure_21._clock(config, denoiser).reached, config.sizes.times[:, None] + np.zeros(9))

    def own_steps(times, curvature, **sizes):
        squared = np.asarray(figure_21._all_levels(config)) ** 2
        return common_clock(times, curvature - 2 * figure_21.PROCESS.sigma_max**2 + 2 * squared, **sizes)

    monkeypatch.setattr(figure_21, "common_clock", own_steps)
    with pytest.raises(ValueError, match="noise levels that lag behind"):
        figure_21._clock(config, denoiser)


@pytest.mark.slow
def test_data_that_would_make_noise_levels_lag_are_refused_before_any_stage():
    """Four decades of variance, from gains near one, in batches of a sample per effective mode."""
    variance = np.geomspace(30.0, 3e-3, 3)
    coordinates = np.random.default_rng(0).normal(size=(400, 3)) * variance**0.5
    config = replace(TINY, initial_gain=0.9, snapshots=3, last_time=10.0, batch_per_effective_mode=1)
    with pytest.raises(ValueError, match="noise levels that lag behind"):
        compute_experiment(config, DataInModes(3, variance, coordinates), key=jax.random.key(0), stage=None)
