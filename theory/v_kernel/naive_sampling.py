"""The V-kernel of the naive sampler, which follows the score of one example drawn afresh at each step."""

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import default_floating, floating
from theory.definitions.checks import check_not_negative, check_one_number
from theory.definitions.processes import AbstractProcess
from theory.exact_scores.point_masses import PointMasses, Points
from theory.v_kernel.white_kernels import AbstractWhiteKernel


class NaiveVKernel(AbstractWhiteKernel):
    """V = κ D_t C(x, t) D_t δ(t - t'), s_avg = s: the proxy score drawn afresh at each step (Vastola 2025, Prop. 4.1).

    The sampler ŝ = s + √(κ/Δt) [s̃(x, t; x_0) - s], x_0 ~ p(x_0 | x, t), has this kernel as Δt → 0. κ is a time, in the
    process's own units: the same κ is a different noise for another schedule. Raises ValueError for κ < 0.
    """

    data: PointMasses
    process: AbstractProcess
    kappa: Float[Array, ""]

    def __init__(self, data: PointMasses, process: AbstractProcess, kappa: ArrayLike) -> None:
        check_one_number("kappa", kappa)
        check_not_negative("kappa", kappa)
        if not isinstance(kappa, Tracer) and not np.isfinite(kappa):
            raise ValueError(f"kappa must be finite; got {kappa}")
        self.data = data
        self.process = process
        self.kappa = default_floating(kappa)

    def diffusion(self, x: Points, time: ArrayLike) -> Float[Array, "*batch dim dim"]:
        """κ D_t C(x, t) D_t with C the covariance of the proxy score (Vastola 2025, Eq. 9)."""
        x = floating(x)
        rate = self.process.diffusion_coefficient(jnp.asarray(time, dtype=x.dtype))
        factor = jnp.broadcast_to(self.kappa.astype(x.dtype) * rate**2, x.shape[:-1])
        return factor[..., None, None] * self.data.proxy_covariance(x, time, self.process)

    def mean_drift(self, x: Points, time: ArrayLike) -> Points:
        """dx/dt of the probability-flow ODE of the exact score, which is the average score s_avg here."""
        x = floating(x)
        time = jnp.asarray(time, dtype=x.dtype)
        return self.process.probability_flow(x, self.data.score(x, time, self.process), time)
