"""Divergences, transport distance and alignment against their definitions in matrices (SciPy)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from tests import cases
from theory import (
    EDM,
    MisalignedTwoLayer,
    OneLayer,
    OneLayerWithBias,
    Spectrum,
    SymmetricTwoLayer,
    alignment,
    generated_covariance,
    generated_mean,
    generated_variance,
    kl_divergence,
    reverse_kl_divergence,
    wasserstein2,
)

VARIANCE, MEAN = np.array([2.0, 0.3, 0.05]), np.array([0.7, -1.0, 0.2])
TIMES = np.array([0.0, 0.03, 0.5, 20.0])  # one length throughout: each question is compiled once per denoiser
OVERLAP = np.array([[0.1, 0.03, 0.02], [0.03, 0.3, -0.05], [0.02, -0.05, 0.5]])


def spectrum(variance=VARIANCE):
    rotated, covariance = cases.rotated_spectrum(variance, 7)
    return Spectrum(jnp.asarray(MEAN), rotated.variance, rotated.basis), covariance


DENOISERS = {
    "one layer": lambda s: OneLayer(s, EDM(), 0.1, 1.0),
    "tied": lambda s: SymmetricTwoLayer(s, EDM(), 0.1, 1.0),
    "bias": lambda s: OneLayerWithBias(s, EDM(), 0.1, 1.0, initial_bias=0.3),
    "misaligned": lambda s: MisalignedTwoLayer(s, EDM(), OVERLAP, 1.0),
}
UNCOUPLED = ["one layer", "tied"]


def kl(mean, covariance, other_mean, other):
    """KL(N(mean, covariance) ‖ N(other_mean, other))."""
    inverse, shift = np.linalg.inv(other), other_mean - mean
    log_ratio = np.linalg.slogdet(other)[1] - np.linalg.slogdet(covariance)[1]
    return (np.trace(inverse @ covariance) - len(mean) + shift @ inverse @ shift + log_ratio) / 2


@pytest.mark.slow_cases("misaligned", "bias")
@pytest.mark.parametrize("name", DENOISERS)
def test_distances_equal_their_definition_in_matrices(name):
    data, covariance = spectrum()
    denoiser, tau = DENOISERS[name](data), jnp.asarray(TIMES)
    means, covariances = np.asarray(generated_mean(denoiser, tau)), np.asarray(generated_covariance(denoiser, tau))
    root, basis = scipy.linalg.sqrtm(covariance), np.asarray(data.basis)
    forward, reverse, transport = [], [], []
    for mean, generated in zip(means, covariances, strict=True):
        forward.append(kl(mean, generated, MEAN, covariance))
        reverse.append(kl(MEAN, covariance, mean, generated))
        cross = scipy.linalg.sqrtm(root @ generated @ root)
        bures = np.trace(generated + covariance - 2 * np.real(cross))
        transport.append(np.sqrt(np.sum((mean - MEAN) ** 2) + bures))
    np.testing.assert_allclose(kl_divergence(denoiser, tau), forward, rtol=1e-9)
    np.testing.assert_allclose(reverse_kl_divergence(denoiser, tau), reverse, rtol=1e-9)
    np.testing.assert_allclose(wasserstein2(denoiser, tau), transport, rtol=1e-8)
    in_modes = basis.T @ covariances @ basis
    on_axes = np.sum(np.diagonal(in_modes, axis1=-2, axis2=-1) ** 2, axis=-1)
    np.testing.assert_allclose(alignment(denoiser, tau), on_axes / np.sum(in_modes**2, axis=(-2, -1)), rtol=1e-12)


def test_distances_of_maps_carried_as_matrices_keep_modes_far_smaller_than_others():
    """Without a mean a network with bias is one without, whose distances are sums over modes."""
    rotated, _ = spectrum(np.array([1e4, 1.0, 1e-4]))
    data, tau = Spectrum(jnp.zeros(3), rotated.variance, rotated.basis), jnp.asarray(TIMES)
    with_bias, without = OneLayerWithBias(data, EDM(), 0.1, 1.0), OneLayer(data, EDM(), 0.1, 1.0)
    for distance in (kl_divergence, reverse_kl_divergence, wasserstein2):
        np.testing.assert_allclose(distance(with_bias, tau), distance(without, tau), rtol=1e-9, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bias", pytest.param("misaligned", marks=pytest.mark.slow)])
def test_derivatives_of_distances_of_maps_carried_as_matrices(name):
    """Also where singular values coincide: data of equal variances."""
    for distance in (kl_divergence, reverse_kl_divergence, wasserstein2):

        @jax.jit
        def with_slope(tau, denoiser, distance=distance):
            value, slope_along = jax.vjp(lambda tau: distance(denoiser, tau), tau)
            return value, slope_along(jnp.ones_like(value))[0]

        for variance in (VARIANCE, np.array([0.3, 0.3, 0.05])):
            denoiser, step = DENOISERS[name](spectrum(variance)[0]), 1e-6 * TIMES[1:3]
            (above, _), (_, slope), (below, _) = (
                with_slope(jnp.asarray(TIMES[1:3] + s), denoiser) for s in (step, 0.0, -step)
            )
            np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=1e-5)


@pytest.mark.parametrize("name", DENOISERS)
def test_distances_are_positive_and_alignment_is_a_share(name):
    denoiser, tau = DENOISERS[name](spectrum()[0]), jnp.asarray([1e-3, 0.05, 2.0, np.inf])
    for distance in (kl_divergence, reverse_kl_divergence, wasserstein2):
        assert np.all(distance(denoiser, tau) > 0)
    share = np.asarray(alignment(denoiser, tau))
    assert np.all((share > 0) & (share <= 1 + 1e-15))
    if name in UNCOUPLED:
        np.testing.assert_array_equal(share, 1.0)
    else:
        assert share.min() < 0.999
        np.testing.assert_allclose(share[-1], 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", UNCOUPLED)
def test_part_of_the_mean_that_is_kept_enters_the_divergence(name):
    """Sampling starts at mean zero, so μ̃ - μ = -√λ̃/σ_T μ along each mode."""
    data, _ = spectrum()
    centred = Spectrum(jnp.zeros(3), data.variance, data.basis)
    tau = jnp.asarray(TIMES)
    variance = np.asarray(DENOISERS[name](data).generated_variance(tau))
    shift = np.sqrt(variance) / 80 * (MEAN @ np.asarray(data.basis))
    for distance, weight, power in (
        (kl_divergence, 0.5 / VARIANCE, 1),
        (reverse_kl_divergence, 0.5 / variance, 1),
        (wasserstein2, 1.0, 2),
    ):
        with_mean, without = (np.asarray(distance(DENOISERS[name](s), tau)) ** power for s in (data, centred))
        expected = without + np.sum(weight * shift**2, axis=-1)
        np.testing.assert_allclose(with_mean, expected, rtol=1e-12)


@pytest.mark.parametrize("name", DENOISERS)
def test_divergences_from_and_to_a_mode_without_data_are_infinite(name):
    denoiser = DENOISERS[name](spectrum(np.array([2.0, 0.3, 0.0]))[0])
    tau = jnp.asarray(TIMES)
    np.testing.assert_array_equal(kl_divergence(denoiser, tau), np.inf)
    np.testing.assert_array_equal(reverse_kl_divergence(denoiser, tau), np.inf)
    assert np.isfinite(wasserstein2(denoiser, tau)).all()


MONOTONE_TIMES = jnp.asarray(np.concatenate([[0], np.logspace(-8, 8, 100)]))

CROSSOVER = 0.002 * 80.0  # λ̃(∞) = λ


# Distances see the generated variance alone: how the others generate theirs is slow to compile.
GENERATED = [*cases.CLOSED, pytest.param(cases.FLOW, id=cases.FLOW.name)]
OTHERS = [case for case in cases.SOME if case.id not in {quick.id for quick in GENERATED}]


@pytest.mark.parametrize(
    "case", [*GENERATED, *(pytest.param(*c.values, id=c.id, marks=pytest.mark.slow) for c in OTHERS)]
)
def test_distances_of_modewise_denoisers_equal_their_definition_in_matrices(case):
    spectrum, covariance = cases.rotated_spectrum([2.0, 0.3, 0.05])
    denoiser = case.denoiser(spectrum, 0.1)
    tau = jnp.asarray([0.0, 0.1])
    for row, kl, w2 in zip(
        generated_variance(denoiser, tau), kl_divergence(denoiser, tau), wasserstein2(denoiser, tau), strict=True
    ):
        generated = cases.matrix(spectrum.basis, row)
        ratio = np.linalg.solve(covariance, generated)
        expected = (np.trace(ratio) - 3 - np.linalg.slogdet(ratio)[1]) / 2
        np.testing.assert_allclose(kl, expected, rtol=1e-9)
        root = cases.matrix(spectrum.basis, np.sqrt([2.0, 0.3, 0.05]))
        cross = np.linalg.eigvalsh(root @ generated @ root)
        bures = np.trace(generated) + np.trace(covariance) - 2 * np.sum(np.sqrt(cross))
        np.testing.assert_allclose(w2**2, bures, rtol=1e-8)


@pytest.mark.parametrize(
    ("gain", "variance"), [(0.0, [0.17, 3.0, 900.0]), (1.0, [1e-6, 1e-3, 0.15]), (1.5, [1e-6, 1e-3, 0.15])]
)
def test_divergence_falls_all_along_when_every_gain_moves_towards_the_data(gain, variance):
    """One layer from Q = 0, for λ ≥ σ_min σ_max, and from Q ≥ 1, for λ ≤ σ_min σ_max: no overshoot, no detour."""
    kl = kl_divergence(OneLayer(cases.spectrum(np.array(variance)), EDM(), gain, 1.0), MONOTONE_TIMES)
    assert np.all(np.diff(kl) <= 1e-13)
    assert kl[-1] < 1e-2 * kl[0]


@pytest.mark.parametrize(
    ("gain", "variance", "rise"),
    [
        pytest.param(0.5, 1.0, 1e-2, id="between 0 and 1 the large noise levels are unlearned first"),
        pytest.param(0.0, 1e-3, 1e-7, id="small modes overshoot to λ + σ_min²"),
        pytest.param(1.0, 1e3, 1e-4, id="large modes undershoot to λ(1 - λ/σ_max²)"),
    ],
)
def test_divergence_is_not_monotone_otherwise(gain, variance, rise):
    kl = kl_divergence(OneLayer(cases.spectrum(np.array([variance])), EDM(), gain, 1.0), MONOTONE_TIMES)
    assert np.diff(kl).max() > rise


def test_divergence_from_a_mode_without_data_is_infinite():
    denoiser = OneLayer(cases.spectrum(np.array([1.0, 0.0])), EDM(), 0.1, 1.0)
    assert kl_divergence(denoiser, jnp.asarray(1.0)) == np.inf


def test_distances_vanish_with_finite_derivatives_where_the_data_are_generated():
    """λ̃(∞) = λ exactly at λ = σ_min σ_max."""
    for distance in (kl_divergence, wasserstein2):

        def answer(variance, distance=distance):
            return distance(OneLayer(cases.spectrum(variance), EDM(0.5, 2.0), 0.1, 1.0), jnp.inf)

        value, slope = jax.value_and_grad(answer)(jnp.ones(1))
        assert value == 0
        assert np.isfinite(slope).all(), distance
