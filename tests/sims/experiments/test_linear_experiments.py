"""Experiments with linear networks against explicit maps, and descent against a loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.experiments.linear import (
    curvature_of_levels,
    descend,
    descend_every_level,
    generated_mode_variances,
    generated_moments,
    loss_on_fresh_data,
    mode_gains,
)
from sims.networks.convolution import ConvolutionDenoiser
from sims.sampling.linear_flow import FlowCoefficients, flow_of, sample_linear_flow
from sims.training.descent import Clock
from sims.training.pairs import SecondMoments
from sims.training.training_sets import shared_data_training_sets
from theory import EDM, Spectrum, VariancePreserving
from theory.definitions.targets import DenoiserTarget

KEY = jax.random.key(0)
BASIS = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]


@pytest.mark.parametrize("basis", [None, BASIS], ids=["diagonal", "rotated"])
def test_mode_gains_are_the_diagonal_in_the_basis(basis):
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    rotation = np.eye(4) if basis is None else basis
    expected = np.einsum("...kk->...k", rotation.T @ maps @ rotation)
    gains = mode_gains(jnp.asarray(maps), None if basis is None else jnp.asarray(basis))
    np.testing.assert_allclose(gains, expected, rtol=1e-12, atol=1e-13)


# --- Generated samples: 2 seeds, 2 snapshots, networks of 4 levels ---

TIMES = np.array([0.1, 0.3, 0.6, 1.0])
STATE, OUTPUT = np.array([0.2, -0.4, 0.1, 0.0]), np.array([1.0, 0.5, -1.0, 0.7])
MAPS = np.random.default_rng(4).normal(size=(2, 2, 4, 4, 4))
OFFSETS = np.random.default_rng(5).normal(size=(2, 2, 4, 4))


def affine_map(maps, offsets):
    """Matrix and shift of Heun's steps of dx/dt = r x + g (W x + b), by the images of zero and of the unit vectors."""
    columns = []
    for start in (np.zeros(4), *np.eye(4)):
        x = start
        for i, h in enumerate(np.diff(TIMES)):
            first = STATE[i] * x + OUTPUT[i] * (maps[i] @ x + offsets[i])
            ahead = x + h * first
            second = STATE[i + 1] * ahead + OUTPUT[i + 1] * (maps[i + 1] @ ahead + offsets[i + 1])
            x = x + h / 2 * (first + second)
        columns.append(x)
    return np.stack(columns[1:], axis=1) - columns[0][:, None], columns[0]


