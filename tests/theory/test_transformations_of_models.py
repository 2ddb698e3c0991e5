"""Whole models as arguments of `jax.jit`, `jax.vmap` and `jax.grad`, and what is traced outside its domain."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    EDM,
    CosineSchedule,
    DeepLinear,
    FlowMatching,
    FullWidthConvolution,
    GaussianFeatures,
    LinearSchedule,
    LinearVKernel,
    NaiveVKernel,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    PointMasses,
    SigmoidSchedule,
    Spectrum,
    SymmetricTwoLayer,
    TwoLayer,
    VariancePreserving,
    emergence_time,
    fit_power_law,
    generated_variance,
    kl_divergence,
)

SPECTRUM = Spectrum.power_law(dimension=4, exponent=1.5, scale=10.0)
RING = [2.0, 1.0, 0.5, 0.5, 1.0]
DENOISERS = [
    *(build(SPECTRUM, EDM(), 0.1, 1.0) for build in (OneLayer, SymmetricTwoLayer)),
    OneLayerWithBias(SPECTRUM, EDM(0.1, 10.0), 0.1, 1.0),
    FullWidthConvolution.from_autocovariance(RING, EDM(), 0.1, 1.0),
    PatchConvolution.from_autocovariance(RING, 3, EDM(), 0.1, 1.0),
    OneLayer(SPECTRUM, FlowMatching(), 0.1, 1.0),
    OneLayer(SPECTRUM, VariancePreserving(CosineSchedule()), 0.1, 1.0),
]
# By quadrature as the last one, which takes seconds to compile.
OTHERS = [
    *(build(SPECTRUM, EDM(), 0.1, 1.0) for build in (TwoLayer, DeepLinear)),
    OneLayer(SPECTRUM, VariancePreserving(SigmoidSchedule()), 0.1, 1.0),
]
PLACE = jnp.asarray([[0.3], [-0.4]]), jnp.asarray([0.5, 0.6])


def divergence(denoiser):
    return kl_divergence(denoiser, 1.0)


def gains(denoiser):
    return jnp.sum(denoiser.gain(1.0, 0.5))


@pytest.mark.slow_cases("divergence-OneLayer0")
@pytest.mark.slow_cases(
    "divergence-OneLayer2", "divergence-OneLayerWithBias", "divergence-PatchConvolution", "gains-DeepLinear"
)
@pytest.mark.parametrize(
    ("question", "denoiser"),
    [
        *((divergence, denoiser) for denoiser in DENOISERS),
        *((gains, denoiser) for denoiser in OTHERS),
        *(pytest.param(divergence, denoiser, marks=pytest.mark.slow) for denoiser in OTHERS),
    ],
    ids=lambda argument: getattr(argument, "__name__", type(argument).__name__),
)
def test_a_denoiser_is_an_argument(question, denoiser):
    plain = question(denoiser)
    value, slopes = jax.jit(jax.value_and_grad(question))(denoiser)
    np.testing.assert_allclose(value, plain, rtol=1e-10)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((slopes.process, slopes.learning_rate)))


@pytest.mark.slow
def test_kernels_and_point_masses_are_arguments():
    data, process = PointMasses([[-1.0], [1.0]]), VariancePreserving()
    features = GaussianFeatures(1, 3, 2, positions=(-1.5, 1.5), times=(0.0, 1.0))
    kernel = LinearVKernel(data, process, features, draws=64, ridge=0.1)
    for model, ask in (
        (kernel, lambda kernel: kernel(PLACE, PLACE)),
        (NaiveVKernel(data, process, 0.1), lambda kernel: kernel.diffusion(*PLACE)),
        (data, lambda data: data.score(*PLACE, process)),
        (features, lambda features: features(*PLACE)),
    ):
        np.testing.assert_allclose(jax.jit(ask)(model), ask(model), rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_spectra_are_built_inside_transformations():
    exponents = jnp.asarray([1.0, 1.5])

    def times(exponent):
        return emergence_time(OneLayer(Spectrum.power_law(4, exponent, 10.0), EDM(), 0.1, 1.0))

    np.testing.assert_allclose(jax.vmap(times)(exponents), [times(x) for x in exponents], rtol=1e-10)
    variance, samples = jnp.asarray([3.0, 1.0]), jnp.asarray(np.random.default_rng(0).normal(size=(20, 3)))
    np.testing.assert_array_equal(jax.jit(Spectrum.from_variances)(variance).variance, variance)
    built, plain = jax.jit(Spectrum.from_samples)(samples), Spectrum.from_samples(samples)
    np.testing.assert_allclose(built.variance, plain.variance, rtol=1e-12)
    np.testing.assert_allclose(jnp.abs(built.basis.T @ plain.basis), np.eye(3), atol=1e-12)
    law = jax.jit(fit_power_law)(plain.variance, jnp.asarray([1.0, 2.0, 5.0]))
    np.testing.assert_allclose(law, fit_power_law(plain.variance, [1.0, 2.0, 5.0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("question", "outside"),
    [
        (lambda x: generated_variance(OneLayer(SPECTRUM, EDM(x), 0.1, 1.0), 1.0), -1.0),
        (lambda x: generated_variance(OneLayer(SPECTRUM, EDM(x, 2.0), 0.1, 1.0), 1.0), 3.0),
        (lambda x: VariancePreserving(end_time=x).log_ratio_range()[1], 2.0),
        (lambda x: VariancePreserving(LinearSchedule(x, 1.0)).signal_scale(0.5), 2.0),
        (lambda x: OneLayer(SPECTRUM, EDM(), 0.1, x).gain(1.0, 1.0), -1.0),
        (lambda x: DeepLinear(SPECTRUM, EDM(), x, 1.0).gain(1.0, 1.0), -1.0),
        (lambda x: Spectrum.from_variances(x * jnp.ones(2)).variance, -1.0),
        (lambda x: Spectrum.from_autocovariance(x * jnp.asarray(RING)).variance, -1.0),
        (lambda x: GaussianFeatures(1, 2, 2, positions=(x, 1.0), times=(0.0, 1.0))(*PLACE), 2.0),
    ],
)
def test_traced_numbers_outside_their_domain_are_nan_and_known_ones_a_sentence(question, outside):
    with pytest.raises(ValueError, match="must"):
        question(outside)
    assert np.isnan(jax.jit(question)(outside)).all()
    assert np.isnan(jax.vmap(question)(jnp.asarray([outside]))).all()


@pytest.mark.parametrize(
    "build",
    [
        functools.partial(DeepLinear, SPECTRUM, EDM(), 0.1, 1.0),
        functools.partial(Spectrum.power_law, exponent=1.0),
        lambda count: GaussianFeatures(1, count, 2, positions=(-1.0, 1.0), times=(0.0, 1.0)),
        lambda width: PatchConvolution.from_autocovariance(RING, width, EDM(), 0.1, 1.0),
    ],
)
def test_a_traced_integer_gets_a_sentence(build):
    with pytest.raises(TypeError, match="must be a Python integer"):
        jax.jit(build)(3)


def test_a_derivative_in_the_learning_rate_of_deep_networks_costs_little_more_than_the_value():
    def learned(learning_rate):
        return DeepLinear(SPECTRUM, EDM(), 0.1, learning_rate).gain(1.0, 1.0)

    def work(question):
        return jax.jit(question).lower(1.0).cost_analysis()["flops"]

    assert work(lambda rate: jax.jvp(learned, (rate,), (1.0,))) < 2 * work(learned)
