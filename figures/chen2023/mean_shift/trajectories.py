"""Sampling and denoising trajectories of point masses in a plane, simulated, and how theory has them move."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.linalg import expm

from figures.common.stages import Arrays
from sims.sampling.smoothed_scores import smoothed_empirical_score
from sims.sampling.solvers import heun
from theory.definitions.processes import EDM
from theory.exact_scores.point_masses import PointMasses
from theory.sampling_questions.geometry import denoising_velocity, deviation_growth

NORMAL = 2  # directions in which the points have no extent
_STEP = 1e-6  # of the deviation between two trajectories, at the first noise level


def trajectories(points: int, starts: int, records: int, substeps: int, key: PRNGKeyArray) -> Arrays:
    """Of points in a plane of four dimensions, drawn anew, the arrays (records, starts, …) of one set of them.

    `sampling` x and `denoising` D, (records, starts, 4), and `levels` (records,). `velocity`, theory's dD/dσ there,
    `uncertainty`, tr Cov(x_0|x), and the `variance` of the points, their trace. `deviation`, the difference of two
    trajectories over what it was at first, equal in the plane and normal to it, and `deviation_theory`.
    """
    points_key, start_key, direction_key = jax.random.split(key, 3)
    plane = jax.random.normal(points_key, (points, 2))
    data = jnp.concatenate([plane - plane.mean(axis=0)[None], jnp.zeros((points, NORMAL))], axis=1)
    process = EDM()
    levels = jnp.geomspace(process.sigma_max, process.sigma_min, (records - 1) * substeps + 1)
    start = process.sigma_max * jax.random.normal(start_key, (starts, 2 + NORMAL))
    angle = 2 * jnp.pi * jax.random.uniform(direction_key, (starts,))
    in_plane, normal = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1), jnp.zeros((starts, NORMAL)).at[:, 0].set(1)
    direction = jnp.concatenate([in_plane, normal], axis=1)
    both = _sampled(data, levels, jnp.concatenate([start, start + _STEP * direction]), substeps)
    sampling, moved = both[:, :starts], both[:, starts:]
    recorded = levels[::substeps]
    masses, level = PointMasses(data), recorded[:, None]
    growth = np.asarray(deviation_growth(masses, sampling, level))
    return {
        "levels": np.asarray(recorded),
        "points": np.asarray(data),
        "sampling": np.asarray(sampling),
        "denoising": np.asarray(jax.lax.map(lambda now: _denoised(data, *now), (sampling, recorded))),
        "velocity": np.asarray(denoising_velocity(masses, sampling, level)),
        # 1 - σ²C has the trace D - tr Cov/σ².
        "uncertainty": np.asarray(recorded)[:, None] ** 2 * (2 + NORMAL - np.trace(growth, axis1=-2, axis2=-1)),
        "variance": np.asarray(jnp.sum(jnp.mean(data**2, axis=0))),
        "deviation": np.asarray(moved - sampling) / _STEP,
        "deviation_theory": _followed(growth, np.log(recorded), np.asarray(direction)),
    }


def _denoised(data: Array, x: Array, level: Array) -> Array:
    """x + σ² score."""
    dimension = data.shape[1]
    score = smoothed_empirical_score(data, x, level, jnp.zeros((1, dimension)), jnp.ones(1))
    return x + level**2 * score


@eqx.filter_jit
def _sampled(
    data: Float[Array, "m dim"], levels: Float[Array, " fine"], start: Float[Array, "n dim"], substeps: int
) -> Float[Array, "records n dim"]:
    def drift(index: Array, level: Array, x: Array) -> Array:
        del index
        return (x - _denoised(data, x, level)) / level

    between = levels[:-1].reshape(-1, substeps)
    rows = jnp.concatenate([between, levels[substeps::substeps][:, None]], axis=1)

    def advance(x: Array, row: Array) -> tuple[Array, Array]:
        x = heun(drift, x, row)
        return x, x

    return jnp.concatenate([start[None], jax.lax.scan(advance, start, rows)[1]])


def _followed(
    growth: Float[np.ndarray, "records starts dim dim"],
    log_levels: Float[np.ndarray, " records"],
    start: Float[np.ndarray, "starts dim"],
) -> Float[np.ndarray, "records starts dim"]:
    """dδ/d ln σ = (1 - σ²C)δ by the exponential of the mean of both ends of every step."""
    deviations = [start]
    for step, first, second in zip(np.diff(log_levels), growth[:-1], growth[1:], strict=True):
        deviations.append(np.einsum("nij,nj->ni", expm(step * (first + second) / 2), deviations[-1]))
    return np.stack(deviations)
