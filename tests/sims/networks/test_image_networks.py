"""Image networks and their convolutions against NumPy, and their sizes and beginnings."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.cnn_resnet import cnn_resnet
from sims.networks.cnn_unet import cnn_unet
from sims.networks.image_convolution import convolution, convolve_by_library, convolve_by_shifts, doubled, halved
from sims.networks.preconditioned import PreconditionedNetwork
from tests.oracles import score_networks as oracle
from theory.definitions.preconditionings import EDMPreconditioning

KEY = jax.random.key(0)
SHAPE = (4, 6, 2)
_RNG = np.random.default_rng(0)
INPUTS, CONDITIONING = _RNG.normal(size=(3, 48)), _RNG.normal(size=3)
CALL = eqx.filter_jit(lambda network, x, noise: network(x, noise))


def varied(network):
    """The same network with all arrays moved, so that every branch counts."""
    arrays, rest = eqx.partition(network, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(arrays)
    moved = [jnp.asarray(np.asarray(leaf) + 0.2 * _RNG.normal(size=leaf.shape)) for leaf in leaves]
    return eqx.combine(jax.tree.unflatten(structure, moved), rest)


@functools.cache
def unet():
    """Two levels, of which the coarser has attention on both ways and in the middle."""
    return varied(cnn_unet(SHAPE, channels=4, multipliers=(1, 2), attention_at=(2,), key=KEY, dtype=jnp.float64))


@pytest.mark.parametrize("taps", [1, 3, 5])
def test_both_forms_of_a_convolution_are_the_sum_over_taps(taps):
    images, kernel = _RNG.normal(size=(2, 5, 4, 3)), _RNG.normal(size=(taps, taps, 3, 2))
    expected = np.moveaxis(oracle.filtered(images, kernel), -1, 0)
    for form in (convolve_by_shifts, convolve_by_library):
        found = jax.jit(form)(np.moveaxis(images, -1, 0), kernel)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_both_forms_of_a_convolution_have_the_same_gradients():
    images, kernel, slope = (_RNG.normal(size=size) for size in ((3, 2, 5, 4), (3, 3, 3, 2), (2, 2, 5, 4)))

    def gradients(form):
        return jax.jit(jax.grad(lambda x, w: jnp.sum(form(x, w) * slope), (0, 1)))(images, kernel)

    for first, second in zip(gradients(convolve_by_shifts), gradients(convolve_by_library), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("form", [convolve_by_shifts, convolve_by_library])
def test_convolutions_round_products_to_bfloat16_when_asked(form):
    images, kernel = (jnp.asarray(_RNG.normal(size=size), "float32") for size in ((3, 2, 5, 4), (3, 3, 3, 2)))
    exact, rounded = form(images, kernel), form(images, kernel, bfloat16=True)
    assert rounded.dtype == "float32"
    assert 1e-4 < np.abs(rounded - exact).max() / np.abs(exact).max() < 2e-2


@pytest.mark.parametrize(("backend", "form"), [("cpu", "by_shifts"), ("gpu", "by_library")])
def test_each_kind_of_processor_gets_its_form(monkeypatch, backend, form):
    """A product of matrices appears in the program of the one form, XLA's convolution in that of the other."""
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    program = str(jax.make_jaxpr(convolution(KEY, 3, 2))(jnp.zeros((3, 1, 4, 4), "float32")))
    assert ("dot_general" in program) == (form == "by_shifts")
    assert ("conv_general_dilated" in program) == (form == "by_library")


def test_resolutions_are_halved_by_means_and_doubled_by_copies():
    images = _RNG.normal(size=(2, 4, 6, 3))
    first = np.moveaxis(images, -1, 0)
    np.testing.assert_allclose(np.moveaxis(halved(first), 0, -1), oracle.resampled(images, "halved"), rtol=1e-14)
    np.testing.assert_array_equal(np.moveaxis(doubled(first), 0, -1), oracle.resampled(images, "doubled"))


