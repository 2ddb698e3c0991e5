"""The stable target field: a regression target averaged over references by how likely each is (Xu et al. 2023)."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating
from theory.definitions.checks import checked_jit
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("t", arguments["t"], arguments["process"])
    own, x, references = (jnp.shape(arguments[name]) for name in ("x0", "x", "references"))
    fits = len(references) >= 2 and own == x and own[-1:] == references[-1:] and own[:-1] == references[:-2]
    if not fits:
        raise ValueError(
            f"x0 and x must be of one shape (..., D) and references (..., n - 1, D); got {own}, {x} and {references}"
        )
    time, batch = jnp.shape(arguments["t"]), own[:-1]
    ends = zip(time[::-1], batch[::-1], strict=False)
    if len(time) > len(batch) or not all(few in (1, many) for few, many in ends):
        raise ValueError(f"t must have the shape of x but for its coordinates, or broadcast to it; got {time} and {x}")


@checked_jit(_check_arguments)
def stable_target(
    x0: Float[Array, "*batch dim"],
    x: Float[Array, "*batch dim"],
    t: ArrayLike,
    process: AbstractProcess,
    references: Float[Array, "*batch others dim"],
) -> Float[Array, "*batch dim"]:
    """Σ_k w_k (α x_k - x)/σ², w_k ∝ exp(-|x - α x_k|²/2σ²), over x_0 and its references: a score target.

    With x_0 among them its mean given x is the score ∇ ln p(x | t) exactly, for every number of references n that are
    drawn independently of x_0 or with it without replacement: which of the n it was that x came from is then unknown
    (Bertrand et al. 2025, Prop. 2; Xu et al. 2023, whose target it is, have it for n → ∞). Without x_0 it is biased.
    No references: the target of denoising score matching.

    **Arguments:** `x0` and `x` = αx_0 + σε, (..., D); process time `t` (...,) or what broadcasts to it; `references`
    (..., n - 1, D), those beside x_0. **Raises** ValueError for shapes that do not fit and for times at which x has no
    noise.
    """
    x0, x, references = floating(x0), floating(x), floating(references)
    time = jnp.broadcast_to(process_time("t", t, process).astype(x.dtype), x.shape[:-1])[..., None]
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    # Relative to x_0: |x - αx_k|² - |x - αx_0|² without a difference of large squares.
    steps = jnp.concatenate([jnp.zeros_like(x0)[..., None, :], references - x0[..., None, :]], axis=-2)
    noise = (x - alpha * x0) / sigma
    scaled = (alpha / sigma)[..., None] * steps
    odds = jnp.sum(scaled * (noise[..., None, :] - scaled / 2), axis=-1)
    step = jnp.sum(jax.nn.softmax(odds, axis=-1)[..., None] * steps, axis=-2)
    return (alpha * step / sigma - noise) / sigma
