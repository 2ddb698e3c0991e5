"""The path integral."""

from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import Numbers, between, decades, named
from tests.theory.precision.rows import LARGEST, LARGEST_OVER_ONE, OVER_ONE, Row
from tests.theory.precision.v_kernel import POINTS, PROCESS
from theory import (
    CellMasses,
    NaiveVKernel,
    PointMasses,
    action_gradient,
    first_order_expectation,
    first_order_fokker_planck,
    fokker_planck,
    gaussian_cells,
    gaussian_cells_ending_at,
    linear_flow_covariance,
    msr_exponent,
    msr_gradient,
    path_action,
    sample_effective_sde,
    sample_gaussian_field_ode,
    score_drift,
    semiclassical_paths,
    solve_effective_sde,
)

# Sampling from noise to data, in steps that both precisions have: those of the Brownian path are halves of the span.
_TIMES = (1 - np.arange(9) * (1 - 1 / 64) / 8).astype(np.float32)
_EDGES = np.linspace(-3.0, 3.0, 17, dtype=np.float32)
_NORMAL = jax.random.normal


def _like(fixed: np.ndarray, numbers):
    return jnp.asarray(fixed, numbers.dtype)


def _drift(points):
    data = PointMasses(points)
    return score_drift(lambda z: data.score(*z, PROCESS), PROCESS)


def _kernel(points, kappa) -> NaiveVKernel:
    return NaiveVKernel(PointMasses(points), PROCESS, kappa)


def _follow(question):
    """A question about a white kernel and its drift, and what else it takes, at the times of `_TIMES`."""

    def answer(points, kappa, *arguments):
        return question(_kernel(points, kappa), _drift(points), *arguments, _like(_TIMES, points))

    return answer


def _of_cells(kernel, drift, times) -> list:
    initial = gaussian_cells(_like(_EDGES, times), 1.0)
    first = first_order_fokker_planck(kernel, drift, initial, times)
    return [(each.mass, each.edges) for each in (fokker_planck(kernel, drift, initial, times), *first)]


def _of_gaussians(kernel, drift, x, times) -> tuple:
    weights = jnp.full(x.shape[0], 1 / x.shape[0], x.dtype)
    average = first_order_expectation(lambda y: jnp.sum(y**2), kernel, drift, x, weights, times)
    return semiclassical_paths(kernel, drift, x, times), average


def _of_path(kernel, drift, path, times) -> jax.Array:
    """One array: steps are narrow, so that a sum of small terms of the gradient is what is left of large ones."""
    action, gradient = path_action(path, times, drift, kernel), action_gradient(path, times, drift, kernel)
    return jnp.concatenate([action[None], gradient.reshape(-1)])


def _of_response(kernel, drift, path, response, times) -> tuple:
    return (
        msr_exponent(path, response, times, drift, kernel),
        *msr_gradient(path, response, times, drift, kernel),
    )


def normal_of_single_precision(key, shape, dtype) -> jax.Array:
    return _NORMAL(key, shape, jnp.float32).astype(dtype)


def _noisy(sample):
    """Paths of one noise, that of single precision: each precision has random numbers of its own."""

    def answer(points, kappa, x):
        with mock.patch.object(jax.random, "normal", normal_of_single_precision):
            times = _like(_TIMES, points)
            return sample(_kernel(points, kappa), _drift(points), x, times, key=jax.random.key(0))

    return answer


def _coloured(matrix, x, rate) -> tuple:
    """A linear drift with noise that remembers, and one linear field per draw."""

    def drift(place, time):
        return place @ matrix.T * time

    def kernel(z, other):
        kept = jnp.exp(-rate * jnp.abs(z[1] - other[1]))[..., None, None]
        return kept * jnp.broadcast_to(jnp.eye(2, dtype=x.dtype), (*kept.shape[:-2], 2, 2))

    times = _like(_TIMES, x)
    covariance = linear_flow_covariance(kernel, drift, jnp.eye(2, dtype=x.dtype), times)
    draws = jnp.stack([matrix, 2 * matrix])
    return covariance, sample_gaussian_field_ode(draws, lambda draw, place, time: place @ draw.T * time, x, times)


def _cells(edges, mass, x, variance) -> tuple:
    cells = CellMasses(edges, mass)
    masses = cells.mass_below(x), cells.mass_between(x[0], x[1])
    return cells.density, cells.centres, masses, gaussian_cells(edges, variance).mass


_X, _KAPPA = between(-1.5, 1.5, (4, 1)), decades(1e-3, 0.1)
_INCREASING: Numbers = between(0.1, 1.0, 9).map(lambda steps: np.cumsum(steps, dtype=np.float32) - np.float32(2.5))
_PATH = between(-1.5, 1.5, (len(_TIMES), 1))
_SETTING = "point masses"

ROWS = [
    Row(
        ("score_drift",),
        _SETTING + ", t 0.01 to 1",
        st.tuples(POINTS, _X, decades(0.01, 1.0, 4)),
        lambda points, x, time: _drift(points)(x, time),
        1e-4,
        measure=OVER_ONE,
    ),
    Row(
        ("path_action", "action_gradient"),
        _SETTING,
        st.tuples(POINTS, _KAPPA, _PATH),
        _follow(_of_path),
        3e-3,
        measure=LARGEST_OVER_ONE,
    ),
    Row(
        ("msr_exponent", "msr_gradient"),
        _SETTING,
        st.tuples(POINTS, _KAPPA, _PATH, between(-1.0, 1.0, (len(_TIMES) - 1, 1))),
        _follow(_of_response),
        1e-3,
        measure=LARGEST,
    ),
    Row(
        (*named("CellMasses", "density", "centres", "mass_below", "mass_between"), "gaussian_cells"),
        "8 cells, variance 0.01 to 10",
        st.tuples(_INCREASING, between(0.0, 1.0, 8), between(-2.0, 2.0, 2).map(np.sort), decades(1e-2, 10.0)),
        _cells,
        1e-5,
        measure=OVER_ONE,
    ),
    Row(
        ("fokker_planck", "first_order_fokker_planck"),
        _SETTING + ", 16 cells",
        st.tuples(POINTS, _KAPPA),
        _follow(_of_cells),
        1e-3,
        measure=LARGEST,
    ),
    Row(
        ("gaussian_cells_ending_at",),
        _SETTING + ", 16 cells",
        st.tuples(POINTS),
        lambda points: (
            gaussian_cells_ending_at(_like(_EDGES / 2, points), 1.0, _drift(points), _like(_TIMES, points)).mass
        ),
        1e-4,
        measure=LARGEST,
    ),
    Row(
        ("semiclassical_paths", "first_order_expectation"),
        _SETTING,
        st.tuples(POINTS, _KAPPA, _X),
        _follow(_of_gaussians),
        1e-3,
        measure=OVER_ONE,
    ),
    Row(
        ("sample_effective_sde", "solve_effective_sde"),
        _SETTING + ", with the same normal numbers",
        st.tuples(POINTS, _KAPPA, _X),
        lambda *arguments: [_noisy(sample)(*arguments) for sample in (sample_effective_sde, solve_effective_sde)],
        1e-3,
        measure=OVER_ONE,
        alone=True,
    ),
    Row(
        ("linear_flow_covariance", "sample_gaussian_field_ode"),
        "two coordinates, rates within 1, noise that remembers",
        st.tuples(between(-1.0, 1.0, (2, 2)), between(-1.5, 1.5, (3, 2)), decades(0.1, 10.0)),
        _coloured,
        1e-4,
        measure=LARGEST,
    ),
]
