"""Experiments with linear networks, one per noise level: ensembles of runs, gains, and what the networks generate."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.convolution import shift_indices
from sims.networks.linear import Network, linear_denoiser, one_per_level, total_maps_of
from sims.sampling.linear_flow import FlowCoefficients, sample_linear_flow
from sims.training.descent import Clock, train_full_batch, train_minibatch
from sims.training.one_layer_descent import clock_of_every_level, train_one_layer
from sims.training.pairs import Pairs, SecondMoments
from theory.definitions.checks import check_double_precision, check_not_negative, finite, whole_arguments
from theory.definitions.processes import AbstractProcess, process_time
from theory.definitions.spectra import Spectrum


@whole_arguments("seeds", "batch_size")
def train_seeds_minibatch(
    network: Network,
    clean: Float[Array, "n dim"],
    pairs: Pairs,
    clock: Clock,
    *,
    seeds: int,
    batch_size: int,
    key: PRNGKeyArray,
) -> Network:
    """Independent SGD runs from one initial network; leading axes (seeds, snapshots, levels).

    Raises ValueError unless `seeds` and `batch_size` are 1, 2, ….
    """
    step_sizes, steps = jnp.asarray(clock.step_sizes), jnp.asarray(clock.steps)
    start = one_per_level(network, step_sizes.shape[1])
    return _over_seeds(jax.random.split(key, seeds), start, clean, pairs, step_sizes, steps, batch_size)


@eqx.filter_jit
def _over_seeds(keys, start: Network, clean, pairs, step_sizes, steps, batch_size: int) -> Network:
    def of_seed(key: PRNGKeyArray) -> Network:
        return train_minibatch(start, clean, pairs, step_sizes, steps, batch_size=batch_size, key=key)

    return eqx.filter_vmap(of_seed)(keys)


def descend(
    spectrum: Spectrum, moments: SecondMoments, clock: Clock, *, initial_gain: float
) -> Float[np.ndarray, "members stages levels modes modes"]:
    """Uᵀ W U of linear denoisers trained from W = `initial_gain`·I by full-batch gradient descent, one per level."""
    network = linear_denoiser(spectrum.dimension, initial_gain)
    steps, counts = jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps)
    maps = jnp.swapaxes(total_maps_of(train_full_batch(network, moments, steps, counts)), 1, 2)
    if spectrum.basis is not None:
        maps = spectrum.basis.T @ maps @ spectrum.basis
    return np.asarray(maps, dtype=float)


def curvature_of_levels(
    process: AbstractProcess, levels: Float[Array, " levels"], largest_variance: float
) -> Float[np.ndarray, " levels"]:
    """2(α²λ + σ²), the curvature along the mode of the largest variance of the loss |y - Wx|² of every noise level.

    `levels` are times of the process. Raises ValueError for those that it does not have, and a variance below zero.
    """
    levels = process_time("levels", levels, process)
    check_not_negative("largest_variance", largest_variance)
    alpha, sigma = np.asarray(process.signal_scale(levels)), np.asarray(process.noise_scale(levels))
    return 2 * (alpha**2 * largest_variance + sigma**2)


@whole_arguments("smallest_steps")
def descend_every_level(
    moments: SecondMoments,
    curvature: Float[np.ndarray, " levels"],
    times: Float[np.ndarray, " snapshots"],
    *,
    initial_gain: float = 0.0,
    smallest_steps: int,
    safety: float = 0.5,
) -> Float[np.ndarray, "networks levels snapshots modes modes"]:
    """Maps W of linear denoisers without bias, trained from W = `initial_gain`·I by full-batch gradient descent.

    In double precision, every level with as many steps as it needs; see `clock_of_every_level` for `curvature`,
    `times` (ητ with η = 1), `smallest_steps` and `safety`, and for what it raises. `moments` have leading axes
    (networks, levels). Raises ValueError for other moments, an `initial_gain` that is not finite, and where JAX has no
    64-bit numbers.
    """
    finite("initial_gain", initial_gain)
    check_double_precision("descent with as many steps as every level needs", jnp.zeros(()))
    if np.ndim(moments.noisy) != 4 or np.shape(moments.noisy)[1:2] != np.shape(curvature):
        raise ValueError(
            f"moments must be (networks, levels, modes, modes), with a curvature for every level; got shapes "
            f"{np.shape(moments.noisy)} and {np.shape(curvature)}"
        )
    clock = clock_of_every_level(times, curvature, smallest_steps=smallest_steps, safety=safety)
    moments = SecondMoments(*(jnp.asarray(moment, float) for moment in moments))
    start = linear_denoiser(moments.noisy.shape[-1], initial_gain, float)
    return np.asarray(train_one_layer(start, moments, clock).weight)


@eqx.filter_jit
def loss_on_fresh_data(
    maps: Float[Array, "*batch modes modes"], spectrum: Spectrum, noise_level: float
) -> Float[Array, "*batch"]:
    """E|x_0 - W(x_0 + σε)|² = tr Σ - 2 tr WΣ + tr W(Σ + σ²)Wᵀ over the whole distribution, W in mode coordinates."""
    lam = spectrum.variance
    return (
        jnp.sum(lam) - 2 * jnp.diagonal(maps, axis1=-2, axis2=-1) @ lam + jnp.sum(maps**2 @ (lam + noise_level**2), -1)
    )


def mode_gains(
    total_maps: Float[Array, "*batch dim dim"], basis: Float[Array, "dim dim"] | None
) -> Float[Array, "*batch modes"]:
    """u_kᵀ W u_k of every trained map."""
    if basis is None:
        return jnp.diagonal(total_maps, axis1=-2, axis2=-1)
    return jnp.einsum("ik,...ij,jk->...k", basis, total_maps, basis)


class GeneratedMoments(NamedTuple):
    """Mean and covariance of what linear networks generate, in mode coordinates a_k = u_kᵀ x."""

    mean: Float[np.ndarray, "seeds snapshots modes"]
    covariance: Float[np.ndarray, "seeds snapshots modes modes"]

    @property
    def variance(self) -> Float[np.ndarray, "seeds snapshots modes"]:
        """Variance per mode, the diagonal of the covariance."""
        return np.diagonal(self.covariance, axis1=-2, axis2=-1)


def generated_mode_variances(
    total_maps: Float[Array, "seeds snapshots levels dim dim"],
    flow: FlowCoefficients,
    basis: Float[Array, "dim dim"] | None,
    *,
    shift_grid: tuple[int, ...] | None = None,
) -> Float[np.ndarray, "seeds snapshots modes"]:
    """Variance per data mode of what each set of networks without bias generates; see `generated_moments`."""
    return generated_moments(total_maps, None, flow, basis, shift_grid=shift_grid).variance


def generated_moments(
    total_maps: Float[Array, "seeds snapshots levels dim dim"],
    offsets: Float[Array, "seeds snapshots levels dim"] | None,
    flow: FlowCoefficients,
    basis: Float[Array, "dim dim"] | None,
    *,
    shift_grid: tuple[int, ...] | None = None,
) -> GeneratedMoments:
    """Mean and covariance, in mode coordinates, of what each set of networks with offsets b generates.

    The sampler carries x_T = s z, z ~ N(0, I), to A s z + a, with the A and a of the trained maps and of its own steps:
    the mean is a and the covariance s² A Aᵀ, without the error that a finite number of samples would have. Memory is
    that of one seed. Maps of convolutions, which commute with shifts of the `shift_grid` of pixels, need to carry one
    pixel only.
    """
    moments = [
        _moments_of_each(maps, None if offsets is None else offsets[seed], flow, basis, shift_grid)
        for seed, maps in enumerate(total_maps)
    ]
    means, covariances = zip(*moments, strict=True)
    return GeneratedMoments(np.stack(means), np.stack(covariances))


@eqx.filter_jit
def _moments_of_each(total_maps, offsets, flow, basis, shift_grid) -> tuple[Array, Array]:
    """Mean (snapshots, modes) and covariance of each of the sets of networks, one set after the other."""

    def of_networks(networks: tuple[Array, Array | None]) -> tuple[Array, Array]:
        maps, biases = networks[0].astype(float), None if networks[1] is None else networks[1].astype(float)
        dimension = maps.shape[-1]
        # The images of the origin and of s times every unit vector, or of the one whose shifts are all others.
        start = flow.initial_scale * jnp.eye(1 + (dimension if shift_grid is None else 1), dimension, -1)
        origin, images = jnp.split(sample_linear_flow(maps, biases, flow, start), [1])
        transport = images - origin
        if shift_grid is not None:
            transport = transport[0][shift_indices(shift_grid)]
        if basis is not None:
            origin, transport = origin @ basis, transport @ basis
        return origin[0], transport.T @ transport

    return jax.lax.map(of_networks, (total_maps, offsets))
