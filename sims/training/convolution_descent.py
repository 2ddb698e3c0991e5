"""Gradient descent of one filter per noise level, any number of steps at the cost of one eigenvalue problem.

The loss of a convolution is quadratic in its taps, and all steps of one size apply one affine map, diagonal in the
eigenvectors of the patches' second moments: n steps multiply every component by the n-th power of a number. Step by
step, as `train_full_batch` goes, a filter of 15 × 15 taps takes hours.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sims.networks.convolution import ConvolutionDenoiser
from sims.training.descent import Clock
from sims.training.linear_losses import PatchMoments, ShiftMoments, sufficient_moments


def train_one_filter(network: ConvolutionDenoiser, moments: ShiftMoments, clock: Clock) -> ConvolutionDenoiser:
    """Full-batch gradient descent of one filter per seed and noise level, with a snapshot after every stage.

    A step of size η on w [t·(C t) - 2 c·t], C and c the moments of patches, is t ← t - 2ηw(C t - c): the steps of
    `train_full_batch`, up to round-off, in double precision.

    **Arguments:** `network`, the initial filter, shared; `moments`, with leading axes (seeds, levels); `clock` from
    `common_clock`, with one number of steps per stage. **Returns:** filters with leading axes (seeds, levels, stages),
    in the precision of `network`. Raises ValueError without 64-bit numbers.
    """
    if jnp.asarray(1.0).dtype != jnp.float64:
        raise ValueError("long rows of small steps need double precision; got jax_enable_x64 = False")
    sizes, steps = jnp.asarray(clock.step_sizes, float), jnp.asarray(np.asarray(clock.steps), float)
    taps = _train(network, jax.tree.map(lambda leaf: leaf.astype(float), moments), sizes, steps)
    kernel = taps.reshape(*taps.shape[:-1], *network.widths)
    return ConvolutionDenoiser(kernel.astype(network.kernel.dtype), network.grid)


@eqx.filter_jit
def _train(
    network: ConvolutionDenoiser,
    moments: ShiftMoments,
    step_sizes: Float[Array, "stages levels"],
    steps: Float[Array, " stages"],
) -> Float[Array, "seeds levels stages taps"]:
    start = network.taps().astype(float)

    def of_level(level: tuple[ShiftMoments, Array]) -> Float[Array, "stages taps"]:
        shifts, sizes = level
        patches = sufficient_moments(network, shifts)
        assert isinstance(patches, PatchMoments)
        power, vectors = jnp.linalg.eigh((patches.noisy + patches.noisy.T) / 2)
        # A direction without data (round-off apart) is pulled nowhere and stays.
        power = jnp.where(power > 1e-14 * power[-1], power, 0.0)
        pull = jnp.where(power > 0, vectors.T @ patches.cross, 0.0)
        optimum = pull / jnp.where(power > 0, power, 1.0)
        shrinkage = 1 - 2 * patches.weight * sizes[:, None] * power[None]
        # Of n steps: sign and size apart, since a step beyond the optimum has a negative factor.
        of_stage = jnp.where(steps[:, None] % 2 == 1, jnp.sign(shrinkage), 1.0) * jnp.abs(shrinkage) ** steps[:, None]
        remaining = jnp.cumprod(of_stage, axis=0)
        return (optimum[None] + remaining * (vectors.T @ start - optimum)[None]) @ vectors.T

    def of_seed(shifts: ShiftMoments) -> Float[Array, "levels stages taps"]:
        return jax.lax.map(of_level, (shifts, step_sizes.T))

    return jax.lax.map(of_seed, moments)
