"""Asymptotic exponents against emergence times of the closed gains, over six decades; fractions of the way."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import cases
from theory import (
    EDM,
    OneLayer,
    emergence_level,
    emergence_time,
    fit_power_law,
    generated_variance,
    local_exponents,
    preconditioned_exponents,
    raw_exponents,
    weight_emergence_time,
)
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.weights import EDMWeight, LogNormalDensity, PowerWeight, ProductWeight

FRACTIONS = np.array([0.25, 0.5, 0.75])
SCALE = 0.5  # σ_d
DECADES = np.arange(1, 7)
FLAT = 1e9  # standard deviation of ln σ that stands for no density


@eqx.filter_jit
def times_of(network, variance, *arguments):
    """Emergence times, (fractions, modes). Each mode is a network of its own: together, each would be sought in all."""

    def times_of_one(variance):
        return emergence_time(network(variance[None], *arguments), fraction=jnp.asarray(FRACTIONS))[:, 0]

    return jax.vmap(times_of_one, out_axes=1)(variance)


@eqx.filter_jit
def slopes_of(network, variance, *arguments):
    """d ln τ*/d ln λ of each of `times_of`, (fractions, modes)."""
    log_variance = jnp.log(variance)

    def log_times(log_variance):
        return jnp.log(times_of(network, jnp.exp(log_variance), *arguments))

    return jax.jvp(log_times, (log_variance,), (jnp.ones_like(log_variance),))[1]


def preconditioned(variance, weight):
    objective = Objective(weight=ProductWeight(EDMWeight(SCALE), weight), preconditioning=EDMPreconditioning(SCALE))
    return OneLayer(cases.spectrum(variance), EDM(1e-5, 2e4), 0.0, 1.0, objective)


def raw(variance, initial, weight):
    return OneLayer(cases.spectrum(variance), EDM(1e-8, 1e8), initial, 1.0, Objective(weight=weight))


def weighted(exponent, spread):
    return ProductWeight(PowerWeight(jnp.asarray(exponent)), LogNormalDensity(jnp.asarray(-1.2), jnp.asarray(spread)))


@functools.cache
def exact_exponents(exponent, spread):
    """-d ln τ*/d ln λ of the exact times: (fractions, rising decades then falling)."""
    variance = SCALE**2 * 10.0 ** np.concatenate([DECADES, -DECADES])
    return variance, -slopes_of(preconditioned, jnp.asarray(variance), weighted(exponent, spread))


def by_decade(errors):
    """The largest error at each distance from σ_d², over fractions and branches."""
    return np.abs(errors).reshape(FRACTIONS.size, 2, DECADES.size).max(axis=(0, 1))


# What the docstrings promise, one to six decades from σ_d².
PROMISED = {
    (0.0, FLAT): [0.15, 0.07, 0.03, 0.02, 0.01, 0.01],
    (0.5, FLAT): [0.17, 0.11, 0.06, 0.03, 0.02, 0.01],
    (1.0, FLAT): [0.21, 0.12, 0.07, 0.04, 0.02, 0.02],
    (0.0, 1.2): [0.22, 0.09, 0.06, 0.04, 0.03, 0.02],
    (0.5, 1.2): [0.22, 0.17, 0.09, 0.05, 0.04, 0.05],
}


@pytest.mark.slow_cases("0.0-1000000000.0")
@pytest.mark.parametrize(("exponent", "spread"), PROMISED)
def test_local_exponents_of_preconditioned_networks(exponent, spread):
    variance, exact = exact_exponents(exponent, spread)
    local = local_exponents(jnp.asarray(variance), FRACTIONS[:, None], weighted(exponent, spread), SCALE)
    np.testing.assert_array_less(by_decade(exact - local), PROMISED[exponent, spread])
    if spread == FLAT:
        rising, falling = preconditioned_exponents(FRACTIONS[:, None], exponent)
        branches = np.where(variance > SCALE**2, rising, falling)
        np.testing.assert_allclose(local, branches, atol=1e-12)


def test_values_that_were_measured_before():
    """Over three decades far from σ_d², published with the asymptotic law: rising and falling, f = ¼, ½, ¾."""
    far = {
        0.0: ([0.75, 0.50, 0.26], [0.25, 0.50, 0.73]),
        0.5: ([0.61, 0.25, -0.11], [0.15, 0.23, 0.34]),
        1.0: ([0.48, 0.00, -0.48], [0.01, 0.00, -0.01]),
    }
    for exponent, measured in far.items():
        _, exact = exact_exponents(exponent, FLAT)
        branches = exact.reshape(FRACTIONS.size, 2, DECADES.size)[..., 2:].mean(axis=-1).T
        np.testing.assert_allclose(branches, measured, atol=0.02)


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 0.5, 1.0, 1.25])
@pytest.mark.parametrize(("initial", "branch"), [(0.0, "rising"), (1.0, "falling")])
def test_exponents_of_raw_networks(initial, branch, exponent):
    """In both orders of learning. At a = 0, rising, and a = 1, falling, corrections fall off like 1/ln(λ/σ_0²) only."""
    variance = jnp.logspace(-1, 1, 3)
    times = times_of(raw, variance, jnp.asarray(initial), PowerWeight(jnp.asarray(exponent)))
    fitted = [fit_power_law(variance, of_fraction).exponent for of_fraction in times]
    expected = getattr(raw_exponents(FRACTIONS, exponent), branch)
    np.testing.assert_allclose(fitted, expected, atol=4e-3)


def test_exponents_meet_where_all_levels_are_learned_at_once():
    for function, falls in ((preconditioned_exponents, (-1.0, 1.0)), (raw_exponents, (0.0, 1.0))):
        for branch, boundary in zip(("rising", "falling"), falls, strict=True):
            below, above = (np.asarray(getattr(function(FRACTIONS, boundary + step), branch)) for step in (-1e-9, 1e-9))
            np.testing.assert_allclose(below, above, atol=1e-8)
            np.testing.assert_allclose(below, 1.0 if branch == "rising" else 0.0, atol=1e-8)


# --- Fractions ---


@pytest.mark.slow
def test_half_of_the_way_is_the_geometric_mean_and_fractions_share_a_call():
    denoiser = OneLayer(cases.spectrum(np.array([50.0, 0.3, 0.0, 1e-3])), EDM(), 0.1, 1.0)
    level, times = emergence_level(denoiser, fraction=FRACTIONS), emergence_time(denoiser, fraction=FRACTIONS)
    np.testing.assert_allclose(level[1], emergence_level(denoiser), rtol=1e-13)
    np.testing.assert_allclose(times[1], emergence_time(denoiser), rtol=1e-12)
    initial, target = np.asarray(generated_variance(denoiser, 0.0)), np.asarray(denoiser.spectrum.variance)
    np.testing.assert_allclose(level, initial ** (1 - FRACTIONS[:, None]) * target ** FRACTIONS[:, None], rtol=1e-13)
    assert level.shape == times.shape == (3, 4)
    for fraction, together in zip(FRACTIONS, times, strict=True):
        np.testing.assert_allclose(emergence_time(denoiser, fraction=fraction), together, rtol=1e-12)
    reached = np.isfinite(times)
    assert not reached[:, 2].any()
    assert reached[:, :2].all()
    generated = np.diagonal(generated_variance(denoiser, np.where(reached, times, 1.0)), axis1=1, axis2=2)
    np.testing.assert_allclose(generated[reached], np.asarray(level)[reached], rtol=1e-10)


def test_other_means_are_at_the_ends_of_the_way():
    """For λ ≪ σ_0² and λ ≫ σ_0², with the initial variance σ_0²: twice the smaller and half the larger variance."""
    denoiser = OneLayer(cases.spectrum(np.array([1e4, 1e-14])), EDM(), 0.0, 1.0)
    smaller, larger = np.array([0.002**2, 1e-14]), np.array([1e4, 0.002**2])
    np.testing.assert_allclose(emergence_level(denoiser, "harmonic"), 2 * smaller, rtol=1e-6)
    np.testing.assert_allclose(emergence_level(denoiser, "arithmetic"), larger / 2, rtol=1e-6)


@pytest.mark.slow
def test_derivative_with_respect_to_the_fraction():
    denoiser = OneLayer(cases.spectrum(np.array([50.0, 0.3, 0.0])), EDM(), 0.1, 1.0)

    def log_time(fraction):
        value = jnp.log(emergence_time(denoiser, fraction=fraction)[:2])
        return value, value

    fractions = jnp.asarray([0.3 - 1e-5, 0.3, 0.3 + 1e-5])
    derivatives, values = jax.jit(jax.vmap(jax.jacfwd(log_time, has_aux=True)))(fractions)
    difference = (values[2] - values[0]) / 2e-5
    np.testing.assert_allclose(derivatives[1], difference, rtol=1e-7)
    np.testing.assert_allclose(jax.jit(jax.jacrev(log_time, has_aux=True))(0.3)[0], difference, rtol=1e-7)


def test_weights_at_a_fraction_of_the_way():
    """Eq. 7: τ* = ln[(Q - ψ*)/(level - ψ*)]/(2η(λ + σ²)) with the level Q^(1-f) ψ*^f; negative gains alike."""
    variance, sigma = np.array([4.0, 0.5]), 0.7
    optimum = variance / (variance + sigma**2)
    denoiser = OneLayer(cases.spectrum(variance), EDM(), 0.03, 1.0)
    level = 0.03 ** (1 - FRACTIONS[:, None]) * optimum ** FRACTIONS[:, None]
    expected = np.log((0.03 - optimum) / (level - optimum)) / (2 * (variance + sigma**2))
    np.testing.assert_allclose(weight_emergence_time(denoiser, sigma, fraction=FRACTIONS), expected, rtol=1e-10)
    of_two_signs = OneLayer(cases.spectrum(variance), EDM(), -0.3, 1.0)
    assert np.isinf(weight_emergence_time(of_two_signs, sigma, fraction=0.5)).all()


QUESTIONS = [
    lambda denoiser, **level: emergence_time(denoiser, **level),
    lambda denoiser, **level: emergence_level(denoiser, **level),
    lambda denoiser, **level: weight_emergence_time(denoiser, 1.0, **level),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_levels_that_are_refused(question):
    denoiser = OneLayer(cases.spectrum(np.array([2.0, 0.3])), EDM(), 0.1, 1.0)
    for fraction in (0.0, 1.0, -0.1, np.nan, np.array([0.5, 1.5]), 2, "0.5", 0.5 + 0j):
        with pytest.raises(ValueError, match="fraction must lie between 0 and 1; got"):
            question(denoiser, fraction=fraction)
    with pytest.raises(ValueError, match="given by a mean or by a fraction; got mean='harmonic' and fraction=0.5"):
        question(denoiser, mean="harmonic", fraction=0.5)
    outside = jax.vmap(lambda fraction: question(denoiser, fraction=fraction))(jnp.asarray([0.0, 0.5, 1.2]))
    np.testing.assert_array_equal(np.isnan(outside).all(axis=1), [True, False, True])
    assert np.isfinite(outside[1]).all()


def test_exponents_outside_their_domain():
    for function in (preconditioned_exponents, raw_exponents):
        with pytest.raises(ValueError, match="fraction must lie between 0 and 1; got 1.5"):
            function(1.5)
        assert np.isnan(jax.jit(function)(1.5)).all()
    for arguments, message in (
        ((0.0, 0.5), "variance must be positive; got 0"),
        (("1.0", 0.5), "variance must be real numbers; got '1.0'"),
        ((1.0, 2.0), "between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            local_exponents(*arguments, PowerWeight(0.5))
    with pytest.raises(ValueError, match="data_scale must be positive"):
        local_exponents(1.0, 0.5, PowerWeight(0.5), data_scale=0.0)
    assert np.isnan(jax.jit(lambda x: local_exponents(x, 0.5, PowerWeight(0.5)))(-1.0))
