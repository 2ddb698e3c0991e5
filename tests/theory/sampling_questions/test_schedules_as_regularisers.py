"""Densities of schedules against drawn times, and exponents against quadrature and root finding by SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize

from theory import EDM, FlowMatching, VariancePreserving
from theory.definitions.schedules import CosineSchedule, LinearSchedule, SigmoidSchedule
from theory.sampling_questions.schedules_as_regularisers import (
    LogNormalLevels,
    ScheduledWeight,
    UniformTimes,
    schedule_exponents,
)

PROCESSES = {
    "cosine": VariancePreserving(CosineSchedule(0.0)),
    "linear": VariancePreserving(LinearSchedule(0.05, 10.0)),
    "sigmoid": VariancePreserving(SigmoidSchedule(-3.0, 3.0)),
    "flow matching": FlowMatching(),
}
DENSITIES = {name: UniformTimes(process) for name, process in PROCESSES.items()} | {"EDM": LogNormalLevels()}
VARIANCES = np.array([1e3, 1.0, 1e-3])


@pytest.mark.parametrize("name", PROCESSES)
def test_densities_are_those_of_drawn_times(name):
    """Shares of 10⁵ uniform times between bounds of ℓ against the integral of the density."""
    time = np.random.default_rng(0).uniform(size=100_000)
    drawn = np.asarray(PROCESSES[name].log_snr(jnp.asarray(time)))
    for low, high in ((-6, -2), (-2, 1), (1, 5), (5, 9)):
        grid = jnp.linspace(low, high, 401)
        expected = integrate.simpson(np.asarray(DENSITIES[name](grid)), x=np.asarray(grid))
        assert abs(np.mean((drawn > low) & (drawn < high)) - expected) < 4 * 0.5 / np.sqrt(time.size)


def test_densities_in_closed_form():
    log_snr = jnp.asarray([-8.0, -1.0, 0.0, 3.0, 12.0])
    np.testing.assert_allclose(DENSITIES["cosine"](log_snr), 1 / np.cosh(log_snr / 2) / (2 * np.pi), rtol=1e-9)
    np.testing.assert_allclose(DENSITIES["flow matching"](log_snr), 1 / np.cosh(log_snr / 4) ** 2 / 8, rtol=1e-9)
    drawn = -2 * (-1.2 + 1.2 * np.random.default_rng(1).normal(size=200_000))
    expected = integrate.quad(lambda at: float(LogNormalLevels()(jnp.asarray(at))), 0, 3)[0]
    assert abs(np.mean((drawn > 0) & (drawn < 3)) - expected) < 0.005


# Written again: p(ℓ) as a function of ρ² = e^-ℓ.
BY_HAND = {
    "cosine": lambda rho: rho / (1 + rho**2) / np.pi,
    "flow matching": lambda rho: rho / (1 + rho) ** 2 / 2,
    "EDM": lambda rho: np.exp(-((np.log(rho) + 1.2) ** 2) / (2 * 1.2**2)) / (2.4 * np.sqrt(2 * np.pi)),
}


def exponent_by_scipy(density, variance, snr_power):
    """Of the time at which the variance generated from gain 0 is the arithmetic mean of σ_0² and λ."""
    log_level = np.linspace(np.log(0.002), np.log(80.0), 20_001)
    rho = np.exp(log_level)

    def log_time(variance):
        rate = 2 * density(rho) * rho ** (-2 * snr_power) / (1 + rho**2) * (variance + rho**2)
        level = (variance + 0.002**2) / 2

        def excess(log_tau):
            gain = variance / (variance + rho**2) * -np.expm1(-rate * np.exp(log_tau))
            return 2 * np.log(80.0) - 2 * integrate.simpson(1 - gain, x=log_level) - np.log(level)

        return optimize.brentq(excess, -30, 30, xtol=1e-13)

    step = 1e-4
    return -(log_time(variance * np.exp(step)) - log_time(variance * np.exp(-step))) / (2 * step)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "power"), [("cosine", 1.0), ("flow matching", 0.0), ("EDM", 1.0)])
def test_exponents_by_quadrature_and_root_finding(name, power):
    found = schedule_exponents(jnp.asarray(VARIANCES), ScheduledWeight(DENSITIES[name], power))
    expected = [exponent_by_scipy(BY_HAND[name], variance, power) for variance in VARIANCES]
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "exponents"),
    [("linear", [-1.10, -0.18, 0.75]), ("sigmoid", [-1.98, -0.38, 0.87])],
)
def test_numbers_of_the_table(name, exponents):
    """Of the level λ/2, from which the arithmetic mean moves them by .004."""
    found = schedule_exponents(jnp.asarray(VARIANCES), ScheduledWeight(DENSITIES[name]))
    np.testing.assert_allclose(found, exponents, atol=0.01)


@pytest.mark.slow
def test_limits_of_small_and_large_variances():
    """p ∝ ρ for ρ → 0 and 1/ρ for ρ → ∞: ½ and -3/2, over ten decades of noise levels."""
    found = schedule_exponents(jnp.asarray([3e4, 1e-5]), ScheduledWeight(DENSITIES["cosine"]), EDM(1e-6, 1e5))
    np.testing.assert_allclose(found, [-1.5, 0.5], atol=0.01)


def test_what_is_refused():
    for wrong in (-1.0, jnp.inf):
        with pytest.raises(ValueError, match="variances must be a sequence of positive and finite numbers"):
            schedule_exponents(jnp.asarray([1.0, wrong]), ScheduledWeight(DENSITIES["cosine"]))
    with pytest.raises(ValueError, match="log_std must be positive"):
        LogNormalLevels(log_std=0.0)
    with pytest.raises(ValueError, match="snr_power must be finite"):
        ScheduledWeight(LogNormalLevels(), jnp.inf)
    assert jax.tree.leaves(LogNormalLevels()) == [-1.2, 1.2]
