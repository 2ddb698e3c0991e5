"""Pairs (y, x): what an objective of the theory trains for, and their moments for infinitely many samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.linear import linear_denoiser, preconditioned
from sims.sampling.linear_flow import flow_of
from sims.training.descent import train_full_batch
from sims.training.pairs import (
    PairCoefficients,
    denoising_pairs,
    moments_of_pairs,
    noisy_moments,
    pairs_inside,
    pairs_of,
    population_statistics,
)
from theory import EDM, FlowMatching, Spectrum, VariancePreserving
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.targets import DenoiserTarget, FlowTarget, NoiseTarget
from theory.definitions.weights import EDMWeight, PowerWeight
from theory.spectral_law.regression import gradient_descent, mode_regression

LEVELS = jnp.asarray([0.1, 1.0, 3.0])
VARIANCE, MEAN = np.array([3.0, 0.5, 0.1, 0.0]), np.array([0.4, -1.0, 0.0, 2.0])
BASIS = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
COVARIANCE = BASIS @ np.diag(VARIANCE) @ BASIS.T
SPECTRUM = Spectrum(jnp.asarray(MEAN), jnp.asarray(VARIANCE), jnp.asarray(BASIS))
PAIRS = PairCoefficients(*map(jnp.asarray, [[1.0, 0.8], [0.1, 2.0], [1.0, -0.5], [0.0, 0.7], [1.0, 2.0]]))


def test_pairs_of_an_objective_are_its_coefficients_scales_and_weight():
    times = jnp.asarray([0.2, 0.5, 0.9])
    pairs = pairs_of(Objective(FlowTarget(), PowerWeight(0.5)), FlowMatching(), times)
    np.testing.assert_allclose(pairs, [times, 1 - times, np.ones(3), -np.ones(3), 1 / (1 - times)], rtol=1e-13)
    process = VariancePreserving()
    pairs = pairs_of(Objective(NoiseTarget()), process, times)
    alpha, sigma = process.signal_scale(times), process.noise_scale(times)
    np.testing.assert_allclose(pairs, [alpha, sigma, np.zeros(3), np.ones(3), np.ones(3)], rtol=1e-15)
    weight = pairs_of(Objective(DenoiserTarget(), EDMWeight(0.5)), EDM(), LEVELS).weight
    np.testing.assert_allclose(weight, (LEVELS**2 + 0.25) / (0.5 * LEVELS) ** 2, rtol=1e-14)


def test_a_network_by_itself_takes_the_steps_that_it_takes_inside_its_scales():
    preconditioning, process = EDMPreconditioning(0.5), EDM()
    pairs = pairs_of(Objective(weight=EDMWeight(0.5)), process, LEVELS)
    inner = pairs_inside(pairs, preconditioning.scales(jnp.ones(3), LEVELS))
    population = population_statistics(SPECTRUM)
    outside, inside = (
        jax.tree.map(lambda leaf: leaf[None], moments_of_pairs(population, each)) for each in (pairs, inner)
    )
    step_sizes, steps = jnp.full((2, 3), 0.05), jnp.asarray([2, 5])
    start = linear_denoiser(4, 0.1, "float64")
    whole = train_full_batch(preconditioned(start, preconditioning, process, LEVELS), outside, step_sizes, steps)
    alone = train_full_batch(start, inside, step_sizes, steps)
    np.testing.assert_allclose(alone.weight, whole.network.weight, rtol=1e-12, atol=1e-13)


def test_noise_levels_stand_for_denoised_data_with_unit_weight():
    ones = np.ones(3)
    np.testing.assert_array_equal(denoising_pairs(LEVELS), [ones, LEVELS, ones, 0 * ones, ones])


def test_flow_of_a_target_is_the_one_written_out():
    """Denoisers: (x - D)/σ; velocities of flow matching: the network itself, from N(0, I)."""
    levels = jnp.asarray([80.0, 1.0, 0.002])
    expected = (levels, 1 / levels, -1 / levels, 80.0)
    for ours, value in zip(flow_of(DenoiserTarget(), EDM(), levels), expected, strict=True):
        np.testing.assert_allclose(ours, value, rtol=1e-14)
    times = jnp.asarray([0.0, 0.4, 1.0])
    flow = flow_of(FlowTarget(), FlowMatching(), times)
    np.testing.assert_allclose(flow.state, np.zeros(3), atol=1e-15)
    np.testing.assert_allclose(flow.output, np.ones(3), rtol=1e-15)
    assert float(flow.initial_scale) == 1.0


def test_population_statistics_are_the_definition():
    statistics = population_statistics(SPECTRUM)
    second = COVARIANCE + np.outer(MEAN, MEAN)
    expected = (second, np.zeros((4, 4)), np.eye(4), MEAN, np.zeros(4))
    for ours, value in zip(statistics, expected, strict=True):
        np.testing.assert_allclose(ours, value, rtol=1e-14, atol=1e-15)
    plain = population_statistics(Spectrum.from_variances([2.0, 1.0]))
    np.testing.assert_array_equal(plain.clean_clean, np.diag([2.0, 1.0]))


def test_population_moments_are_those_of_many_samples():
    """Every entry of every moment within 5 standard errors, over 40 independent sets of 5000 samples."""
    exact = moments_of_pairs(population_statistics(SPECTRUM), PAIRS)

    def of_set(key):
        data_key, noise_key = jax.random.split(key)
        modes = jax.random.normal(data_key, (5000, 4)) * jnp.sqrt(SPECTRUM.variance)[None]
        clean = modes @ SPECTRUM.basis.T + SPECTRUM.mean[None]
        return noisy_moments(clean, jax.random.normal(noise_key, clean.shape), PAIRS)

    sets = jax.lax.map(of_set, jax.random.split(jax.random.key(0), 40))
    for name in ("target", "cross", "noisy", "target_mean", "noisy_mean"):
        samples, expected = np.asarray(getattr(sets, name)), np.asarray(getattr(exact, name))
        assert samples.shape[1:] == expected.shape
        error = samples.std(axis=0, ddof=1) / np.sqrt(40)
        assert (np.abs(samples.mean(axis=0) - expected) < 5 * error + 1e-12).all()
    np.testing.assert_array_equal(sets.weight[0], exact.weight)


@pytest.mark.parametrize("process", [EDM(), FlowMatching()], ids=["edm", "flow_matching"])
def test_training_on_the_population_is_gradient_descent_of_the_modes(process):
    """To round-off: no sample stands between training and the theory."""
    spectrum = Spectrum(jnp.zeros(4), jnp.asarray(VARIANCE), jnp.asarray(BASIS))
    target, times = process.native_target(), jnp.asarray([0.1, 0.5, 0.9])
    moments = moments_of_pairs(population_statistics(spectrum), pairs_of(Objective(target), process, times))
    step_sizes, steps = jnp.asarray([[0.02, 0.03, 0.01], [0.05, 0.04, 0.03]]), jnp.asarray([3, 6])
    start = linear_denoiser(4, 0.1, "float64")
    one_seed = jax.tree.map(lambda leaf: leaf[None], moments)
    trained = np.asarray(train_full_batch(start, one_seed, step_sizes, steps).weight[0])
    gains = gradient_descent(
        mode_regression(jnp.asarray(VARIANCE), process, target, times),
        jnp.full((3, 4), 0.1),
        step_sizes[..., None],
        steps,
    )
    expected = BASIS @ (np.asarray(gains)[..., None] * np.eye(4)) @ BASIS.T
    np.testing.assert_allclose(trained, np.swapaxes(expected, 0, 1), rtol=0, atol=1e-13)
