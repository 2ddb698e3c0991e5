"""Every public name of `theory` as a function of one number x, which enters wherever it may: 0.2 < x < 0.8.

A class is asked a question, so that what its constructor and its methods do with a traced number is seen. A new public
name is one more row here.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theory import (
    EDM,
    CellMasses,
    CosineSchedule,
    DeepLinear,
    FeatureSum,
    FlowMatching,
    FourierFeatures,
    FullWidthConvolution,
    GaussianFeatures,
    GaussianMixture,
    HeavyBall,
    LazyVKernel,
    LinearSchedule,
    LinearVKernel,
    MisalignedTwoLayer,
    NaiveVKernel,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    PointMasses,
    SigmoidSchedule,
    Spectrum,
    StableCovariance,
    SymmetricTwoLayer,
    TwoLayer,
    VariancePreserving,
    action_gradient,
    alignment,
    effective_ridge,
    emergence_level,
    emergence_time,
    equivalent_feature_moments,
    expected_gain_over_data,
    expected_generated_variance_over_data,
    expected_loss_over_data,
    feature_coefficients,
    feature_edges,
    feature_eigenvalue_density,
    feature_eigenvalue_distribution,
    feature_losses,
    first_order_expectation,
    first_order_fokker_planck,
    fit_power_law,
    fokker_planck,
    gain_variance_over_data,
    gaussian_cells,
    gaussian_cells_ending_at,
    gaussian_information,
    generalisation_time,
    generated_covariance,
    generated_mean,
    generated_variance,
    generated_variance_by_quadrature,
    generated_variance_on_schedule,
    kl_divergence,
    linear_flow_covariance,
    local_exponents,
    memorisation_time,
    mixed_score_target,
    msr_exponent,
    msr_gradient,
    noise_level_of_information,
    one_layer_v_kernel,
    optimal_schedule,
    path_action,
    population_feature_moments,
    preconditioned_exponents,
    raw_exponents,
    reference_nats,
    reference_target,
    reverse_kl_divergence,
    rises,
    sample_effective_sde,
    sample_gaussian_field_ode,
    sampled_target_variance,
    score_drift,
    semiclassical_paths,
    solve_effective_sde,
    stable_target,
    stable_target_log_tilt,
    target_variance,
    wasserstein2,
    weight_emergence_time,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)
from theory.definitions.weights import LogNormalDensity

Question = Callable[[Any], Any]

ABSTRACT = {"AbstractDenoiser", "AbstractProcess", "AbstractWhiteKernel"}
RESULTS = {  # what a function in the table returns
    "PowerLaw",
    "DrawVariance",
    "OneLayerVKernel",
    "BranchExponents",
    "FeatureCoefficients",
    "FeatureEdges",
    "FeatureLosses",
    "FeatureMoments",
}

_SPECTRUM = Spectrum(jnp.asarray([0.3, 0.0, -0.2]), jnp.asarray([2.0, 0.7, 0.1]))
_POINTS = np.asarray([[-1.0], [1.0], [1.5]])
_DATA, _VP = PointMasses(_POINTS), VariancePreserving(end_time=0.05)
_X = jnp.asarray([[0.2], [-0.7], [1.1]])
_TIMES = jnp.linspace(0.9, 0.3, 4)
_EDGES = jnp.linspace(-2.0, 2.0, 6)
_FEATURE_SIZES = (5, 2), (7, 2), (5, 7)


def _one_layer(x) -> OneLayer:
    return OneLayer(_SPECTRUM, EDM(0.1 * x, 20 * x), 0.1 * x, x)


def _pinned(x) -> OneLayer:
    """For formulas over finite data, with a range of noise that is quick to go through."""
    return OneLayer(_SPECTRUM, EDM(0.5 * x, 5.0), 0.1 * x, x)


def _learned(build: Callable[..., Any], **options: Any) -> Question:
    """What a parametrisation has learned: gains and the variance that it generates."""

    def question(x) -> Any:
        denoiser = build(_SPECTRUM, EDM(0.2 * x, 5.0), 0.1 * x, x, **options)
        return denoiser.gain(x, 0.5), denoiser.generated_variance(x)

    return question


def _convolution(build: Callable[..., Any]) -> Question:
    def question(x) -> Any:
        denoiser = build(jnp.asarray([2.0, 1.0, 0.5, 0.5, 1.0]) * x, EDM(0.2 * x, 5.0), 0.1 * x, x)
        return denoiser.gain(x, 0.5), denoiser.generated_variance(x)

    return question


def _at_scales(process: Callable[[Any], Any]) -> Question:
    def question(x) -> Any:
        made = process(x)
        time = made.time_from_log_snr(-x)
        ends = *made.log_ratio_range(), made.initial_log_variance()
        return made.signal_scale(x), made.noise_scale(x), made.diffusion_coefficient(x), time, ends

    return question


def _features(build: Callable[..., Any]) -> Question:
    return lambda x: build(1, 3, 2, positions=(-1.5 - x, 1.5), times=(0.0, 1.0 + x))(_X, _X[:, 0] ** 2 * x)


def _kernel(build: Callable[..., Any], **options: Any) -> Question:
    features = GaussianFeatures(1, 3, 2, positions=(-1.5, 1.5), times=(0.0, 1.0))

    def question(x) -> Any:
        data, process = PointMasses(_POINTS * (1 + x)), VariancePreserving(end_time=0.1 * x)
        kernel = build(data, process, features, draws=100 * x, **{name: value * x for name, value in options.items()})
        return kernel((_X, x), (_X, 0.5)), kernel.mean_score((_X, x))

    return question


def _naive(x) -> NaiveVKernel:
    return NaiveVKernel(_DATA, _VP, 0.1 * x)


def _drift(place, time):
    return _VP.probability_flow(place, _DATA.score(place, time, _VP), time)


def _path(x):
    return jnp.linspace(1.0, x, 4)[:, None] ** 2


def _exact_drift(x):
    data, process = PointMasses(_POINTS * x), VariancePreserving(end_time=0.1 * x)
    return score_drift(lambda z: data.score(*z, process), process)(_X, x)


def _coefficients(x):
    return feature_coefficients(Spectrum.from_variances(jnp.asarray([1.0, 0.5]) + x), 1 - 0.1 * x, x)


def _moments(x):
    weights, points, scatter = (jnp.sin(jnp.arange(1.0, 1 + n * k).reshape(n, k) ** 2) for n, k in _FEATURE_SIZES)
    return equivalent_feature_moments(_coefficients(x), weights + x, points - x, scatter)


def _of_features(question):
    return lambda x: question(_coefficients(x), Spectrum.from_variances(jnp.asarray([1.0, 0.5]) + x), 20 + x, 4 + x)


CASES: dict[str, Question] = {
    "EDM": _at_scales(lambda x: EDM(0.1 * x, 10 * x)),
    "VariancePreserving": _at_scales(lambda x: VariancePreserving(end_time=0.1 * x, start_time=1 - 0.1 * x)),
    "FlowMatching": _at_scales(lambda x: FlowMatching()),
    "LinearSchedule": _at_scales(lambda x: VariancePreserving(LinearSchedule(x, 10 * x))),
    "CosineSchedule": _at_scales(lambda x: VariancePreserving(CosineSchedule(0.1 * x))),
    "SigmoidSchedule": _at_scales(lambda x: VariancePreserving(SigmoidSchedule(-4 * x, 5 * x))),
    "Spectrum": lambda x: (
        Spectrum.power_law(4, x, 2 * x),
        Spectrum.log_normal(4, x, 1 + x),
        Spectrum.from_variances(x * jnp.asarray([2.0, 1.0])),
        Spectrum.from_samples(jnp.sin(x * jnp.arange(1, 13) ** 2).reshape(6, 2)).variance,
        Spectrum.from_autocovariance(x * jnp.asarray([2.0, 1.0, 0.5, 1.0])),
    ),
    "GaussianMixture": lambda x: [
        getattr(GaussianMixture(_POINTS * x, 0.1 * x), name)(_X, x, EDM())
        for name in ("posterior", "log_density", "denoised", "score", "posterior_covariance", "proxy_covariance")
    ],
    "PointMasses": lambda x: [
        getattr(PointMasses(_POINTS * x), name)(_X, x, EDM())
        for name in ("posterior", "log_density", "denoised", "score", "proxy_covariance", "boundary_fraction")
    ],
    "GaussianFeatures": _features(GaussianFeatures),
    "FourierFeatures": _features(FourierFeatures),
    "FeatureSum": _features(
        lambda *sizes, **ranges: FeatureSum(GaussianFeatures(*sizes, **ranges), FourierFeatures(*sizes, **ranges))
    ),
    "OneLayer": _learned(OneLayer),
    "OneLayerWithBias": _learned(OneLayerWithBias),
    "SymmetricTwoLayer": _learned(SymmetricTwoLayer),
    "TwoLayer": _learned(TwoLayer, imbalance=0.2),
    "DeepLinear": _learned(DeepLinear, depth=3),
    "HeavyBall": lambda x: _learned(HeavyBall, damping=x)(x),
    "MisalignedTwoLayer": _learned(
        lambda spectrum, process, gain, rate: MisalignedTwoLayer(
            spectrum, process, gain * (jnp.eye(3) + 0.1 * jnp.ones((3, 3))), rate
        )
    ),
    "FullWidthConvolution": _convolution(FullWidthConvolution.from_autocovariance),
    "PatchConvolution": _convolution(lambda acf, *rest: PatchConvolution.from_autocovariance(acf, 3, *rest)),
    "generated_variance": lambda x: generated_variance(_one_layer(x), x),
    "generated_variance_by_quadrature": lambda x: generated_variance_by_quadrature(_one_layer(x), x),
    "generated_variance_on_schedule": lambda x: generated_variance_on_schedule(_one_layer(x), x, 5 * _TIMES * x),
    "generated_covariance": lambda x: generated_covariance(_one_layer(x), x),
    "generated_mean": lambda x: generated_mean(_one_layer(x), x),
    "kl_divergence": lambda x: kl_divergence(_one_layer(x), x),
    "reverse_kl_divergence": lambda x: reverse_kl_divergence(_one_layer(x), x),
    "wasserstein2": lambda x: wasserstein2(_one_layer(x), x),
    "alignment": lambda x: alignment(OneLayerWithBias(_SPECTRUM, EDM(0.5, 5.0), 0.1 * x, x), x),
    "emergence_level": lambda x: emergence_level(_one_layer(x), fraction=x),
    "emergence_time": lambda x: emergence_time(_one_layer(x), fraction=x),
    "weight_emergence_time": lambda x: weight_emergence_time(_one_layer(x), x),
    "preconditioned_exponents": lambda x: tuple(preconditioned_exponents(x, 1.5 * x)),
    "raw_exponents": lambda x: tuple(raw_exponents(x, -x)),
    "local_exponents": lambda x: local_exponents(_SPECTRUM.variance * x, x, LogNormalDensity(-x, 1 + x), 2 * x),
    "optimal_schedule": lambda x: optimal_schedule(
        Spectrum.from_variances(_SPECTRUM.variance * x), 3, gain=_one_layer(x).gain, tau=x, sigma_max=20 * x
    ),
    "rises": lambda x: rises(_one_layer(x)),
    "fit_power_law": lambda x: tuple(fit_power_law(_SPECTRUM.variance * x, jnp.asarray([1.0, 2.0 * x, 9.0]))),
    "effective_ridge": lambda x: effective_ridge(_SPECTRUM.variance * x, 10 * x, x),
    "expected_gain_over_data": lambda x: expected_gain_over_data(_pinned(x), x, x, 20 * x),
    "gain_variance_over_data": lambda x: gain_variance_over_data(_pinned(x), x, x, 20 * x),
    "expected_loss_over_data": lambda x: expected_loss_over_data(_pinned(x), x, x, 20 * x),
    "expected_generated_variance_over_data": lambda x: expected_generated_variance_over_data(_pinned(x), x, 20 * x),
    "feature_coefficients": lambda x: tuple(_coefficients(x)),
    "equivalent_feature_moments": lambda x: tuple(_moments(x)),
    "population_feature_moments": lambda x: tuple(
        population_feature_moments(
            _coefficients(x), jnp.arange(6.0).reshape(3, 2) * x, Spectrum.from_variances(jnp.asarray([2.0, 1.0]) * x)
        )
    ),
    "feature_losses": lambda x: tuple(
        feature_losses(
            _moments(x),
            population_feature_moments(
                _coefficients(x), jnp.arange(10.0).reshape(5, 2) * x, Spectrum.from_variances(jnp.asarray([2.0, x]))
            ),
            x,
            10 * _TIMES * x,
        )
    ),
    "feature_eigenvalue_density": _of_features(lambda *args: feature_eigenvalue_density(*args[:2], 0.3, *args[2:])),
    "feature_eigenvalue_distribution": _of_features(
        lambda *args: feature_eigenvalue_distribution(*args[:2], 0.3, *args[2:])
    ),
    "feature_edges": _of_features(lambda *args: tuple(feature_edges(*args))),
    "memorisation_time": _of_features(memorisation_time),
    "generalisation_time": _of_features(generalisation_time),
    "weight_variance_over_draws": lambda x: weight_variance_over_draws(_one_layer(x), x, x, 20 * x).total,
    "weight_variance_of_shared_data": lambda x: weight_variance_of_shared_data(
        _one_layer(x), x, x, data=20 * x, noises=3.0
    ),
    "weight_variance_of_least_squares": lambda x: weight_variance_of_least_squares(_one_layer(x), x, 50 * x),
    "weight_mean_over_draws": lambda x: weight_mean_over_draws(_one_layer(x), x, x, 20 * x),
    "weight_variance_at_ratio": lambda x: weight_variance_at_ratio(_one_layer(x), x, x, 20 * x).total,
    "one_layer_v_kernel": lambda x: one_layer_v_kernel(_one_layer(x), x, x, 20 * x)(
        jnp.ones((2, 3)), jnp.arange(6.0).reshape(2, 3)
    ),
    # Derivatives at the leverage of every sample are tested where its fixed point is.
    "LinearVKernel": _kernel(functools.partial(LinearVKernel, order="deterministic_equivalent"), ridge=0.1),
    "LazyVKernel": _kernel(LazyVKernel, tau=3.0),
    "NaiveVKernel": lambda x: (
        _naive(x).diffusion(_X, x),
        _naive(x).diffusion_root(_X, x),
        _naive(x).mean_drift(_X, x),
    ),
    "score_drift": _exact_drift,
    "stable_target": lambda x: stable_target(_X * x, _X, x, EDM(), jnp.multiply.outer(_X[:, 0], jnp.ones((2, 1)) * x)),
    "reference_target": lambda x: reference_target(_X, x, EDM(), jnp.multiply.outer(_X[:, 0], jnp.ones((2, 1)) * x)),
    "mixed_score_target": lambda x: mixed_score_target(_X * x, _X, x, EDM(), _X, 0.5 * x),
    "target_variance": lambda x: target_variance(
        PointMasses(_POINTS * x), VariancePreserving(end_time=0.1 * x), x, 2, replace=True
    ),
    "sampled_target_variance": lambda x: sampled_target_variance(
        PointMasses(_POINTS * x), EDM(), x, 2, draws=4, key=jax.random.key(0)
    ),
    "StableCovariance": lambda x: StableCovariance(PointMasses(_POINTS * x), EDM(), 2)(_X, x * jnp.ones(len(_X))),
    "stable_target_log_tilt": lambda x: stable_target_log_tilt(
        GaussianMixture(jnp.asarray([[-1.0], [1.0]]) * x, 0.1 * x), EDM(), x
    ),
    "reference_nats": lambda x: reference_nats(5, 2, replace=True) * x,
    "gaussian_information": lambda x: gaussian_information(Spectrum.from_variances(_SPECTRUM.variance * x), EDM(), x),
    "noise_level_of_information": lambda x: noise_level_of_information(
        Spectrum.from_variances(_SPECTRUM.variance * x), x
    ),
    "path_action": lambda x: path_action(_path(x), _TIMES * x, _drift, _naive(x)),
    "action_gradient": lambda x: action_gradient(_path(x), _TIMES * x, _drift, _naive(x)),
    "msr_exponent": lambda x: jnp.abs(msr_exponent(_path(x), 0.1 * _path(x)[1:], _TIMES * x, _drift, _naive(x))),
    "msr_gradient": lambda x: jax.tree.map(
        jnp.abs, msr_gradient(_path(x), 0.1 * _path(x)[1:], _TIMES * x, _drift, _naive(x))
    ),
    "CellMasses": lambda x: CellMasses(_EDGES * x, jnp.diff(_EDGES) ** 2 * x).mass_between(-x, 0.7 * x),
    "gaussian_cells": lambda x: gaussian_cells(_EDGES * x, x).density,
    "gaussian_cells_ending_at": lambda x: gaussian_cells_ending_at(_EDGES * x, x, _drift, _TIMES * x).density,
    "sample_effective_sde": lambda x: sample_effective_sde(_naive(x), _drift, _X * x, _TIMES, key=jax.random.key(0)),
    "solve_effective_sde": lambda x: solve_effective_sde(_naive(x), _drift, _X * x, _TIMES, key=jax.random.key(0)),
    "sample_gaussian_field_ode": lambda x: sample_gaussian_field_ode(
        jnp.asarray([0.5, 1.0]) * x, lambda weight, place, time: weight * place * time, _X, _TIMES * x
    ),
    "fokker_planck": lambda x: fokker_planck(_naive(x), _drift, gaussian_cells(_EDGES, x), _TIMES).mass,
    "first_order_fokker_planck": lambda x: (
        first_order_fokker_planck(_naive(x), _drift, gaussian_cells(_EDGES, x), _TIMES)[1].mass
    ),
    "linear_flow_covariance": lambda x: linear_flow_covariance(
        _naive(x), lambda place, time: place * x * time, jnp.eye(1) * x, _TIMES
    ),
    "first_order_expectation": lambda x: first_order_expectation(
        lambda place: jnp.sum(place**2), _naive(x), _drift, _X * x, jnp.ones(3) / 3, _TIMES
    ),
    "semiclassical_paths": lambda x: semiclassical_paths(_naive(x), _drift, _X * x, _TIMES),
}
