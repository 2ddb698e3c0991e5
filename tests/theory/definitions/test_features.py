"""Feature families against SciPy, and the quick contraction against the explicit sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from theory import FourierFeatures, GaussianFeatures
from theory.definitions.feature_families import FourierFamily, GaussianFamily

INTERVALS = {"positions": (-1.5, 1.5), "times": (0.0, 1.0)}
POSITIONS = np.concatenate([np.linspace(-1.6, 1.6, 17), [-1e4, -30.0, -5.0, 4.0, 8.0, 1e6, 1e300]])


@pytest.mark.parametrize("count", [2, 3, 16])
def test_gaussian_family_is_a_row_of_normal_densities(count):
    family = GaussianFamily(-1.5, 1.0, count)
    spacing = 2.5 / (count - 1)
    density = scipy.stats.norm(np.linspace(-1.5, 1.0, count), spacing / 2).pdf(POSITIONS[:-1, None])
    np.testing.assert_allclose(family(jnp.asarray(POSITIONS[:-1])), density, rtol=1e-11, atol=1e-250)
    assert family.number == count
    np.testing.assert_allclose(family.spacing, spacing)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_fourier_family_takes_the_lowest_orders_cosine_first(count):
    family, u = FourierFamily(-1.0, 3.0, count), np.linspace(-1, 3, 9)
    phase = 2 * np.pi * u / 4
    order = [np.ones(9), *(f(k * phase) for k in (1, 2, 3) for f in (np.cos, np.sin))][:count]
    values = np.asarray(family(jnp.asarray(u))).T
    assert len(values) == family.number == count
    cosines = 1 + count // 2
    expected = [order[0], *order[1::2], *order[2::2]]
    assert len(order[1::2]) == cosines - 1
    np.testing.assert_allclose(values, expected, atol=1e-14)


@pytest.mark.parametrize(
    ("family", "dtype"),
    [
        (GaussianFamily(-1.5, 1.5, 2), "float64"),
        (GaussianFamily(-1.5, 1.5, 7), "float64"),
        (GaussianFamily(-1.5, 1.5, 24), "float64"),
        (GaussianFamily(-1.5, 1.5, 25), "float64"),
        (GaussianFamily(-1.5, 1.5, 24), "float32"),
        (FourierFamily(-1.5, 1.5, 6), "float64"),
    ],
    ids=str,
)
def test_family_contraction_equals_the_explicit_sum(family, dtype):
    coefficients = np.random.default_rng(0).normal(size=family.number)
    u = jnp.asarray(POSITIONS[:-1], dtype)
    values = jax.jit(family)(u)
    expected = values @ jnp.asarray(coefficients, dtype)
    actual = jax.jit(family.combine)(jnp.asarray(coefficients, dtype), u)
    assert actual.dtype == dtype
    scale = np.abs(values).max() * np.abs(coefficients).sum()
    np.testing.assert_allclose(actual, expected, rtol=0, atol={"float32": 1e-5, "float64": 1e-14}[dtype] * scale)


def test_contraction_of_a_gaussian_family_keeps_small_sums_relatively_accurate():
    """Between the centres and a few widths outside, where positive coefficients cannot cancel."""
    family, u = GaussianFamily(-1.5, 1.5, 16), jnp.linspace(-2.5, 2.5, 101)
    coefficients = jnp.asarray(np.random.default_rng(0).uniform(0.5, 1, 16))
    np.testing.assert_allclose(jax.jit(family.combine)(coefficients, u), family(u) @ coefficients, rtol=1e-12)


@pytest.mark.parametrize(
    ("build", "dimension", "dtype"),
    [
        (GaussianFeatures, 1, "float64"),
        (GaussianFeatures, 2, "float64"),
        (GaussianFeatures, 3, "float64"),
        (GaussianFeatures, 2, "float32"),
        (FourierFeatures, 2, "float64"),
    ],
)
def test_model_contraction_equals_the_explicit_sum(build, dimension, dtype):
    features = build(dimension, 5, 4, **INTERVALS)
    rng = np.random.default_rng(dimension)
    x = rng.uniform(-1.5, 1.5, (9, dimension))
    x[:3] = [[-1e4] * dimension, [7.0] * dimension, [0.1] * (dimension - 1) + [30.0]]
    weights = jnp.asarray(rng.normal(size=(2, features.number)), dtype)
    x, t = jnp.asarray(x, dtype), jnp.asarray(0.37, dtype)
    values = jax.jit(features)(x, t)
    expected = values @ weights.T
    actual = jax.jit(features.combine)(weights, x, t)
    assert actual.dtype == dtype
    scale = np.abs(values).sum(axis=1).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol={"float32": 1e-5, "float64": 1e-14}[dtype] * scale)


@pytest.mark.parametrize("build", [GaussianFeatures, FourierFeatures])
def test_features_are_products_time_running_fastest(build):
    features = build(2, 3, 4, **INTERVALS)
    x, t = np.random.default_rng(0).uniform(-1, 1, (5, 2)), np.linspace(0.1, 0.9, 5)
    first, second = (features.axes[0](jnp.asarray(x[:, axis])) for axis in (0, 1))
    expected = np.einsum("ni,nj,nk->nijk", first, second, features.time(jnp.asarray(t))).reshape(5, -1)
    actual = features(jnp.asarray(x), jnp.asarray(t))
    assert features.number == expected.shape[1] == 36
    np.testing.assert_allclose(actual, expected, rtol=1e-14)
    np.testing.assert_allclose(features(jnp.asarray(x[0]), jnp.asarray(t[0])), expected[0], rtol=1e-14)
    np.testing.assert_allclose(
        np.einsum("ni,nk->nik", features.of_position(jnp.asarray(x)), features.of_time(jnp.asarray(t))).reshape(5, -1),
        expected,
        rtol=1e-14,
    )


def test_contraction_has_the_derivative_of_the_sum():
    family, coefficients = GaussianFamily(-1.5, 1.5, 16), jnp.asarray(np.random.default_rng(0).normal(size=16))
    u = jnp.asarray([-1.4, 0.03, 0.9, 1.8])
    slope = jax.jit(jax.vmap(jax.grad(lambda v: family.combine(coefficients, v))))(u)
    exact = jax.vmap(jax.grad(lambda v: family(v) @ coefficients))(u)
    np.testing.assert_allclose(slope, exact, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GaussianFamily(1.0, 1.0, 3), "low < high; got low=1.0, high=1.0"),
        (lambda: GaussianFamily(0.0, np.nan, 3), "low < high"),
        (lambda: GaussianFamily(0.0, 1.0, 1), "centres of a Gaussian family must be a whole number.*; got"),
        (lambda: FourierFamily(2.0, 1.0, 3), "low < high; got low=2.0"),
        (lambda: FourierFamily(0.0, 1.0, 0), "functions of a Fourier family must be a whole number.*; got"),
        (lambda: GaussianFeatures(0, 3, 3, **INTERVALS), "dimension of features must be a whole number.*; got"),
        (lambda: FourierFeatures(0, 3, 3, **INTERVALS), "dimension of features must be a whole number.*; got"),
    ],
)
def test_arguments_that_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("family", [GaussianFeatures, FourierFeatures])
@pytest.mark.parametrize("dimension", [1, 2])
def test_positions_of_another_dimension_are_refused(family, dimension):
    """Traced or not, one coordinate too many or too few."""
    features, time = family(dimension, 3, 3, **INTERVALS), jnp.full(4, 0.5)
    weights, message = jnp.ones((1, features.number)), f"must have {dimension} coordinates; got shape"
    calls = [
        features,
        features.gram,
        lambda x, _: features.of_position(x),
        lambda x, time: features.combine(weights, x, time[0]),
    ]
    for call in calls:
        for transformed in (call, jax.jit(call), jax.vmap(lambda x, time, call=call: call(x[None], time[None]))):
            for other in (0, dimension - 1, dimension + 1):
                with pytest.raises(ValueError, match=message):
                    transformed(jnp.ones((4, other)), time)
