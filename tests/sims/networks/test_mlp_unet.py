"""The MLP-UNet and what wraps it: against NumPy, its gradient, and what it generates before training."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.embeddings import PositionalEmbedding, fourier_embedding
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.sampling.networks import heun_sample_members
from sims.sampling.schedules import edm_schedule_to_zero
from tests.oracles import score_networks as oracle
from theory import EDM, VariancePreserving
from theory.definitions.preconditionings import EDMPreconditioning

KEY = jax.random.key(0)
_RNG = np.random.default_rng(0)
INPUTS, CONDITIONING = _RNG.normal(size=(7, 6)), _RNG.normal(size=7)
CALL = eqx.filter_jit(lambda network, x, noise: network(x, noise))


def varied(network, seed=1):
    """The same network with all arrays moved, so that nothing is one or zero any more."""
    arrays, rest = eqx.partition(network, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(arrays)
    random = np.random.default_rng(seed)
    moved = [jnp.asarray(np.asarray(leaf) + 0.3 * random.normal(size=leaf.shape)) for leaf in leaves]
    return eqx.combine(jax.tree.unflatten(structure, moved), rest)


@functools.cache
def example(width=10):
    return varied(mlp_unet(6, layers=3, width=width, embedding=8, key=KEY, dtype=jnp.float64))


@pytest.mark.parametrize("width", [10, 6], ids=["shortcut", "as_wide_as_the_data"])
def test_mlp_unet_is_the_same_in_numpy(width):
    network = example(width)
    assert [block.shortcut is None for block in network.blocks] == [width == 6, True]
    expected = oracle.mlp_unet(network, INPUTS, CONDITIONING)
    np.testing.assert_allclose(CALL(network, INPUTS, CONDITIONING), expected, rtol=1e-11, atol=1e-12)


def test_a_shared_noise_level_is_one_for_each():
    shared = CALL(example(), INPUTS, jnp.asarray(0.3))
    np.testing.assert_allclose(shared, CALL(example(), INPUTS, jnp.full(7, 0.3)), rtol=1e-12)


def test_gradient_is_the_slope_of_finite_differences():
    """Along a random direction in all trained arrays, in both modes; frequencies of the embedding are none of them."""

    @eqx.filter_jit
    def square(network):
        return jnp.sum(network(INPUTS, CONDITIONING) ** 2)

    network = example()
    gradient = eqx.filter_jit(eqx.filter_grad(square))(network)
    assert not np.any(gradient.embedding.frequencies)
    direction = eqx.tree_at(lambda at: at.embedding.frequencies, varied(gradient, 2), jnp.zeros(4))
    expected = sum(
        np.sum(np.asarray(slope) * np.asarray(step))
        for slope, step in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
    )
    ahead, behind = (
        square(eqx.apply_updates(network, jax.tree.map(lambda d, h=h: h * d, direction))) for h in (1e-6, -1e-6)
    )
    np.testing.assert_allclose((ahead - behind) / 2e-6, expected, rtol=1e-6)
    _, forward = eqx.filter_jit(lambda *both: eqx.filter_jvp(square, both[:1], both[1:]))(network, direction)
    np.testing.assert_allclose(forward, expected, rtol=1e-10)


def test_everything_starts_uniform_in_the_inverse_root_of_the_inputs():
    network = mlp_unet(300, layers=4, width=400, embedding=500, key=KEY)
    assert network.embedding.frequencies.shape == (250,)
    np.testing.assert_allclose(np.std(network.embedding.frequencies), 1.0, rtol=0.15)
    first, second = network.blocks[0], network.blocks[1]
    layers = {300: [first.inner, first.shortcut], 500: [first.scale, first.shift, second.scale, second.shift]}
    layers[400] = [first.outer, second.inner, second.outer, network.output]
    for inputs, found in layers.items():
        for layer in found:
            assert layer.weight.shape[0] == inputs
            for part in (layer.weight, layer.bias):
                assert part.dtype == "float32"
                scaled = np.asarray(part, float) * np.sqrt(inputs)
                assert 0.97 < np.abs(scaled).max() <= 1 + 1e-6
                np.testing.assert_allclose(np.mean(scaled**2), 1 / 3, atol=5 * np.sqrt(4 / 45 / scaled.size))
                assert abs(scaled.mean()) < 5 / np.sqrt(3 * scaled.size)
    for norm in (first.outer_norm, second.inner_norm):
        assert np.all(np.asarray(norm.scale) == 1)
        assert not np.any(np.asarray(norm.shift))


def test_output_may_start_from_nothing():
    network = mlp_unet(6, layers=2, width=5, embedding=4, key=KEY, output_scale=0.0)
    assert not np.any(network(jnp.asarray(INPUTS, "float32"), jnp.asarray(CONDITIONING, "float32")))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dimension", "low", "high"),
    [
        pytest.param(32, 0.42, 0.47, id="wider"),
        pytest.param(64, 0.64, 0.71, id="as_wide", marks=pytest.mark.slow),
    ],
)
def test_untrained_networks_generate_what_the_authors_do(dimension, low, high):
    """Mean variance of .42 to .47 where the network is wider than the data and .64 to .71 where it is not, by mode.

    With the layers and features of their image networks, averaged over networks; single ones scatter by .02.
    """
    noise, levels = jax.random.normal(KEY, (400, dimension), jnp.float32), edm_schedule_to_zero(0.002, 80.0, 20)
    make = functools.partial(mlp_unet, dimension, layers=8, width=64, embedding=128)
    networks = eqx.filter_vmap(lambda key: PreconditionedNetwork(make(key=key)))(jax.random.split(jax.random.key(1), 4))
    variances = np.var(heun_sample_members(networks, noise, levels), axis=1)
    assert low < variances.mean() < high
    modes = variances.mean(axis=0)
    assert modes.max() / modes.min() > 1.2


def test_bfloat16_rounds_products_and_nothing_else():
    exact, rounded = (
        mlp_unet(6, layers=3, width=32, embedding=8, key=KEY, bfloat16=bfloat16) for bfloat16 in (False, True)
    )
    assert {leaf.dtype.name for leaf in jax.tree.leaves(eqx.filter(rounded, eqx.is_array))} == {"float32"}
    inputs, conditioning = jnp.asarray(INPUTS, "float32"), jnp.asarray(CONDITIONING, "float32")
    expected, result = CALL(exact, inputs, conditioning), CALL(rounded, inputs, conditioning)
    assert result.dtype == "float32"
    error = np.abs(result - expected).max() / np.abs(expected).max()
    assert 1e-4 < error < 2e-2


@pytest.mark.slow
def test_members_of_an_ensemble_are_single_networks():
    keys = jax.random.split(KEY, 3)
    make = functools.partial(mlp_unet, 6, layers=2, width=5, embedding=4, dtype=jnp.float64)
    networks = eqx.filter_vmap(lambda key: make(key=key))(keys)
    together = eqx.filter_vmap(CALL, in_axes=(eqx.if_array(0), None, None))(networks, INPUTS, CONDITIONING)
    single = CALL(make(key=keys[1]), INPUTS, CONDITIONING)
    np.testing.assert_allclose(together[1], single, rtol=1e-12)


@pytest.mark.parametrize("process", [EDM(), VariancePreserving()], ids=["edm", "vp"])
def test_preconditioned_network_is_karras_table_around_it(process):
    """In the coordinates x/α, σ/α; at one time each and at one for all."""
    denoiser = PreconditionedNetwork(example(), process, EDMPreconditioning(0.7))
    times = np.linspace(0.1, 0.9, 7)
    for time in (times, np.asarray(0.4)):
        alpha, sigma = (np.asarray(part(jnp.asarray(time))) for part in (process.signal_scale, process.noise_scale))
        ratio = np.broadcast_to(sigma / alpha, 7)[:, None]
        x, spread = INPUTS / np.broadcast_to(alpha, 7)[:, None], ratio**2 + 0.7**2
        inner = oracle.mlp_unet(example(), x / np.sqrt(spread), np.log(ratio[:, 0]) / 4)
        expected = 0.7**2 / spread * x + 0.7 * ratio / np.sqrt(spread) * inner
        np.testing.assert_allclose(CALL(denoiser, INPUTS, jnp.asarray(time)), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mlp_unet(6, layers=1, width=5, embedding=4, key=KEY), "layers must be a whole number of 2 or more"),
        (lambda: mlp_unet(6, layers=2, width=0, embedding=4, key=KEY), "width must be a whole number of 1 or more"),
        (lambda: mlp_unet(6, layers=2, width=5, embedding=5, key=KEY), "Fourier embedding must be even; got 5"),
        (lambda: fourier_embedding(0, key=KEY), "Fourier embedding must be a whole number of 2 or more; got 0"),
        (lambda: PositionalEmbedding(2), "positional embedding must be a whole number of 4 or more; got 2"),
        (lambda: PositionalEmbedding(7), "positional embedding must be even; got 7"),
    ],
)
def test_sizes_that_are_none_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
