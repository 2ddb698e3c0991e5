"""Networks and their loss: moments against the sum over samples, in value and gradient, for every objective."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.feature_model import FeatureModel
from sims.networks.linear import (
    LinearDenoiser,
    PreconditionedDenoiser,
    deep_linear_denoiser,
    linear_denoiser,
    offsets_of,
    one_per_level,
    preconditioned,
    tied_two_layer_denoiser,
    tied_two_layer_denoiser_of,
    total_maps_of,
    two_layer_denoiser,
)
from sims.training.linear_losses import linear_denoising_loss, sufficient_moments
from sims.training.pairs import PairCoefficients, noisy_moments
from tests.oracles import networks as network_oracles
from theory import EDM, FourierFeatures, GaussianFeatures, VariancePreserving
from theory.definitions.preconditionings import EDMPreconditioning

KEY = jax.random.key(0)
_RNG = np.random.default_rng(0)
SCALE, CENTRE = [2.0, 1.0, 0.1, 0.5, 0.5, 1.5], [0.5, 0.0, -1.0, 0.3, -0.2, 2.0]
CLEAN = _RNG.normal(size=(40, 6)) * SCALE + CENTRE  # not centred: the loss does not assume it
NOISE = _RNG.normal(size=CLEAN.shape)
LEVELS = np.array([0.01, 0.7, 30.0])
TIMES = np.array([0.0, 0.4, 1.0])
ONES = np.ones(3)
OBJECTIVES = {
    "levels": (LEVELS, np.stack([ONES, LEVELS, ONES, 0 * ONES, ONES])),
    "flow_matching": (None, np.stack([TIMES, 1 - TIMES, ONES, -ONES, ONES])),
    "any": (None, _RNG.uniform(0.2, 2.0, size=(5, 3)) * [[1], [1], [-1], [1], [1]]),
}


VALUE_AND_GRADIENT = eqx.filter_jit(jax.value_and_grad(linear_denoising_loss))


@functools.cache
def moments_of(objective):
    levels, coefficients = OBJECTIVES[objective]
    pairs = jnp.asarray(levels) if levels is not None else PairCoefficients(*map(jnp.asarray, coefficients))
    return noisy_moments(jnp.asarray(CLEAN), jnp.asarray(NOISE), pairs)


def samples_of(objective, level):
    """Targets, inputs and weight of one noise level."""
    alpha, sigma, signal, noise, weight = OBJECTIVES[objective][1][:, level]
    return signal * CLEAN + noise * NOISE, alpha * CLEAN + sigma * NOISE, weight


def at_level(moments, level):
    return jax.tree.map(lambda leaf: leaf[level], moments)


@pytest.mark.parametrize("case", network_oracles.CASES.values(), ids=network_oracles.CASES)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_and_gradient_equal_the_sum_over_samples(case, objective):
    """From the second moments, and from the smaller statistics that a convolution is trained on."""
    everything = moments_of(objective)
    for moments in (everything, sufficient_moments(case.network, everything)):
        for level in range(3):
            pairs = samples_of(objective, level)
            value, slopes = VALUE_AND_GRADIENT(case.network, at_level(moments, level))
            np.testing.assert_allclose(value, network_oracles.loss(case, case.parameters, *pairs), rtol=1e-11)
            expected = network_oracles.gradient(case, case.parameters, *pairs)
            for slope, other in zip(jax.tree.leaves(slopes), expected, strict=True):
                np.testing.assert_allclose(slope, other, rtol=1e-9, atol=1e-11 * np.abs(value))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_moments_are_the_pairs_own(objective):
    for level in range(3):
        target, noisy, weight = samples_of(objective, level)
        moments = at_level(moments_of(objective), level)
        np.testing.assert_allclose(moments.target, np.mean(np.sum(target**2, axis=1)), rtol=1e-12)
        np.testing.assert_allclose(moments.target_mean, target.mean(axis=0), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(moments.noisy_mean, noisy.mean(axis=0), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(moments.weight, weight, rtol=1e-15)
        for name, left in (("cross", target), ("noisy", noisy)):
            expected = np.mean(left[:, :, None] * noisy[:, None], axis=0)
            np.testing.assert_allclose(getattr(moments, name), expected, rtol=1e-10, atol=1e-12)


def test_moments_take_the_precision_of_the_data():
    moments = noisy_moments(jnp.asarray(CLEAN, jnp.float32), jnp.asarray(NOISE, jnp.float32), jnp.asarray(LEVELS))
    assert {leaf.dtype.name for leaf in jax.tree.leaves(moments)} == {"float32"}


@pytest.mark.parametrize("case", network_oracles.CASES.values(), ids=network_oracles.CASES)
def test_total_map_and_offset_are_what_the_network_does(case):
    """For one network, and for a stack of different ones with two leading axes."""
    x = _RNG.normal(size=(4, 6))
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf, -0.5 * leaf])[:, None], case.network)
    outputs = eqx.filter_jit(lambda network, x: jax.vmap(network)(x))
    maps, offsets = np.asarray(total_maps_of(stacked)), offsets_of(stacked)
    assert maps.shape == (3, 1, 6, 6)
    for number, factor in enumerate((1.0, 2.0, -0.5)):
        expected = case.outputs([factor * array for array in case.parameters], x)
        network = jax.tree.map(lambda leaf, number=number: leaf[number, 0], stacked)
        np.testing.assert_allclose(outputs(network, x), expected, rtol=1e-11, atol=1e-12)
        shift = 0.0 if offsets is None else np.asarray(offsets)[number, 0]
        np.testing.assert_allclose(x @ maps[number, 0].T + shift, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make",
    [
        linear_denoiser,
        lambda *args: tied_two_layer_denoiser(KEY, *args),
        lambda dimension, gain, dtype: two_layer_denoiser(KEY, dimension, gain, 0.0, dtype),
        lambda dimension, gain, dtype: two_layer_denoiser(KEY, dimension, gain, -1.5, dtype),
        lambda dimension, gain, dtype: deep_linear_denoiser(KEY, dimension, 3, gain, dtype),
    ],
    ids=["linear", "tied", "two_layer", "two_layer_unbalanced", "deep"],
)
def test_initial_networks_are_aligned_with_every_data_set(make, dtype):
    for gain in (0.0, 0.1, 2.0):
        network = make(5, gain, dtype)
        assert {leaf.dtype.name for leaf in jax.tree.leaves(network)} == {dtype}
        assert total_maps_of(network).dtype == dtype
        np.testing.assert_allclose(total_maps_of(network), gain * np.eye(5), atol=20 * np.finfo(dtype).eps)
        assert offsets_of(network) is None


def test_tied_network_starts_generic_and_from_its_key():
    factor, again, other = (tied_two_layer_denoiser(jax.random.key(seed), 5, 0.1).factor for seed in (0, 0, 1))
    np.testing.assert_array_equal(factor, again)
    assert np.abs(factor - other).max() > 0.05
    assert np.abs(factor - np.diag(np.diag(factor))).max() > 0.05


def test_tied_network_starts_from_any_positive_map_and_generic():
    total = np.array([[0.3, 0.05, 0.0], [0.05, 0.1, -0.04], [0.0, -0.04, 0.2]])
    network, other = (tied_two_layer_denoiser_of(jax.random.key(seed), total, "float64") for seed in (0, 1))
    np.testing.assert_allclose(total_maps_of(network), total, atol=1e-15)
    assert np.abs(network.factor - other.factor).max() > 0.05
    for wrong in (total + np.eye(3, k=1), total - 0.2 * np.eye(3)):
        with pytest.raises(ValueError, match="symmetric and positive definite"):
            tied_two_layer_denoiser_of(KEY, wrong)


@pytest.mark.parametrize("imbalance", [-4.0, -1e-9, 0.0, 0.3, 1e6])
@pytest.mark.parametrize("gain", [-0.2, 0.0, 0.1, 3.0])
def test_imbalance_of_two_layers_is_the_same_in_every_mode(imbalance, gain):
    network = two_layer_denoiser(KEY, 5, gain, imbalance, "float64")
    outer, inner = np.asarray(network.outer), np.asarray(network.inner)
    largest = abs(imbalance) + abs(gain)
    np.testing.assert_allclose(outer @ inner, gain * np.eye(5), rtol=1e-12, atol=1e-14 * (1 + abs(gain)))
    np.testing.assert_allclose(outer.T @ outer - inner @ inner.T, imbalance * np.eye(5), atol=1e-13 * (1 + largest))
    if largest > 1e-6:
        larger = np.abs(outer) if imbalance >= 0 else np.abs(inner)
        assert larger[~np.eye(5, dtype=bool)].max() > 0.02


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_deep_networks_start_balanced_and_each_layer_generic(depth):
    factors = [np.asarray(factor) for factor in deep_linear_denoiser(KEY, 5, depth, 0.2, "float64").factors]
    assert len(factors) == depth
    for outer, inner in zip(factors[:-1], factors[1:], strict=True):
        np.testing.assert_allclose(outer.T @ outer, inner @ inner.T, atol=1e-13)
        assert np.abs(outer - np.diag(np.diag(outer))).max() > 0.05
        assert np.abs(outer - inner).max() > 0.05


@pytest.mark.parametrize(("depth", "gain"), [(0, 0.1), (2, -0.1)])
def test_deep_network_refuses(depth, gain):
    with pytest.raises(
        ValueError, match="depth must be a whole number|gain of a balanced deep network must be zero or"
    ):
        deep_linear_denoiser(KEY, 5, depth, gain)


def test_initial_bias_is_given_or_absent():
    np.testing.assert_array_equal(linear_denoiser(3, 0.1, initial_bias=[1.0, 2.0, 3.0]).bias, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(linear_denoiser(3, 0.1, initial_bias=0.0).bias, np.zeros(3))
    assert linear_denoiser(3, 0.1).bias is None


def test_one_per_level_repeats_the_network_and_keeps_scales():
    inner = LinearDenoiser(jnp.eye(2), jnp.ones(2))
    skip = jnp.asarray([0.1, 0.2, 0.3])
    network = one_per_level(PreconditionedDenoiser(skip, jnp.asarray(2.0), jnp.asarray(4.0), inner), 3)
    np.testing.assert_array_equal(network.skip, skip)
    expected = (np.asarray(skip)[:, None, None] + 0.5) * np.eye(2)
    np.testing.assert_allclose(total_maps_of(network), expected, rtol=1e-15)
    np.testing.assert_array_equal(offsets_of(network), np.full((3, 2), 2.0))


@pytest.mark.parametrize("process", [EDM(), VariancePreserving()], ids=["edm", "vp"])
def test_scales_of_a_preconditioning_are_karras_table(process):
    """Tab. 1 in the coordinates x/α, σ/α, per level; what a linear network without bias sees is c_out c_in."""
    times, scale = jnp.asarray([0.05, 0.4, 0.9]), 0.7
    network = preconditioned(linear_denoiser(2, 0.3, "float64"), EDMPreconditioning(scale), process, times)
    alpha, sigma = (np.asarray(part(times)) for part in (process.signal_scale, process.noise_scale))
    ratio = sigma / alpha
    spread = ratio**2 + scale**2
    np.testing.assert_allclose(network.skip, scale**2 / spread / alpha, rtol=1e-12)
    np.testing.assert_allclose(network.output, ratio * scale / np.sqrt(spread), rtol=1e-12)
    np.testing.assert_allclose(network.divisor, alpha * np.sqrt(spread), rtol=1e-12)
    expected = scale**2 / spread / alpha + 0.3 * ratio * scale / spread / alpha
    maps = total_maps_of(one_per_level(network, 3))
    np.testing.assert_allclose(maps, expected[:, None, None] * np.eye(2), rtol=1e-12)


def test_preconditioned_network_keeps_the_precision_of_what_it_wraps():
    scales = (jnp.asarray(0.5), jnp.asarray(2.0), jnp.asarray(1.0))
    network = PreconditionedDenoiser(*scales, linear_denoiser(3, 0.1, initial_bias=0.0))
    assert (network.skip.dtype, total_maps_of(network).dtype) == ("float64", "float32")
    assert offsets_of(network).dtype == "float32"


@pytest.mark.parametrize(("family", "dimension"), [(GaussianFeatures, 2), (FourierFeatures, 1)])
def test_feature_model_is_the_explicit_sum(family, dimension):
    features = family(dimension, 4, 3, positions=(-1.5, 1.5), times=(0.0, 1.0))
    weight = _RNG.normal(size=(dimension, features.number))
    x = _RNG.normal(size=(6, dimension))
    model = eqx.filter_jit(FeatureModel(features, jnp.asarray(weight)))
    for time in (0.1, 0.9):
        phi = np.asarray(eqx.filter_jit(features)(jnp.asarray(x), jnp.full(6, time)))
        np.testing.assert_allclose(model(jnp.asarray(x), jnp.asarray(time)), phi @ weight.T, rtol=1e-10, atol=1e-12)
