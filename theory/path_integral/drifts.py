"""From a score, exact or learned, to the drift that carries generated paths."""

from collections.abc import Callable

from jaxtyping import Array

from theory.definitions.processes import AbstractProcess, process_time


def score_drift(score: Callable[..., Array], process: AbstractProcess) -> Callable[..., Array]:
    """f(x, t) = (d ln α/dt) x - D(t) ŝ(x, t), the drift dx/dt of the probability-flow ODE of a score ŝ.

    `score` takes a place z = (x, t), positions (..., D) and times that broadcast against them, and the drift x and t:
    `kernel.mean_score` of a V-kernel, or `lambda z: data.score(*z, process)`, the exact one. What `score` takes before
    the place, the drift takes before x: with `kernel.score`, a score of weights W and a place, it is f(W, x, t), one
    field per draw of weights. `flow_path` and the effective SDE take the first kind, `sample_gaussian_field_ode` the
    second. **Returns:** dx/dt (..., D), in units of x per unit of the process's own time (Vastola 2025, Eq. 3). Raises
    ValueError for times that the process does not have; NaN where they are traced.

    >>> import jax.numpy as jnp
    >>> from theory import EDM, PointMasses
    >>> data, process = PointMasses([[0.0]]), EDM()
    >>> drift = score_drift(lambda z: data.score(*z, process), process)
    >>> drift(jnp.array([[3.0]]), 1.5).tolist()  # x/σ: towards the only point of the data as σ falls
    [[2.0]]
    """

    def drift(*draw_and_place: Array) -> Array:
        *draw, x, time = draw_and_place
        time = process_time("time", time, process)
        return process.probability_flow(x, score(*draw, (x, time)), time)

    return drift
