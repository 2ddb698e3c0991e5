"""Point masses and round clusters."""

import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import between, decades, named, noise_levels
from tests.theory.precision.rows import OVER_ONE, Row
from theory import EDM, GaussianMixture, PointMasses, VariancePreserving

_MASSES, _PLACES = 4, 4


def _on_a_boundary(points: np.ndarray, x: np.ndarray, scale: float) -> np.ndarray:
    """Every other position moved to where the first two points are equally far, to the round-off of the position."""
    normal = (points[0] - points[1]).astype(float)
    away = (x - scale * (points[0] + points[1]) / 2) @ normal / max(normal @ normal, 1e-3)
    return np.where((np.arange(_PLACES) % 2 == 0)[:, None], x - away[:, None] * normal, x).astype(np.float32)


def positions(dimension: int, times, process) -> st.SearchStrategy[tuple[np.ndarray, ...]]:
    """Points, positions and one time; half of the positions lie between two points."""
    drawn = st.tuples(between(-1.0, 1.0, (_MASSES, dimension)), between(-1.0, 1.0, (_PLACES, dimension)), times)
    return drawn.map(lambda a: (a[0], _on_a_boundary(a[0], a[1], float(process.signal_scale(a[2]))), a[2]))


def _answers(process):
    """In units in which all of them are of order one: scores of 1/σ², their covariances of 1/σ⁴."""

    def answer(points, x, time) -> tuple:
        data, unit = PointMasses(points), process.noise_scale(time) ** 2
        return (
            data.posterior(x, time, process),
            data.denoised(x, time, process),
            data.posterior_covariance(x, time, process),
            data.score(x, time, process) * unit,
            data.proxy_covariance(x, time, process) * unit**2,
        )

    return answer


def _of_clusters(means, variance, x, level) -> tuple:
    data = GaussianMixture(means, variance)
    return (
        data.posterior(x, level, _EDM),
        data.denoised(x, level, _EDM),
        data.posterior_covariance(x, level, _EDM),
        data.score(x, level, _EDM) * level**2,
        data.proxy_covariance(x, level, _EDM) * level**4,
        data.log_density(x, level, _EDM),
    )


_QUESTIONS = named("PointMasses", "posterior", "denoised", "posterior_covariance", "score", "proxy_covariance")
_EDM, _PRESERVING = EDM(), VariancePreserving()
_PLACED = "two coordinates, points and x within 1, also between points"

ROWS = [
    Row(
        named(
            "GaussianMixture",
            "posterior",
            "denoised",
            "posterior_covariance",
            "score",
            "proxy_covariance",
            "log_density",
        ),
        "three clusters and x within 1, variance 0.01 to 1, σ 0.02 to 80, scores in units of 1/σ²",
        st.tuples(
            between(-1.0, 1.0, (3, 2)), decades(0.01, 1.0), between(-1.0, 1.0, (_PLACES, 2)), decades(0.02, 80.0)
        ),
        _of_clusters,
        1e-4,
        measure=OVER_ONE,
    ),
    Row(
        _QUESTIONS,
        _PLACED + ", σ 0.002 to 80, scores in units of 1/σ²",
        positions(2, noise_levels(()), _EDM),
        _answers(_EDM),
        1e-2,
        measure=OVER_ONE,
    ),
    Row(
        _QUESTIONS,
        _PLACED + ", variance preserving, t 1e-3 to 1, scores in units of 1/σ²",
        positions(2, decades(1e-3, 1.0), _PRESERVING),
        _answers(_PRESERVING),
        1e-3,
        measure=OVER_ONE,
    ),
    Row(
        named("PointMasses", "log_density", "boundary_fraction"),
        _PLACED + ", σ 0.2 to 80",
        positions(2, decades(0.2, 80.0), _EDM),
        lambda points, x, level: (
            PointMasses(points).log_density(x, level, _EDM),
            PointMasses(points).boundary_fraction(x, level, _EDM),
        ),
        1e-5,
        measure=OVER_ONE,
    ),
]
