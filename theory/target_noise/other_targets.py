"""Other regression targets for the score: without the clean datum, and from the score of the data."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from theory.definitions.arrays import floating
from theory.definitions.checks import checked_jit
from theory.definitions.processes import AbstractProcess, check_noisy_time, process_time


def _check_references(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("t", arguments["t"], arguments["process"])
    x, references = (jnp.shape(arguments[name]) for name in ("x", "references"))
    if len(references) != len(x) + 1 or references[:-2] != x[:-1] or references[-1:] != x[-1:] or references[-2] < 1:
        raise ValueError(f"x must be (..., D) and references (..., n, D), n ≥ 1; got {x} and {references}")


def _check_scores(arguments: Mapping[str, Any]) -> None:
    check_noisy_time("t", arguments["t"], arguments["process"])
    shapes = [jnp.shape(arguments[name]) for name in ("x0", "x", "clean_score")]
    if len(set(shapes)) > 1:
        raise ValueError(f"x0, x and clean_score must be of one shape (..., D); got {', '.join(map(str, shapes))}")


@checked_jit(_check_references)
def reference_target(
    x: Float[Array, "*batch dim"], t: ArrayLike, process: AbstractProcess, references: Float[Array, "*batch n dim"]
) -> Float[Array, "*batch dim"]:
    """Σ_k w_k (α x_k - x)/σ², w_k ∝ exp(-|x - α x_k|²/2σ²), over references alone, x_0 not among them.

    Self-normalised importance sampling of the score, with a bias of order 1/n: to leading order n must be far above
    e^{2I}, see `stable_target_log_tilt`. `stable_target`, which has x_0 among its references, has none. References that
    are nearest to x among many are a choice of the user; their bias is another.

    **Arguments:** `x` (..., D); process time `t` (...,) or what broadcasts to it; `references` (..., n, D), drawn from
    the data whatever x_0 is. **Raises** ValueError for shapes that do not fit and for times at which x has no noise.
    """
    x, references = floating(x), floating(references)
    alpha, sigma = _scales(x, t, process)
    away = alpha[..., None] * references - x[..., None, :]
    share = jax.nn.softmax(-jnp.sum(away**2, axis=-1) / (2 * sigma**2), axis=-1)
    return jnp.sum(share[..., None] * away, axis=-2) / sigma**2


@checked_jit(_check_scores)
def mixed_score_target(
    x0: Float[Array, "*batch dim"],
    x: Float[Array, "*batch dim"],
    t: ArrayLike,
    process: AbstractProcess,
    clean_score: Float[Array, "*batch dim"],
    share: ArrayLike,
) -> Float[Array, "*batch dim"]:
    """c ∇ ln p_0(x_0)/α + (1 - c)(αx_0 - x)/σ², where the score of the data is known.

    Both have the mean ∇ ln p(x|t) given x: the target-score identity (De Bortoli et al. 2024), c = 1, and denoising
    score matching, c = 0. Their errors have opposite signs: for N(0, v) they cancel at c = α²v/(α²v + σ²), so that the
    target has no variance at all (this project). c = 1 is for little noise and c = 0 for much, whatever the data.

    **Arguments:** `x0`, `x` and `clean_score` ∇ ln p_0(x_0), (..., D); process time `t` and `share` c, (...,) or what
    broadcasts to it. **Raises** ValueError for shapes that do not fit, and for times at which x has no noise.
    """
    x0, x, clean_score = floating(x0), floating(x), floating(clean_score)
    alpha, sigma = _scales(x, t, process)
    part = jnp.broadcast_to(floating(share).astype(x.dtype), x.shape[:-1])[..., None]
    # Without any signal c = 0 alone has a target.
    clean = jnp.where(part == 0, 0.0, part * clean_score / jnp.where((part == 0) & (alpha == 0), 1.0, alpha))
    return clean + (1 - part) * (alpha * x0 - x) / sigma**2


def _scales(x: Float[Array, "*batch dim"], t: ArrayLike, process: AbstractProcess) -> tuple[Array, Array]:
    """α and σ at each position, (..., 1)."""
    time = jnp.broadcast_to(process_time("t", t, process).astype(x.dtype), x.shape[:-1])[..., None]
    return process.signal_scale(time), process.noise_scale(time)
