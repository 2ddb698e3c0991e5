"""Spectra of data, and features of positions and times."""

import jax.numpy as jnp
import mpmath
import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import MODES, Numbers, bases, between, decades, named, variances
from tests.theory.precision.rows import LARGEST, Row, pointwise
from theory import FeatureSum, FourierFeatures, GaussianFeatures, Spectrum
from theory.definitions.spectra import patch_covariance, shift_average, stationary_autocovariance

RING, _DIMENSION = 8, 12
_NORMAL = np.random.default_rng(0).standard_normal((40, 3))
_ORDER = np.arange(1.0, _DIMENSION + 1)
_OFFSETS = np.minimum(np.arange(RING), RING - np.arange(RING))


def autocovariance(variance: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Variance times a power of the distance on a ring, whose spectrum is positive."""
    return (variance * decay**_OFFSETS).astype(np.float32)


AUTOCOVARIANCES: Numbers = st.builds(autocovariance, decades(1e-3, 1e3), between(0.0, 0.97))


def _normal_quantile(p: mpmath.mpf) -> mpmath.mpf:
    return mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1)


def _samples(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    return (mean + deviation * _NORMAL).astype(np.float32)


def _moments(samples) -> tuple:
    spectrum = Spectrum.from_samples(samples)
    return spectrum.mean, spectrum.variance, spectrum.matrix(spectrum.variance)


def _turned(variance, mean, basis, coordinates) -> tuple:
    spectrum = Spectrum(mean, variance, basis)
    return (
        spectrum.mode_mean,
        spectrum.to_modes(coordinates),
        spectrum.from_modes(coordinates),
        spectrum.matrix(variance),
    )


def _averages(variance, decay, samples) -> tuple:
    r = variance * decay ** jnp.asarray(_OFFSETS, decay.dtype)
    covariance = r[(np.arange(RING)[:, None] - np.arange(RING)[None]) % RING]
    return stationary_autocovariance(samples), shift_average(covariance, RING), patch_covariance(r, 3)


def _features(features) -> list:
    """Two sets of features of two coordinates and time, and both side by side."""
    made = [kind(2, 5, 4, positions=(-1.5, 1.5), times=(0.0, 1.0)) for kind in (GaussianFeatures, FourierFeatures)]
    return features([*made, FeatureSum(*made)])


def _names(*questions: str) -> tuple[str, ...]:
    classes = "GaussianFeatures", "FourierFeatures", "FeatureSum"
    return tuple(f"{name}.{question}" for name in classes for question in questions)


_X, _T = between(-2.0, 2.0, (3, 2)), between(0.0, 1.0, 3)

ROWS = [
    Row(
        ("Spectrum.power_law",),
        "12 modes, exponent 0 to 4, scale 1e-3 to 1e3",
        st.tuples(between(0.0, 4.0), decades(1e-3, 1e3)),
        lambda exponent, scale: Spectrum.power_law(_DIMENSION, exponent, scale).variance,
        1e-6,
        1e-14,
        lambda exponent, scale: pointwise(lambda k, a, c: c * k**-a)(_ORDER, exponent, scale),
    ),
    Row(
        ("Spectrum.log_normal",),
        "12 modes, deviation 0 to 5, median 1e-3 to 1e3",
        st.tuples(decades(1e-3, 1e3), between(0.0, 5.0)),
        lambda median, deviation: Spectrum.log_normal(_DIMENSION, median, deviation).variance,
        1e-5,
        1e-13,
        lambda median, deviation: pointwise(
            lambda k, m, s: m * mpmath.exp(s * _normal_quantile(1 - (k - mpmath.mpf(1) / 2) / _DIMENSION))
        )(_ORDER, median, deviation),
    ),
    Row(
        ("Spectrum.from_samples",),
        "40 samples, mean 0.1 to 1e4, deviations 0.01 to 100",
        st.tuples(st.builds(_samples, decades(0.1, 1e4, 3), decades(1e-2, 1e2, 3))),
        _moments,
        1e-6,
        compiled=False,
        measure=LARGEST,
    ),
    Row(
        ("Spectrum.from_autocovariance",),
        f"ring of {RING}, variance 1e-3 to 1e3, correlation of neighbours 0 to 0.97",
        st.tuples(AUTOCOVARIANCES),
        lambda r: (Spectrum.from_autocovariance(r).variance, Spectrum.from_autocovariance(r).basis),
        1e-6,
        compiled=False,
    ),
    Row(
        named("Spectrum", "mode_mean", "to_modes", "from_modes", "matrix"),
        "λ 1e-6 to 1e4, mean -3 to 3, coordinates 1e-3 to 1e3",
        st.tuples(variances(), between(-3.0, 3.0, MODES), bases(), decades(1e-3, 1e3, MODES)),
        _turned,
        1e-6,
        measure=LARGEST,
    ),
    Row(
        named("definitions.spectra", "stationary_autocovariance", "shift_average", "patch_covariance"),
        f"ring of {RING}, 4 samples of 1e-3 to 1e3",
        st.tuples(decades(1e-3, 1e3), between(0.0, 0.97), decades(1e-3, 1e3, (4, RING))),
        _averages,
        1e-5,
        measure=LARGEST,
    ),
    Row(
        (*_names("__call__", "gram"), "GaussianFeatures.of_position", "FourierFeatures.of_position"),
        "5² · 4 features on (-1.5, 1.5)² and (0, 1), x within 2",
        st.tuples(_X, _T),
        lambda x, time: _features(lambda made: [(each(x, time), each.gram(x, time)) for each in made]),
        1e-5,
        measure=LARGEST,
    ),
    Row(
        (*_names("combine"), "GaussianFeatures.of_time", "FourierFeatures.of_time"),
        "the same, with weights 0 to 1",
        st.tuples(_X, between(0.0, 1.0), between(0.0, 1.0, (2, 5))),
        lambda x, time, weights: _features(
            lambda made: [each.combine(jnp.tile(weights, (1, each.number // 5)), x, time) for each in made]
        ),
        1e-4,
        measure=LARGEST,
    ),
]

EXACT = {
    "what was given, or a number that is known": (
        "Spectrum.from_variances",
        "Spectrum.dimension",
        *_names("number", "dimension"),
    ),
}
