"""V-kernels: the covariance of learned scores over training draws."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import Numbers, between, decades, named
from tests.theory.precision.rows import LARGEST, OVER_ONE, Refusal, Row
from theory import GaussianFeatures, LazyVKernel, LinearVKernel, NaiveVKernel, PointMasses, VariancePreserving
from theory.v_kernel.complete_basis import complete_basis_limit
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.population import Population

PROCESS = VariancePreserving(end_time=0.01)
_FEATURES = GaussianFeatures(1, 4, 3, positions=(-1.5, 1.5), times=(0.0, 1.0))
_CENTRES = np.array([[-1.0], [0.0], [1.0]], dtype=np.float32)
# Three points on the line, some distance from each other.
POINTS: Numbers = between(-0.3, 0.3, (3, 1)).map(lambda moved: _CENTRES + moved)
_PLACES, _TIMES = between(-1.5, 1.5, (3, 1)), decades(0.01, 0.5, 3)


def _population(data: PointMasses) -> Population:
    return lattice_population(data, PROCESS, 192)


def _of_features(kind: Callable, option: str) -> Callable:
    """What a kernel of features says, in the units of the learned score and of its square."""

    def answer(points, draws, number, x, time) -> tuple:
        data = PointMasses(points)
        options = {option: float(number), "draws": float(draws), "population": _population(data)}
        kernel = kind(data, PROCESS, _FEATURES, **options)
        z = x, time
        return kernel(z, z), kernel.score_covariance(z, z), kernel.mean_score(z)

    return answer


def _naive(points, x, time, kappa) -> tuple:
    kernel, z = NaiveVKernel(PointMasses(points), PROCESS, kappa), (x, time)
    return kernel.diffusion(x, time), kernel.diffusion_root(x, time), kernel(z, z)


def _kernel_function(z, other):
    return jnp.exp(-((z[0] - other[0].T) ** 2))


def _from_kernel() -> LazyVKernel:
    data = PointMasses(_CENTRES)
    return LazyVKernel.from_kernel(_kernel_function, data, PROCESS, population=_population(data))


_DATA = "point masses, 4 · 3 features, 100 to 1e4 draws, t 0.01 to 0.5"
_QUESTIONS = "__call__", "score_covariance", "mean_score", "score"

ROWS = [
    Row(
        named("LinearVKernel", *_QUESTIONS),
        _DATA + ", ridge 1e-5 to 1",
        st.tuples(POINTS, decades(100.0, 1e4), decades(1e-5, 1.0), _PLACES, _TIMES),
        _of_features(LinearVKernel, "ridge"),
        1e-2,
        measure=LARGEST,
        refuses=True,
        compiled=False,
    ),
    Row(
        named("LazyVKernel", *_QUESTIONS),
        _DATA + ", τ 0.01 to 1e5, ∞",
        st.tuples(POINTS, decades(100.0, 1e4), decades(1e-2, 1e5, also=(math.inf,)), _PLACES, _TIMES),
        _of_features(LazyVKernel, "tau"),
        1e-2,
        measure=LARGEST,
        refuses=True,
        compiled=False,
    ),
    Row(
        named("NaiveVKernel", "diffusion", "diffusion_root", "__call__"),
        "point masses, t 0.01 to 1, κ 1e-4 to 1",
        st.tuples(POINTS, _PLACES, decades(0.01, 1.0, 3), decades(1e-4, 1.0)),
        _naive,
        1e-3,
        measure=LARGEST,
    ),
    Row(
        named("NaiveVKernel", "mean_drift"),
        "the same",
        st.tuples(POINTS, _PLACES, decades(0.01, 1.0, 3)),
        lambda points, x, time: NaiveVKernel(PointMasses(points), PROCESS, 0.1).mean_drift(x, time),
        1e-3,
        measure=OVER_ONE,
    ),
    Row(
        ("v_kernel.lattices.lattice_population", "v_kernel.complete_basis.complete_basis_limit"),
        "the same, 192 points",
        st.tuples(POINTS, _PLACES, decades(0.01, 1.0, 3)),
        lambda points, x, time: (
            jax.tree.leaves(_population(PointMasses(points))),
            complete_basis_limit(PointMasses(points), PROCESS, 100.0, (x, time)),
        ),
        1e-3,
        measure=LARGEST,
    ),
    Refusal(named("LazyVKernel", "from_kernel"), "eigenfunctions down to 1e-12 of the largest", (_from_kernel,)),
]

EXACT = {
    "random numbers through the factor of `score_covariance`": tuple(
        f"{name}.draw_weights" for name in ("LinearVKernel", "LazyVKernel")
    ),
}
