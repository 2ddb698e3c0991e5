"""Generated mean and covariance through the propagator: closed forms where modes do not mix, SciPy, derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, FlowMatching, MisalignedTwoLayer, OneLayerWithBias, Spectrum, generated_variance
from theory.spectral_law.moments import (
    covariance_by_propagator,
    generated_covariance,
    generated_mean,
    mode_covariance,
    moments_on_schedule,
    propagator,
)

VARIANCE, GAINS = np.array([2.0, 0.3, 0.05]), np.array([0.3, 0.5, 0.8])
TIMES = np.array([0.0, 0.02, 0.4, 5.0])


def shifted(variance=VARIANCE, seed=3):
    """A spectrum in a random basis whose mean is not zero, its mean and covariance."""
    spectrum, covariance = cases.rotated_spectrum(variance, seed)
    mean = np.random.default_rng(seed).normal(size=len(variance))
    return Spectrum(jnp.asarray(mean), spectrum.variance, spectrum.basis), mean, covariance


# --- Denoisers that do not mix modes ---


@pytest.mark.parametrize("case", cases.keeping("resolved", cases.SOME))
def test_propagator_gives_the_variance_of_the_closed_form_or_quadrature(case):
    denoiser = case.denoiser(Spectrum(jnp.zeros(3), jnp.asarray(VARIANCE)), GAINS)
    tau = jnp.asarray(TIMES)
    assert not denoiser.mixes_modes
    carried = propagator(denoiser, tau)
    by_propagator, expected = covariance_by_propagator(denoiser, carried), generated_variance(denoiser, tau)
    assert not carried.offset.any()
    # Kinks of a tied network on flows aside, both are exact.
    np.testing.assert_allclose(np.diagonal(by_propagator, axis1=-2, axis2=-1), expected, rtol=1e-11)
    assert not by_propagator[:, ~np.eye(3, dtype=bool)].any()
    np.testing.assert_array_equal(np.diagonal(mode_covariance(denoiser, tau), axis1=-2, axis2=-1), expected)


@pytest.mark.parametrize("case", cases.keeping("resolved", cases.SOME))
def test_generated_mean_equals_scipy_integration(case):
    """dm/dt along each mode of the probability flow of D(x) = cμ + W(x - αμ), from mean zero."""
    spectrum, mean, covariance = shifted()
    process, target, basis = case.oracle_process, case.oracle_target, np.asarray(spectrum.basis)
    mode_mean = basis.T @ mean
    generated = np.asarray(generated_mean(case.denoiser(spectrum, GAINS), jnp.asarray(TIMES)))

    def velocity(u, flat, time):
        """(z - αμ) carries the linear flow A; αμ itself moves with d ln α/dt, which for a flow is its velocity μ."""
        t, speed = process.clock(u)
        gain = oracles.mode_gain(case.network, VARIANCE, process, target, GAINS, time, t)
        drift = target.drift(process, t, gain, 1.0)
        moving = mode_mean if target.score is None else process.rate(t) * process.alpha(t) * mode_mean
        return speed * (drift * (flat - process.alpha(t) * mode_mean) + moving)

    for time, actual in zip(TIMES, generated, strict=True):
        end = scipy.integrate.solve_ivp(
            velocity, process.ends, np.zeros(3), method="DOP853", rtol=1e-12, atol=1e-14, args=(time,)
        ).y[:, -1]
        np.testing.assert_allclose(actual, basis @ end, rtol=0, atol=1e-9)


def test_covariance_in_the_coordinates_of_the_data():
    spectrum, _, covariance = shifted()
    denoiser = cases.ONE_PER_SETTING[0].values[0].denoiser(spectrum, GAINS)
    generated, variance = (f(denoiser, jnp.asarray(TIMES)) for f in (generated_covariance, generated_variance))
    basis = np.asarray(spectrum.basis)
    for matrix, diagonal in zip(generated, variance, strict=True):
        np.testing.assert_allclose(matrix, cases.matrix(basis, diagonal), rtol=0, atol=1e-13 * np.max(diagonal))
    np.testing.assert_allclose(generated_covariance(denoiser, jnp.inf), covariance, rtol=0, atol=1e-3)


def test_map_of_any_denoiser():
    denoiser = cases.ONE_PER_SETTING[0].values[0].denoiser(cases.spectrum(VARIANCE), GAINS)
    tau, sigma = jnp.asarray(TIMES), jnp.asarray(0.7)
    carried = denoiser.affine_map(tau, sigma)
    np.testing.assert_array_equal(np.diagonal(carried.matrix, axis1=-2, axis2=-1), denoiser.gain(tau, sigma))
    assert not carried.matrix[:, ~np.eye(3, dtype=bool)].any()
    assert not carried.offset.any()


# --- Denoisers that do ---


def biased(mean, variance, tau):
    network = OneLayerWithBias(Spectrum(mean, variance), EDM(), 0.1, 1.0, initial_bias=0.2)
    return network.generated_variance(tau)


def overlapping(overlap, variance, tau):
    network = MisalignedTwoLayer(cases.spectrum(variance), EDM(), overlap + overlap.T, 1.0)
    return network.generated_variance(tau)


def forward_with_value(question):
    return jax.jit(jax.jacfwd(lambda *arguments: 2 * (question(*arguments),), (0, 1, 2), has_aux=True))


@functools.cache
def reverse_of(question):
    return jax.jit(jax.jacrev(question, (0, 1, 2)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "first"),
    [(biased, np.array([1.0, -0.6])), (overlapping, np.array([[0.1, 0.05], [0.02, 0.2]]))],
    ids=["bias", "overlap"],
)
def test_derivatives_of_the_variance_equal_central_differences(question, first):
    forward, reverse = forward_with_value(question), reverse_of(question)
    for tau in (0.02, 0.5):
        arguments = (first, np.array([1.5, 0.2]), np.array(tau))
        derivatives = forward(*arguments)[0], reverse(*arguments)
        for position, (left, right) in enumerate(zip(*derivatives, strict=True)):
            np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-12)
            value = arguments[position]
            for index in np.ndindex(value.shape):
                step = np.zeros(value.shape)
                step[index] = 1e-5 * max(1e-1, abs(value[index]))
                up, down = (
                    forward(*(x + s * step if i == position else x for i, x in enumerate(arguments)))[1]
                    for s in (1, -1)
                )
                difference = (up - down) / (2 * step[index])
                np.testing.assert_allclose(left[(slice(None), *index)], difference, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_derivatives_are_finite_at_both_ends_of_training_and_on_degenerate_data():
    for mean, variance in [([1.0, 1.0], [0.5, 0.5]), ([0.0, 0.0], [1.0, 0.0])]:
        for tau in (0.0, 0.1, np.inf):
            for leaf in reverse_of(biased)(np.array(mean), np.array(variance), np.array(tau)):
                assert np.isfinite(leaf).all()


@pytest.mark.slow
@pytest.mark.parametrize("process", [EDM(), FlowMatching()], ids=["edm", "flow"])
def test_schedule_of_matrices_converges_at_second_order(process):
    spectrum, _, _ = shifted(VARIANCE[:2])
    denoiser = OneLayerWithBias(spectrum, process, 0.1, 1.0, initial_bias=0.2)
    tau = jnp.asarray([0.05, 1.0])
    exact_mean, exact = generated_mean(denoiser, tau), mode_covariance(denoiser, tau)
    errors = []
    for steps in (400, 800):
        times = np.geomspace(80, 0.002, steps + 1) if isinstance(process, EDM) else np.linspace(0, 1, steps + 1)
        maps = jax.jit(lambda t: denoiser.affine_map(tau[None], t[:, None]))(jnp.asarray(times))
        moments = moments_on_schedule(denoiser, maps, jnp.asarray(times))
        mean = moments.mean @ spectrum.basis.T
        errors.append([np.abs(mean - exact_mean).max(), np.abs(moments.covariance - exact).max()])
    assert np.all(np.array(errors[1]) < 0.05)
    ratio = np.array(errors[0]) / np.array(errors[1])
    assert np.all((ratio > 3.6) & (ratio < 4.5))
