"""The population that training triples are drawn from, as weighted points.

A triple (x_0, x, t) has x_0 a point mass, t uniform between the process's two ends and x = α x_0 + σ ε. Averages over
x_0 given (x, t) are exact; averages over z = (x, t) are sums over the points of a `Population`.
"""

import equinox as eqx
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

_ROUND_OFF = 1e-5  # of the sum of masses, in single precision


class Population(eqx.Module):
    """N weighted points that stand for the law p(x, t) of training inputs: E f(x, t) = Σ_n p_n f(x_n, t_n).

    `x` is (N, D), `time` and `mass` are (N,); masses are positive and sum to one. Raises ValueError for other shapes
    or masses.
    """

    x: Float[Array, "N dim"]
    time: Float[Array, " N"]
    mass: Float[Array, " N"]

    def __check_init__(self) -> None:
        if self.x.ndim != 2 or not self.time.shape == self.mass.shape == self.x.shape[:1]:
            shapes = (self.x.shape, self.time.shape, self.mass.shape)
            raise ValueError(f"a population must have x (N, D), time (N,) and mass (N,); got shapes {shapes}")
        if isinstance(self.mass, Tracer):
            return
        total = np.sum(np.asarray(self.mass, dtype=float))
        if not (np.all(np.asarray(self.mass) > 0) and abs(total - 1) < _ROUND_OFF):
            raise ValueError(f"the masses of a population must be positive and sum to one; got the sum {total}")