@pytest.mark.parametrize("basis", [None, BASIS], ids=["diagonal", "rotated"])
@pytest.mark.parametrize("biased", [False, True])
def test_generated_moments_are_those_of_the_networks_own_map(basis, biased):
    scale, rotation = 1.7, np.eye(4) if basis is None else basis
    flow = FlowCoefficients(*map(jnp.asarray, (TIMES, STATE, OUTPUT, scale)))
    moments = generated_moments(
        jnp.asarray(MAPS),
        jnp.asarray(OFFSETS) if biased else None,
        flow,
        None if basis is None else jnp.asarray(basis),
    )
    assert moments.mean.shape == (2, 2, 4)
    for at in np.ndindex(2, 2):
        matrix, shift = affine_map(MAPS[at], OFFSETS[at] if biased else np.zeros((4, 4)))
        covariance = scale**2 * rotation.T @ matrix @ matrix.T @ rotation
        np.testing.assert_allclose(moments.mean[at], rotation.T @ shift, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(moments.covariance[at], covariance, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(moments.variance[at], np.diag(moments.covariance[at]))


def test_generated_moments_are_those_of_samples():
    """Every entry of mean and covariance within 4.5 standard errors of a normal sample's."""
    samples, flow = 4000, FlowCoefficients(*map(jnp.asarray, (TIMES, STATE, OUTPUT, 1.7)))
    moments = generated_moments(jnp.asarray(MAPS), jnp.asarray(OFFSETS), flow, jnp.asarray(BASIS))
    initial = 1.7 * jax.random.normal(KEY, (samples, 4))
    for at in np.ndindex(2, 2):
        drawn = np.asarray(sample_linear_flow(jnp.asarray(MAPS[at]), jnp.asarray(OFFSETS[at]), flow, initial)) @ BASIS
        covariance = moments.covariance[at]
        spread = np.diag(covariance)
        assert (np.abs(drawn.mean(axis=0) - moments.mean[at]) < 4.5 * np.sqrt(spread / samples)).all()
        error = np.sqrt((np.outer(spread, spread) + covariance**2) / samples)
        assert (np.abs(np.cov(drawn.T) - covariance) < 4.5 * error).all()


def test_generated_variances_are_the_diagonal_of_the_covariance_without_bias():
    flow = flow_of(DenoiserTarget(), EDM(0.01, 5.0), jnp.asarray([5.0, 2.0, 0.7, 0.1]))
    maps = jnp.asarray(0.3 * MAPS)
    variances = generated_mode_variances(maps, flow, jnp.asarray(BASIS))
    np.testing.assert_array_equal(variances, generated_moments(maps, None, flow, jnp.asarray(BASIS)).variance)
    no_offsets = generated_moments(maps, jnp.zeros((2, 2, 4, 4)), flow, jnp.asarray(BASIS))
    np.testing.assert_allclose(variances, no_offsets.variance, rtol=1e-12)
    np.testing.assert_array_equal(no_offsets.mean, 0.0)


@pytest.mark.parametrize("grid", [(4,), (2, 3)])
def test_maps_that_commute_with_shifts_need_one_pixel(grid):
    rng, dimension = np.random.default_rng(6), int(np.prod(grid))
    filters = ConvolutionDenoiser(jnp.asarray(rng.normal(size=(2, 2, 4, *grid))), grid)
    basis = jnp.asarray(np.linalg.qr(rng.normal(size=(dimension, dimension)))[0])
    flow = FlowCoefficients(*map(jnp.asarray, (TIMES, STATE, OUTPUT, 1.7)))
    expected = generated_moments(filters.total_map(), None, flow, basis)
    moments = generated_moments(filters.total_map(), None, flow, basis, shift_grid=filters.shift_grid)
    np.testing.assert_allclose(moments.covariance, expected.covariance, rtol=1e-11, atol=1e-11)


# --- Descent in mode coordinates ---

SMALL_VARIANCE = np.array([2.0, 0.5, 0.1])
SMALL_BASIS = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
SPECTRUM = Spectrum(jnp.zeros(3), jnp.asarray(SMALL_VARIANCE), jnp.asarray(SMALL_BASIS))
CLOCK = Clock(np.full((2, 2), 0.1), np.array([3, 5]), np.array([[0.3, 0.3], [0.8, 0.8]]))


def test_descent_is_that_of_the_quadratic_loss_in_mode_coordinates():
    moments = shared_data_training_sets(SPECTRUM, jnp.asarray([0.3, 1.0]), members=3, data=30, noises=2, key=KEY)
    maps = descend(SPECTRUM, moments, CLOCK, initial_gain=0.2)
    assert maps.shape == (3, 2, 2, 3, 3)
    for member in range(3):
        for level in range(2):
            weight, done = 0.2 * np.eye(3), 0
            cross, noisy = (np.asarray(each[member, level]) for each in (moments.cross, moments.noisy))
            for stage, count in enumerate(CLOCK.steps):
                for _ in range(int(count)):
                    weight = weight - 2 * 0.1 * (weight @ noisy - cross)
                    done += 1
                np.testing.assert_allclose(maps[member, stage, level], SMALL_BASIS.T @ weight @ SMALL_BASIS, atol=2e-6)


def test_loss_on_fresh_data_is_an_expectation():
    generator, weight, sigma = np.random.default_rng(1), np.random.default_rng(2).normal(size=(3, 3)) / 2, 0.7
    clean = generator.normal(size=(200_000, 3)) * np.sqrt(SMALL_VARIANCE)
    losses = np.sum((clean - (clean + sigma * generator.normal(size=clean.shape)) @ weight.T) ** 2, axis=1)
    value = float(loss_on_fresh_data(jnp.asarray(weight), SPECTRUM, sigma))
    assert abs(losses.mean() - value) < 4.5 * losses.std() / np.sqrt(len(losses))


def test_curvatures_of_levels():
    np.testing.assert_allclose(curvature_of_levels(EDM(), [1.0, 2.0], 3.0), [8.0, 14.0])
    with pytest.raises(ValueError, match="levels must lie between 0 and 1 for VariancePreserving"):
        curvature_of_levels(VariancePreserving(), np.array([0.5, 3.0]), 1.0)
    with pytest.raises(ValueError, match="largest_variance must be zero or more"):
        curvature_of_levels(EDM(), np.array([0.5]), -5.0)


def test_descent_of_every_level_refuses():
    each, vectors = jnp.ones((1, 2)), jnp.zeros((1, 2, 2))
    matrices = jnp.broadcast_to(jnp.eye(2), (1, 2, 2, 2))
    moments = SecondMoments(each, matrices, 2 * matrices, vectors, vectors, each)
    refused = (
        (np.full(2, 4.0), np.ones(1), {"initial_gain": np.nan}, "initial_gain must be finite"),
        (np.full(3, 4.0), np.ones(1), {}, "with a curvature for every level"),
        (np.full(2, 4.0), np.ones(0), {}, "times must be a sequence that increases"),
        (np.full(2, 4.0), np.array([1e300]), {}, "within 2\\^53 steps"),
    )
    for curvature, times, options, sentence in refused:
        with pytest.raises(ValueError, match=sentence):
            descend_every_level(moments, curvature, times, smallest_steps=4, **options)
    with jax.enable_x64(False), pytest.raises(ValueError, match="needs 64-bit numbers"):
        descend_every_level(moments, np.full(2, 4.0), np.ones(1), smallest_steps=4)