@pytest.mark.slow
def test_unet_is_the_same_in_numpy():
    network = unet()
    assert [block.attention is not None for block in (*network.encoder, *network.middle, *network.decoder)] == [
        *(False, False, True),
        *(True, False),
        *(False, True, False, False, False),
    ]
    expected = oracle.cnn_unet(network, INPUTS, CONDITIONING)
    np.testing.assert_allclose(CALL(network, INPUTS, CONDITIONING), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.slow
def test_resnet_is_the_same_in_numpy():
    network = varied(cnn_resnet(SHAPE, channels=8, blocks=2, key=KEY, dtype=jnp.float64))
    expected = oracle.cnn_resnet(network, INPUTS, CONDITIONING)
    np.testing.assert_allclose(CALL(network, INPUTS, CONDITIONING), expected, rtol=1e-9, atol=1e-10)
    shared = CALL(network, INPUTS, jnp.asarray(0.3))
    np.testing.assert_allclose(shared, CALL(network, INPUTS, jnp.full(3, 0.3)), rtol=1e-11)


@pytest.mark.slow
def test_gradient_is_the_slope_of_finite_differences():
    """Along a random direction in all arrays of the U-Net."""

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def square(network):
        return jnp.sum(network(INPUTS, CONDITIONING) ** 2)

    _, gradient = square(unet())
    direction = jax.tree.map(lambda leaf: _RNG.normal(size=leaf.shape), gradient)
    expected = sum(
        np.sum(np.asarray(slope) * step)
        for slope, step in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
    )
    arrays, rest = eqx.partition(unet(), eqx.is_inexact_array)

    def at(step):
        moved = jax.tree.map(lambda leaf, along: jnp.asarray(np.asarray(leaf) + step * along), arrays, direction)
        return square(eqx.combine(moved, rest))[0]

    ahead, behind = at(1e-6), at(-1e-6)
    np.testing.assert_allclose((ahead - behind) / 2e-6, expected, rtol=1e-5)


def test_the_published_network_for_ffhq_has_its_28_million_parameters():
    def make(key):
        return cnn_unet((32, 32, 3), channels=128, multipliers=(1, 2, 2, 2), attention_at=(8,), key=key)

    arrays = jax.eval_shape(lambda key: eqx.filter(make(key), eqx.is_array), KEY)
    assert round(sum(leaf.size for leaf in jax.tree.leaves(arrays)) / 1e6, 2) == 28.18


@pytest.mark.slow
def test_branches_start_small_and_the_denoiser_from_its_skip():
    """Weights uniform in ±√(6/(fan in + fan out)), in queries, keys and values × √.2, last of a branch × 1e-5."""
    network = cnn_unet((8, 8, 3), channels=16, multipliers=(1, 2), attention_at=(4,), key=KEY)
    block = network.encoder[2]
    assert block.attention is not None
    bounds = [
        (block.inner.kernel, np.sqrt(6 / (9 * 48))),
        (block.shortcut.kernel, np.sqrt(6 / 48)),
        (block.bias.weight, np.sqrt(6 / 96)),
        (block.outer.kernel, 1e-5 * np.sqrt(6 / (9 * 64))),
        (block.attention.queries_keys_values.kernel, np.sqrt(0.2 * 6 / 128)),
        (block.attention.output.kernel, 1e-5 * np.sqrt(6 / 64)),
        (network.last.convolution.kernel, 1e-5 * np.sqrt(6 / (9 * 19))),
        (network.noise_map.inner.weight, np.sqrt(6 / 80)),
    ]
    for kernel, bound in bounds:
        scaled = np.asarray(kernel, float) / bound
        assert 0.95 < np.abs(scaled).max() <= 1 + 1e-6
        np.testing.assert_allclose(np.mean(scaled**2), 1 / 3, atol=5 * np.sqrt(4 / 45 / scaled.size))
    assert not np.any(block.inner.bias)
    whole = cnn_unet((8, 8, 3), channels=16, multipliers=(1, 2), attention_at=(4,), output_scale=1.0, key=KEY)
    kernels = (each.last.convolution.kernel for each in (whole, network))
    np.testing.assert_allclose(next(kernels), 1e5 * next(kernels), rtol=1e-5, atol=1e-6)
    denoiser, x = PreconditionedNetwork(network), jnp.asarray(_RNG.normal(size=(2, 192)), "float32")
    skip = EDMPreconditioning().scales(jnp.asarray(1.0), jnp.asarray(0.4)).skip
    np.testing.assert_allclose(CALL(denoiser, x, jnp.asarray(0.4)), skip * x, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cnn_unet((6, 8, 1), channels=4, multipliers=(1, 1, 1), key=KEY), "multiples of 4 for 3 levels; got 6"),
        (lambda: cnn_unet((4, 4, 1), channels=4, multipliers=(1, 0), key=KEY), "a multiplier must be a whole number"),
        (
            lambda: cnn_unet((4, 4, 1), channels=4, multipliers=(), key=KEY),
            "the number of levels must be a whole number",
        ),
        (lambda: cnn_unet((4, 4, 1), channels=4, multipliers=(1,), blocks=0, key=KEY), "blocks must be a whole number"),
        (lambda: cnn_resnet((4, 4, 1), channels=14, blocks=1, key=KEY), "equal groups; got 14"),
        (lambda: cnn_resnet((4, 4, 1), channels=2, blocks=1, key=KEY), "must be a whole number of 4 or more; got 2"),
        (lambda: cnn_resnet((4, 4), channels=4, blocks=1, key=KEY), r"\(height, width, channels\); got \(4, 4\)"),
        (lambda: cnn_resnet((4, 4.5, 1), channels=4, blocks=1, key=KEY), "a size of an image must be a whole number"),
        (
            lambda: cnn_unet((4, 4, 1), channels=4, multipliers=(1, 1), attention_at=(8,), key=KEY),
            r"attention_at must be some of the resolutions \[4, 2\]; got \[8\]",
        ),
        (lambda: convolution(KEY, 1, 1, taps=2), "taps must be odd; got 2"),
        (lambda: cnn_resnet((4, 4, 1), channels=8, blocks=0, key=KEY), "blocks must be a whole number"),
    ],
)
def test_sizes_that_are_none_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("shape", [(2, 48), (16, 1), (16,)])
def test_samples_that_are_no_such_images_are_refused(shape):
    network = cnn_unet((4, 4, 1), channels=4, multipliers=(1,), key=KEY)
    with pytest.raises(ValueError, match=r"images of shape \(4, 4, 1\) must be samples \(n, 16\); got shape"):
        network(jnp.zeros(shape), jnp.zeros(shape[0]))
