"""The affine map that a denoiser comes nearest to, what it is worth, and what the rest of the denoiser is.

With D_L the least-squares fit of an affine map to D at one noise level ("linear distillation": Li, Dai & Qu 2024), N =
D - D_L the rest and D_G the Wiener filter of the data, the squared error of D is

    E|x_0 - D|² = E|x_0 - D_G|² + E|D_L - D_G|² - {2 E(x_0 - D_G)·N - E|N|²},

as N and x_0 - D_G are uncorrelated with every affine map: more than that of D_G by the linear part, and less by the
nonlinear one.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.integrate import simpson

from sims.measurements.denoisers import Denoiser


class Distillation(NamedTuple):
    """Of every coordinate of the data: the slope of D_L on it, E(D_L - D_G)², and what N takes from the error."""

    gain: Float[Array, " modes"]
    missed: Float[Array, " modes"]
    beyond: Float[Array, " modes"]


def distilled(
    denoiser: Denoiser,
    clean: Float[Array, "n modes"],
    noise: Float[Array, "n modes"],
    level: Float[Array, ""],
    variance: Float[Array, " modes"],
) -> Distillation:
    """Of data x_0 with mean zero and a diagonal covariance, `variance`, and unit normal noise: x = x_0 + σ noise.

    The affine map is fitted to these n points, so that N is uncorrelated with them exactly, and takes E|N|²·modes/n of
    N with it. `level` is σ, in units of the data. Raises ValueError unless data and noise are of one shape, (n, d) with
    n > d, and `variance` (d,).
    """
    if np.ndim(clean) != 2 or np.shape(noise) != np.shape(clean) or len(clean) <= np.shape(clean)[1]:
        raise ValueError(
            f"data and noise must be of one shape (n, d) with n > d, as an affine map has d + 1 coefficients; "
            f"got {np.shape(clean)} and {np.shape(noise)}"
        )
    if np.shape(variance) != np.shape(clean)[1:]:
        raise ValueError(f"variance must be of shape {np.shape(clean)[1:]}; got {np.shape(variance)}")
    variance = jnp.asarray(variance)
    noisy = clean + level * noise
    outputs = denoiser(noisy, level)
    inputs = noisy / jnp.sqrt(variance + level**2)[None]
    inputs = jnp.concatenate([inputs, jnp.ones_like(inputs[:, :1])], axis=1)
    weight = jnp.linalg.solve(inputs.T @ inputs, inputs.T @ outputs)
    fitted = inputs @ weight
    filtered = (variance / (variance + level**2))[None] * noisy
    rest = outputs - fitted
    return Distillation(
        jnp.diagonal(weight) / jnp.sqrt(variance + level**2),
        jnp.mean((fitted - filtered) ** 2, axis=0),
        jnp.mean((2 * (clean - filtered) - rest) * rest, axis=0),
    )


def linearity_score(
    denoiser: Denoiser, first: Float[Array, "n dim"], second: Float[Array, "n dim"], level: Float[Array, ""]
) -> Float[Array, ""]:
    """E|cos| of the angle between D((x_1 + x_2)/√2) and D(x_1) + D(x_2), over pairs of noisy data (Li, Dai & Qu).

    An angle with nothing counts as a right one, as for `theory.sampling_questions.hidden_gaussian.linearity`.
    """
    of_sum, sum_of = denoiser((first + second) / 2**0.5, level), denoiser(first, level) + denoiser(second, level)
    lengths = jnp.linalg.norm(of_sum, axis=1) * jnp.linalg.norm(sum_of, axis=1)
    return jnp.mean(jnp.abs(jnp.sum(of_sum * sum_of, axis=1)) / jnp.where(lengths > 0, lengths, 1.0))


def nats_over_levels(errors: Float[ArrayLike, "*batch levels"], levels: Float[ArrayLike, " levels"]) -> np.ndarray:
    """∫ errors σ^-3 dσ by Simpson's rule in ln σ, (...,): squared errors in nats of the likelihood's bound.

    Levels may rise or fall. Raises ValueError unless they are an odd number, 3 or more, of positive ones,
    equally spaced in ln σ.
    """
    levels, errors = np.asarray(levels, float), np.asarray(errors, float)
    steps = np.diff(np.log(levels)) if levels.ndim == 1 and np.all(levels > 0) else np.zeros(1)
    if levels.size % 2 == 0 or not steps.size or not np.allclose(steps, steps[:1], rtol=1e-4) or not steps.all():
        raise ValueError(
            f"noise levels must be an odd number, 3 or more, of positive ones, equally spaced in ln σ; got {levels}"
        )
    return np.sign(steps[0]) * simpson(errors / levels**2, x=np.log(levels), axis=-1)
