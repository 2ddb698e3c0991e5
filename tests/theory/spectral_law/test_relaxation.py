"""Closed forms of modes that relax exponentially: w = σ^-2, flow matching and skip connections against SciPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
from scipy.special import exp1

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, FlowMatching, OneLayer, generated_variance, generated_variance_by_quadrature
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import ConstantSkip, EDMPreconditioning, NoPreconditioning
from theory.definitions.targets import DenoiserTarget, FlowTarget, NoiseTarget
from theory.definitions.weights import EDMWeight, PowerWeight, UniformWeight
from theory.spectral_law.relaxation import closed_log_variance

LOW, HIGH = 0.002, 80.0
VARIANCES = np.concatenate([[0.0], np.logspace(-8, 4, 7), [LOW**2, HIGH**2]])
GAINS = np.array([-0.3, 0.0, 0.1, 1.0, 1.5])
TIMES = np.concatenate([[0.0], np.logspace(-8, 8, 9), [np.inf]])

EXPLODING = oracles.variance_exploding(LOW, HIGH)
# process, target, weight, skip; and process, target, weight of (σ) and skip of the oracle
SETTINGS = {
    "inverse noise": ((EDM(LOW, HIGH), DenoiserTarget(), PowerWeight(1)), (EXPLODING, oracles.DENOISED, 2), 0.0),
    "flow": ((FlowMatching(), FlowTarget(), UniformWeight()), (oracles.LINEAR_INTERPOLATION, oracles.FLOW, 0), 0.0),
    "skip": ((EDM(LOW, HIGH), DenoiserTarget(), UniformWeight()), (EXPLODING, oracles.DENOISED, 0), 0.7),
    "skip, inverse noise": (
        (EDM(LOW, HIGH), DenoiserTarget(), PowerWeight(1.0)),
        (EXPLODING, oracles.DENOISED, 2),
        0.7,
    ),
    "skip, flow": (
        (FlowMatching(), FlowTarget(), UniformWeight()),
        (oracles.LINEAR_INTERPOLATION, oracles.FLOW, 0),
        -0.4,
    ),
}
# A skip only moves the initial gain: with one formula it is quick, with the other two slow.
every_setting = pytest.mark.parametrize(
    "setting", [pytest.param(name, marks=[pytest.mark.slow] if "skip," in name else []) for name in SETTINGS]
)


def denoiser(setting, variance, gain, learning_rate=1.0):
    (process, target, weight), _, skip = SETTINGS[setting]
    preconditioning = ConstantSkip(skip) if skip else NoPreconditioning()
    return OneLayer(cases.spectrum(variance), process, gain, learning_rate, Objective(target, weight, preconditioning))


def oracle_log_variance(setting, variance, gain, time):
    """ln λ̃ by adaptive quadrature of the relaxed gain ψ(τ) = ψ* + (Q + skip - ψ*) e^{-2ητ σ^-p S}."""
    _, (process, target, power), skip = SETTINGS[setting]
    shape = np.broadcast_shapes(np.shape(variance), np.shape(gain), np.shape(time))

    def rate(u):
        t, speed = process.clock(u)
        alpha, sigma = process.alpha(t), process.sigma(t)
        signal, noise = target.coefficients(alpha, sigma)
        inputs, cross = alpha**2 * variance + sigma**2, alpha * signal * variance + sigma * noise
        psi = oracles.mode_linear(gain + skip, cross / sigma**power, inputs / sigma**power, time)
        return np.broadcast_to(2 * speed * target.drift(process, t, psi, 1.0), shape).ravel()

    start, end = process.ends
    integral = scipy.integrate.quad_vec(rate, start, end, epsabs=1e-12, epsrel=1e-12, norm="max", limit=400)[0]
    return np.log(process.prior_variance) + integral.reshape(shape)


@functools.cache
def compiled(setting, question):
    return jax.jit(
        jax.vmap(
            lambda variance, gain, time: question(denoiser(setting, variance, gain), time), in_axes=(None, 0, None)
        )
    )


def on_grid(setting, question=generated_variance):
    """(gains, times, modes)."""
    gains = jnp.broadcast_to(GAINS[:, None], (GAINS.size, VARIANCES.size))
    return np.asarray(compiled(setting, question)(jnp.asarray(VARIANCES), gains, jnp.asarray(TIMES)))


# --- Values ---


@every_setting
def test_closed_form_equals_quadrature_on_the_whole_grid(setting):
    closed, quadrature = (on_grid(setting, q) for q in (generated_variance, generated_variance_by_quadrature))
    # A flow generates λ̃ = 0 from λ = 0 at τ = ∞, which has no logarithm.
    positive = (closed > 1e-30) | (quadrature > 1e-30)
    np.testing.assert_allclose(np.log(closed[positive]), np.log(quadrature[positive]), rtol=0, atol=1e-11)
    expected = np.ones_like(positive)
    expected[:, -1, 0] = "flow" not in setting
    np.testing.assert_array_equal(positive, expected)


@every_setting
def test_closed_form_equals_scipy_integration_at_finite_times(setting):
    expected = oracle_log_variance(setting, VARIANCES, GAINS[:, None, None], TIMES[:-1, None])
    actual = np.log(on_grid(setting)[:, :-1])
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


def test_every_setting_here_has_a_closed_form_and_others_do_not():
    variance = np.ones(1)
    for setting in SETTINGS:
        assert closed_log_variance(denoiser(setting, variance, 0.1)) is not None
    for process, objective in [
        (EDM(), Objective(NoiseTarget())),
        (EDM(), Objective(weight=PowerWeight(0.5))),
        (EDM(), Objective(weight=PowerWeight(jnp.asarray(1.0)))),
        (EDM(), Objective(weight=EDMWeight())),
        (EDM(), Objective(preconditioning=EDMPreconditioning())),
        (FlowMatching(), Objective(DenoiserTarget())),
        (FlowMatching(), Objective(FlowTarget(), PowerWeight(1))),
    ]:
        assert closed_log_variance(OneLayer(cases.spectrum(variance), process, 0.1, 1.0, objective)) is None


def test_an_exponent_that_is_traced_gives_the_same_by_quadrature():
    variance, tau = np.array([2.0, 0.1, 0.0]), jnp.asarray([0.0, 0.1, 3.0])

    def variance_at(exponent):
        objective = Objective(weight=PowerWeight(exponent))
        return generated_variance(OneLayer(cases.spectrum(variance), EDM(), 0.1, 1.0, objective), tau)

    np.testing.assert_allclose(jax.jit(variance_at)(1.0), variance_at(1), rtol=1e-12)


# --- Limits ---


@every_setting
def test_limits_of_training_time(setting):
    """At τ = 0 the process alone acts on a constant gain; at τ = ∞ the optimum generates what the noise ends allow."""
    _, _, skip = SETTINGS[setting]
    initial, final = on_grid(setting)[:, 0], on_grid(setting)[:, -1]
    total = (GAINS + skip)[:, None]
    if "flow" in setting:
        np.testing.assert_allclose(initial, np.exp(2 * total) * np.ones_like(initial), rtol=1e-13)
        np.testing.assert_allclose(final, VARIANCES * np.ones_like(final), rtol=1e-12, atol=1e-30)
    else:
        np.testing.assert_allclose(
            initial, HIGH**2 * (LOW / HIGH) ** (2 * (1 - total)) * np.ones_like(initial), rtol=1e-12
        )
        limit = HIGH**2 * (VARIANCES + LOW**2) / (VARIANCES + HIGH**2)
        np.testing.assert_allclose(final, limit * np.ones_like(final), rtol=1e-12)


def test_the_weight_of_inverse_noise_removes_the_spectral_bias():
    """Q = 0, σ_0 → 0, σ_T → ∞: λ̃/λ = e^{-E1(2ητ)} for every λ, up to terms of order σ_0²/λ and λ/σ_T²."""
    variance, tau = np.logspace(-3, 3, 7), np.array([0.003, 0.05, 0.3, 2.0])
    network = OneLayer(cases.spectrum(variance), EDM(1e-9, 1e9), 0.0, 0.5, Objective(weight=PowerWeight(1)))
    ratio = np.asarray(generated_variance(network, jnp.asarray(tau))) / variance
    np.testing.assert_allclose(ratio, np.exp(-exp1(tau))[:, None] * np.ones(7), rtol=1e-12)


# --- Derivatives ---


@functools.cache
def compiled_jacobian(setting, transform):
    def answer(variance, gain, time):
        return generated_variance(denoiser(setting, variance, gain), time)

    return jax.jit(jax.vmap(transform(answer, argnums=(0, 1, 2)), in_axes=(None, None, 0)))


def jacobian(setting, transform, gain):
    """d/dλ (T, d, d), d/dQ (T, d, d), d/dτ (T, d)."""
    gains = jnp.full(VARIANCES.shape, gain)
    return compiled_jacobian(setting, transform)(jnp.asarray(VARIANCES), gains, jnp.asarray(TIMES))


# What a derivative with respect to λ, Q and τ is held against: the data's noise floor and the fastest relaxation.
UNITS = tuple(
    unit + np.zeros((TIMES.size, VARIANCES.size)) for unit in (VARIANCES + LOW**2, 1.0, TIMES[:, None] + 1e-7)
)
DIAGONAL = np.arange(VARIANCES.size)


def natural(derivatives, value):
    """d ln λ̃_k/dλ_k, /dQ_k and /dτ in those units at finite times; every mode depends on its own λ and Q only."""
    by_variance, by_gain, by_time = (np.asarray(x) for x in derivatives)
    others = ~np.eye(VARIANCES.size, dtype=bool)
    assert not by_variance[..., others].any()
    assert not by_gain[..., others].any()
    own = (by_variance[..., DIAGONAL, DIAGONAL], by_gain[..., DIAGONAL, DIAGONAL], by_time)
    return [unit[..., :-1, :] * x[:-1] / value[:-1] for unit, x in zip(UNITS, own, strict=True)]


@every_setting
def test_derivatives_are_finite_everywhere_and_the_same_both_ways(setting):
    """At τ = 0 and ∞, λ = 0 and Q = 0 too."""
    for gain, value in zip(GAINS, on_grid(setting), strict=True):
        forward, reverse = (jacobian(setting, transform, gain) for transform in (jax.jacfwd, jax.jacrev))
        for leaf in (*forward, *reverse):
            assert np.isfinite(leaf).all()
        for left, right in zip(natural(forward, value), natural(reverse, value), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


@every_setting
def test_derivatives_equal_complex_steps_of_the_scipy_integral(setting):
    gains, values = GAINS[1::3], on_grid(setting)[1::3]
    oracle, arguments = (
        functools.partial(oracle_log_variance, setting),
        (VARIANCES, gains[:, None, None], TIMES[:-1, None]),
    )
    exact = [UNITS[place][:-1] * oracles.derivative(oracle, *arguments, argument=place) for place in range(3)]
    for gain, value, *expected in zip(gains, values, *exact, strict=True):
        actual = natural(jacobian(setting, jax.jacfwd, gain), value)
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=2e-10)


@pytest.mark.slow_cases("inverse noise")
@every_setting
def test_derivatives_with_respect_to_the_learning_rate(setting):
    """η dλ̃/dη = τ dλ̃/dτ, and zero at both ends of training."""
    variance = jnp.asarray([0.0, 1e-3, 2.0])

    def answer(rate, time):
        return generated_variance(denoiser(setting, variance, 0.1, rate), time)

    times = jnp.asarray([0.0, 1e-2, 0.5, jnp.inf])
    for transform in (jax.jacfwd, jax.jacrev):
        by_rate, by_time = jax.jit(jax.vmap(transform(answer, (0, 1)), in_axes=(None, 0)))(jnp.asarray(0.7), times)
        np.testing.assert_allclose(by_rate[0], 0, atol=1e-14)
        np.testing.assert_allclose(by_rate[3], 0, atol=1e-14)
        np.testing.assert_allclose(0.7 * by_rate[1:3], times[1:3, None] * by_time[1:3], rtol=1e-12, atol=1e-13)
