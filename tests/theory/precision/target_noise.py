"""The stable target, its variance, and the information that decides how much of it references can remove."""

from unittest import mock

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import between, decades, named, noise_levels, spectrum, variances
from tests.theory.precision.exact_scores import positions
from tests.theory.precision.path_integral import normal_of_single_precision
from tests.theory.precision.rows import OVER_ONE, Row
from theory import (
    EDM,
    GaussianMixture,
    PointMasses,
    StableCovariance,
    gaussian_information,
    mixed_score_target,
    noise_level_of_information,
    reference_nats,
    reference_target,
    sampled_target_variance,
    stable_target,
    stable_target_log_tilt,
    target_variance,
)

_EDM = EDM()
_INTEGERS = jax.random.randint
_COUNTS = (8, 3, False), (5, 2, True), (60000, 4096, True)


def _stable(points, x, level):
    own = jnp.broadcast_to(points[:1], x.shape)
    references = jnp.broadcast_to(points[None, 1:], (len(x), len(points) - 1, x.shape[1]))
    return stable_target(own, x, level, _EDM, references) * level**2


def _others(points, x, level):
    references = jnp.broadcast_to(points[None], (len(x), *points.shape))
    mixed = mixed_score_target(jnp.broadcast_to(points[:1], x.shape), x, level, _EDM, x, 0.5)
    return reference_target(x, level, _EDM, references) * level**2, mixed * level**2


def _variances(points, level):
    return [
        target_variance(PointMasses(points), _EDM, level, references, replace) * level**4
        for references, replace in ((1, False), (2, False), (2, True))
    ]


def _sampled(points, level):
    """With the draws of single precision: each precision has random numbers of its own."""
    with (
        mock.patch.object(jax.random, "normal", normal_of_single_precision),
        mock.patch.object(jax.random, "randint", _integers_of_single_precision),
    ):
        found = sampled_target_variance(PointMasses(points), _EDM, level, 2, True, draws=16, key=jax.random.key(0))
    return found.value * level**4


def _integers_of_single_precision(key, shape, minval, maxval):
    return _INTEGERS(key, shape, minval, maxval, jnp.int32)


def _covariance(points, x, level):
    level = jnp.full(len(x), level)
    return [StableCovariance(PointMasses(points), _EDM, *references)(x, level) for references in ((2,), (2, True))]


def _of_clusters(means, variance, level):
    data = GaussianMixture(means, variance)
    return target_variance(data, _EDM, level) * level**4, stable_target_log_tilt(data, _EDM, level)


def _information(variance: np.ndarray, level: np.ndarray) -> np.ndarray:
    with mpmath.workdps(40):
        return np.array(
            [
                float(sum(mpmath.log1p(mpmath.mpf(float(v)) / mpmath.mpf(float(s)) ** 2) for v in variance) / 2)
                for s in level
            ]
        )


ROWS = [
    Row(
        ("stable_target",),
        "x_0, three references and x within 1, σ 0.02 to 80, in units of 1/σ²",
        positions(2, decades(0.02, 80.0), _EDM),
        _stable,
        1e-3,
        measure=OVER_ONE,
    ),
    Row(
        ("reference_target", "mixed_score_target"),
        "four references and x within 1, σ 0.02 to 80, in units of 1/σ²",
        positions(2, decades(0.02, 80.0), _EDM),
        _others,
        1e-3,
        measure=OVER_ONE,
    ),
    Row(
        ("target_variance",),
        "three points within 1 on a line, one or two references, σ 0.02 to 80, in units of 1/σ⁴",
        st.tuples(between(-1.0, 1.0, (3, 1)), noise_levels().map(lambda level: np.maximum(level, np.float32(0.02)))),
        _variances,
        1e-5,
        measure=OVER_ONE,
    ),
    Row(
        ("stable_target_log_tilt", "target_variance"),
        "two clusters within 1 of variance .01 to 1, σ 0.1 to 10; V in units of 1/σ⁴",
        st.tuples(between(-1.0, 1.0, (2, 1)), between(0.01, 1.0), decades(0.1, 10.0)),
        _of_clusters,
        1e-4,
        measure=OVER_ONE,
    ),
    Row(
        ("sampled_target_variance",),
        "three points within 1, two references, the same 16 draws, σ 0.1 to 10, in units of 1/σ⁴",
        st.tuples(between(-1.0, 1.0, (3, 1)), decades(0.1, 10.0)),
        _sampled,
        1e-3,
        measure=OVER_ONE,
        alone=True,
    ),
    Row(
        named("StableCovariance", "__call__"),
        "four points and x within 1, two references, σ 0.02 to 80",
        positions(2, decades(0.02, 80.0), _EDM),
        _covariance,
        1e-3,
        measure=OVER_ONE,
    ),
    Row(
        ("gaussian_information",),
        "four variances 1e-8 to 1e4, σ 0.002 to 80",
        st.tuples(variances(), noise_levels()),
        lambda variance, level: gaussian_information(spectrum(variance), _EDM, level),
        1e-5,
        1e-13,
        _information,
    ),
    Row(
        ("noise_level_of_information",),
        "four variances 1e-8 to 1e4, 1e-3 to 30 nats",
        st.tuples(variances(), decades(1e-3, 30.0, 3)),
        lambda variance, nats: noise_level_of_information(spectrum(variance), nats),
        1e-5,
    ),
    Row(
        ("reference_nats",),
        "3 of 8 points, with replacement 2 of 5 and 4096 of 60000",
        st.tuples(between(1.0, 1.0)),
        lambda one: [one * reference_nats(*counts) for counts in _COUNTS],
        1e-6,
    ),
]
