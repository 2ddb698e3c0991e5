"""Finite data: equivalents of random matrices, and covariances of weights over training sets."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import (
    MODES,
    between,
    decades,
    initial_gains,
    noise_levels,
    spectrum,
    training_times,
    variances,
)
from tests.theory.precision.rows import LARGEST, LARGEST_OVER_ONE, OF_MATRIX, OVER_ONE, Refusal, Row
from theory import (
    EDM,
    OneLayer,
    effective_ridge,
    equivalent_feature_moments,
    expected_gain_over_data,
    expected_generated_variance_over_data,
    expected_loss_over_data,
    feature_coefficients,
    feature_edges,
    feature_eigenvalue_density,
    feature_eigenvalue_distribution,
    feature_losses,
    gain_variance_over_data,
    generalisation_time,
    memorisation_time,
    one_layer_v_kernel,
    population_feature_moments,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)

_RIDGES = 3


def _network(variance, initial) -> OneLayer:
    return OneLayer(spectrum(variance), EDM(), initial, 1.0)


def _exact_ridge(eigenvalues, samples, ridge) -> np.ndarray:
    """The positive root of κ - l = (κ/n) Σ_k λ_k/(λ_k + κ), by bisection of its logarithm."""

    def root(bare) -> float:
        present = [mpmath.mpf(float(value)) for value in eigenvalues if value > 0]
        if bare == 0 and len(present) <= samples:
            return 0.0

        def excess(kappa):
            return 1 - bare / kappa - sum(value / (value + kappa) for value in present) / int(samples)

        low, high = mpmath.mpf(2) ** -200, bare + sum(present) / int(samples) + 1
        while high / low - 1 > mpmath.mpf(10) ** -25:
            middle = mpmath.sqrt(low * high)
            low, high = (middle, high) if excess(middle) < 0 else (low, middle)
        return float(low)

    with mpmath.workdps(40):
        return np.array([root(mpmath.mpf(float(each))) for each in ridge])


def _complex_ridge(eigenvalues, samples, size, phase):
    return effective_ridge(eigenvalues, samples, jax.lax.complex(size * jnp.cos(phase), size * jnp.sin(phase)))


def _covariances(variance, initial, tau, level, draws) -> tuple:
    network, at = _network(variance, initial), (tau[:, None], level[None])
    return (
        weight_variance_over_draws(network, *at, draws).total,
        weight_variance_of_shared_data(network, *at, data=draws, noises=3.0),
        weight_variance_of_shared_data(network, *at, data=draws, noises=jnp.inf),
        weight_variance_of_least_squares(network, level, draws + MODES + 1),
    )


def _kernel(variance, initial, tau, level, draws, x):
    """Of two places and of each with itself: between places what is left may be small beside both."""
    kernel = one_layer_v_kernel(_network(variance, initial), tau, level, draws)
    return jnp.stack([kernel(x[0], x[1]), kernel(x[0], x[0]), kernel(x[1], x[1])])


_EIGENVALUES, _SAMPLES = decades(1e-6, 1e4, MODES, (0.0,)), st.integers(1, 40).map(np.float32)
_NETWORKS = "networks, 1 to 1e6 draws"
# At Q = 1 the first order in τ of what shared data do cancels.
_GAINS = decades(1e-6, 0.9, MODES, (0.0,))
_BY_CONTOURS = (
    weight_mean_over_draws,
    weight_variance_at_ratio,
    expected_gain_over_data,
    gain_variance_over_data,
    expected_loss_over_data,
)


def _ask(question: Callable, *at: float):
    return question(_network(jnp.asarray([2.0, 0.1]), 0.5), *at)


def _coefficients(variance, alpha, sigma):
    return feature_coefficients(spectrum(variance), alpha, sigma)


def _feature_moments(variance, alpha, sigma, weights, points, scatter):
    found = _coefficients(variance, alpha, sigma)
    own = equivalent_feature_moments(found, weights, points, scatter)
    return own, population_feature_moments(found, weights, spectrum(variance))


def _feature_losses(variance, alpha, sigma, weights, points, scatter, tau):
    moments = _feature_moments(variance, alpha, sigma, weights, points, scatter)
    return feature_losses(*moments, sigma, tau)


def _ask_features(question: Callable, *at: float):
    data = spectrum(jnp.asarray([2.0, 0.5]))
    return question(feature_coefficients(data, 0.9, 0.4), data, *at)


ROWS = [
    Row(
        ("effective_ridge",),
        "λ 0 and 1e-6 to 1e4, n 1 to 40, ridge 0 and 1e-6 to 1e3",
        st.tuples(_EIGENVALUES, _SAMPLES, decades(1e-6, 1e3, _RIDGES, (0.0,))),
        effective_ridge,
        1e-5,
        1e-13,
        _exact_ridge,
    ),
    Row(
        ("effective_ridge",),
        "the same, complex ridge of size 1e-3 to 1e3 and phase 0.1 to 3",
        st.tuples(_EIGENVALUES, _SAMPLES, decades(1e-3, 1e3, _RIDGES), between(0.1, 3.0, _RIDGES)),
        _complex_ridge,
        1e-5,
    ),
    Row(
        ("weight_variance_over_draws", "weight_variance_of_shared_data", "weight_variance_of_least_squares"),
        _NETWORKS + ", Q to 0.9",
        st.tuples(variances(), _GAINS, training_times(), noise_levels(), decades(1.0, 1e6)),
        _covariances,
        1e-4,
        measure=OF_MATRIX,
    ),
    Row(
        ("one_layer_v_kernel", "OneLayerVKernel.__call__"),
        _NETWORKS + ", two places and each with itself, x within 3",
        st.tuples(
            variances(),
            initial_gains(),
            training_times(()),
            noise_levels(()),
            decades(1.0, 1e6),
            between(-3.0, 3.0, (2, MODES)),
        ),
        _kernel,
        1e-4,
        measure=LARGEST,
    ),
    Row(
        ("feature_coefficients",),
        "tanh; three variances 0.1 to 4, scales α 0.1 to 1 and σ 0.1 to 2",
        st.tuples(between(0.1, 4.0, 3), between(0.1, 1.0), between(0.1, 2.0)),
        lambda *arguments: tuple(_coefficients(*arguments)),
        1e-5,
        measure=OVER_ONE,
    ),
    Row(
        ("equivalent_feature_moments", "population_feature_moments"),
        "the same, 4 weights, 5 points and scatter within 3",
        st.tuples(
            between(0.1, 4.0, 3),
            between(0.1, 1.0),
            between(0.1, 2.0),
            between(-3.0, 3.0, (4, 3)),
            between(-3.0, 3.0, (5, 3)),
            between(-3.0, 3.0, (4, 5)),
        ),
        _feature_moments,
        1e-5,
        measure=LARGEST_OVER_ONE,
    ),
    Row(
        ("feature_losses",),
        "the same, τ 0 to 100; relative to what is learned, 1 at least",
        st.tuples(
            between(0.1, 4.0, 3),
            between(0.1, 1.0),
            between(0.1, 2.0),
            between(-3.0, 3.0, (4, 3)),
            between(-3.0, 3.0, (5, 3)),
            between(-3.0, 3.0, (4, 5)),
            between(0.0, 100.0, 3),
        ),
        _feature_losses,
        1e-3,
        measure=LARGEST_OVER_ONE,
    ),
    Refusal(
        (
            "feature_eigenvalue_density",
            "feature_eigenvalue_distribution",
            "feature_edges",
            "memorisation_time",
            "generalisation_time",
        ),
        "a point closely above the real axis",
        (
            *(
                functools.partial(_ask_features, question, 0.2, 9.0, 3.0)
                for question in (feature_eigenvalue_density, feature_eigenvalue_distribution)
            ),
            *(
                functools.partial(_ask_features, question, 9.0, 3.0)
                for question in (feature_edges, memorisation_time, generalisation_time)
            ),
        ),
    ),
    Refusal(
        (*(question.__name__ for question in _BY_CONTOURS), "expected_generated_variance_over_data"),
        "contour integrals",
        (
            *(functools.partial(_ask, question, 0.5, 1.0, 12.0) for question in _BY_CONTOURS),
            functools.partial(_ask, expected_generated_variance_over_data, 0.5, 12.0),
        ),
    ),
]

EXACT = {
    "the sum of its two parts": ("DrawVariance.total",),
    "what is left of an activation, by `feature_coefficients`": ("FeatureCoefficients",),
    "the moments of features": ("FeatureMoments",),
    "the two losses of `feature_losses`": ("FeatureLosses",),
    "the two edges of `feature_edges`": ("FeatureEdges",),
}
