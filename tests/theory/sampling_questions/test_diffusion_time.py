"""The best start against free optimisation, and its derivative against that of what is generated."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from tests import cases
from theory import EDM, FlowMatching, MisalignedTwoLayer, OneLayer, Spectrum, optimal_schedule
from theory.sampling_questions.diffusion_time import (
    best_start_of_mode,
    best_variance_of_mode,
    optimal_schedule_and_start,
    start_sensitivity,
)

SPECTRUM = Spectrum.from_variances([4.0, 1.0, 0.2, 0.05])


def divergence(levels, variance, gain):
    """KL of what Euler's method in σ generates from N(0, σ_T²), by hand."""
    scale = levels[0] * np.ones_like(variance)
    for level, later in zip(levels[:-1], levels[1:], strict=True):
        scale = scale + (later - level) * (1 - gain(level)) / level * scale
    ratio = scale**2 / variance
    return np.sum(ratio - 1 - np.log(ratio)) / 2


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_start_of_one_mode(steps):
    """All levels and the first one free, by BFGS in their logarithms."""
    variance = np.array([0.3])

    def lost(z):
        levels = np.append(np.exp(z[0] - np.append(0.0, np.cumsum(z[1:] ** 2))), 0.0)
        return divergence(levels, variance, lambda level: variance / (variance + level**2))

    start = np.append(1.0, np.ones(steps - 1))
    found = optimize.minimize(lost, start, method="BFGS", options={"gtol": 1e-10})
    ratio = float(best_variance_of_mode(steps))
    np.testing.assert_allclose(np.exp(found.x[0]), best_start_of_mode(0.3, steps), rtol=1e-5)
    np.testing.assert_allclose(found.fun, (ratio - 1 - np.log(ratio)) / 2, atol=1e-10)


def test_the_mismatch_costs_one_step():
    """From infinite noise N + 1 steps of flow matching generate what N do from the best start."""
    one = Spectrum.from_variances([0.3])
    levels = np.asarray(optimal_schedule(one, 6, process=FlowMatching()))
    assert levels[0] == np.inf
    np.testing.assert_allclose(levels[1], best_start_of_mode(0.3, 5), rtol=1e-8)
    np.testing.assert_allclose(best_variance_of_mode(18), 0.878, atol=5e-4)


ROWS = cases.PARAMETRISATIONS | cases.FACTORED


@pytest.mark.parametrize(
    "name", ["one_layer", *(pytest.param(each, marks=pytest.mark.slow) for each in ROWS if each != "one_layer")]
)
@pytest.mark.parametrize("sigma_max", [3.0, 80.0])
def test_the_sensitivity_to_the_start(name, sigma_max):
    def log_variance(log_start):
        return jnp.log(ROWS[name].build(SPECTRUM, EDM(0.002, jnp.exp(log_start)), 0.1, 1.0).generated_variance(tau))

    tau, step = jnp.asarray(0.7), 1e-4
    denoiser = ROWS[name].build(SPECTRUM, EDM(), 0.1, 1.0)
    log_start = jnp.log(sigma_max) + step * jnp.asarray([-2.0, -1.0, 1.0, 2.0])
    around = np.stack([log_variance(each) for each in log_start])
    slope = (8 * (around[2] - around[1]) - (around[3] - around[0])) / (12 * step)
    np.testing.assert_allclose(start_sensitivity(denoiser.gain, tau, sigma_max), slope, rtol=1e-8, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("tau", [None, 1.0])
def test_the_best_start_of_a_spectrum(tau):
    """A bounded search over starts, each with the optimal levels below it."""
    options = {} if tau is None else {"gain": OneLayer(SPECTRUM, EDM(), 0.1, 1.0).gain, "tau": tau}
    variance = np.asarray(SPECTRUM.variance)

    def gain(level):
        ideal = variance / (variance + level**2)
        return ideal if tau is None else ideal + (0.1 - ideal) * np.exp(-2 * tau * (variance + level**2))

    def lost(log_start):
        levels = optimal_schedule(SPECTRUM, 6, sigma_max=float(np.exp(log_start)), **options)
        return float(divergence(np.asarray(levels), variance, gain))

    found = optimize.minimize_scalar(lost, bounds=(0.0, 6.0), method="bounded", options={"xatol": 1e-8})
    levels = np.asarray(optimal_schedule_and_start(SPECTRUM, 6, **options))
    np.testing.assert_allclose(divergence(levels, variance, gain), found.fun, atol=1e-10)
    np.testing.assert_allclose(np.log(levels[0]), found.x, atol=1e-4)


@pytest.mark.slow
def test_a_network_in_training_prefers_more_noise():
    spectrum = Spectrum.from_variances([10, 3, 1, 0.3, 0.1, 0.03, 0.01])
    gain = OneLayer(spectrum, EDM(), 0.1, 1.0).gain
    starts = [optimal_schedule_and_start(spectrum, 20, gain=gain, tau=tau)[0] for tau in (0.1, 1.0, 10.0, 1e3)]
    np.testing.assert_allclose(starts, [51.8, 24.9, 18.9, 16.60], rtol=2e-3)


def test_what_is_refused():
    gain = OneLayer(SPECTRUM, EDM(), 0.1, 1.0).gain
    mixing = MisalignedTwoLayer(SPECTRUM, EDM(), 0.1 * np.eye(4) + 0.01, 1.0)
    with pytest.raises(ValueError, match="gain and tau must be given together"):
        optimal_schedule_and_start(SPECTRUM, 3, gain=gain)
    with pytest.raises(ValueError, match="tau, a training time, must be zero or more"):
        start_sensitivity(gain, -1.0, jnp.asarray(80.0))
    with pytest.raises(ValueError, match="modes must not mix"):
        start_sensitivity(mixing.gain, 1.0, jnp.asarray(80.0))
