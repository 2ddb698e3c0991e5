"""What a network that is linear in its features regresses on, averaged over a population."""

from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.arrays import Time
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget
from theory.definitions.weights import AbstractSmoothWeight, AbstractWeight
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.population import FeatureMap, Population, Z, lattice_population

Sums = TypeVar("Sums")

_BLOCK = 1024  # points whose features are in memory at a time


def score_coefficients(target: AbstractTarget, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
    """The pair (b, a) of score = b x + a output: b = -c/(σ(cσ - eα)), a = α/(σ(cσ - eα)) for y = c x_0 + e ε.

    Denoiser: b = -1/σ², a = α/σ². Noise: b = 0, a = -1/σ. Score: b = 0, a = 1 (Vastola 2025, App. H and I).
    """
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    clean, _ = target.coefficients(alpha, sigma)
    divisor = sigma * target.determinant(alpha, sigma)
    return -clean / divisor, alpha / divisor


class NoiseVarianceWeight(AbstractSmoothWeight):
    """λ = σ² on the score, as a weight on another target's loss: w = σ²a², with score = b x + a output.

    α²/σ² for the denoiser, 1 for the noise, σ² for the score (Vastola 2025, App. H and I).
    """

    target: AbstractTarget

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return (process.noise_scale(time) * score_coefficients(self.target, process, time)[1]) ** 2

    def noise_power(self) -> float | None:
        return None


def target_moments(
    data: PointMasses, process: AbstractProcess, target: AbstractTarget, z: Z
) -> tuple[Float[Array, "*batch dim"], Float[Array, "*batch dim dim"]]:
    """Mean and covariance of y = c x_0 + e ε given z = (x, t): q E[x_0|z] + e x/σ and q² Cov(x_0|z), q = c - eα/σ."""
    x, time = z
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    clean, noise = target.coefficients(alpha, sigma)
    slope = (clean - noise * alpha / sigma)[..., None]
    mean = slope * data.denoised(x, time, process) + (noise / sigma)[..., None] * x
    return mean, slope[..., None] ** 2 * data.posterior_covariance(x, time, process)


class PopulationBlock(eqx.Module):
    """What training sees at n points of its population, or at several blocks of n."""

    x: Float[Array, "*blocks n dim"]
    time: Float[Array, "*blocks n"]
    mass: Float[Array, "*blocks n"]
    weight: Float[Array, "*blocks n"]
    mean: Float[Array, "*blocks n dim"]  # E[y|z]
    covariance: Float[Array, "*blocks n dim dim"]  # Cov(y|z)


class Regression(eqx.Module):
    """The regression that training solves: features, and the target at the points of a population."""

    features: FeatureMap
    blocks: PopulationBlock


def feature_regression(
    data: PointMasses,
    process: AbstractProcess,
    features: FeatureMap,
    target: AbstractTarget,
    weight: AbstractWeight | None,
    population: Population | None,
) -> Regression:
    """The regression with its defaults, λ = σ² on the score and the lattice.

    Floats become arrays, so that another cut-off or another width of the features compiles nothing anew.
    """
    weight = NoiseVarianceWeight(target) if weight is None else weight
    population = lattice_population(data, process) if population is None else population
    parts = (data, process, features, target, weight)
    parts = jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, parts)
    data, process, features, target, weight = parts
    return Regression(features, _blocks(data, process, target, weight, population))


@eqx.filter_jit
def _blocks(data, process, target, weight, population: Population) -> PopulationBlock:
    """The population in blocks of equal size, the last one filled up with points of no mass."""
    count = population.mass.shape[0]
    blocks = -(-count // _BLOCK)
    size = -(-count // blocks)
    fill = blocks * size - count
    points = jax.tree.map(lambda array: jnp.concatenate([array, jnp.repeat(array[:1], fill, axis=0)]), population)
    mass = points.mass.at[count:].set(0.0)
    split = jax.tree.map(lambda array: array.reshape(blocks, size, *array.shape[1:]), (points.x, points.time, mass))

    def of_block(block: tuple[Array, Array, Array]) -> PopulationBlock:
        x, time, mass = block
        return PopulationBlock(x, time, mass, weight(process, time), *target_moments(data, process, target, (x, time)))

    return jax.lax.map(of_block, split)


def accumulate(regression: Regression, contribution: Callable[[PopulationBlock, Array], Sums]) -> Sums:
    """Σ over blocks of `contribution(block, its features)`: the features of one block in memory at a time."""

    def of_block(block: PopulationBlock) -> Sums:
        return contribution(block, regression.features(block.x, block.time))

    shapes = jax.eval_shape(of_block, jax.tree.map(lambda array: array[0], regression.blocks))
    zero = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)

    def step(total: Sums, block: PopulationBlock) -> tuple[Sums, None]:
        return jax.tree.map(jnp.add, total, of_block(block)), None

    return jax.lax.scan(step, zero, regression.blocks)[0]


@eqx.filter_jit
def normal_equations(regression: Regression) -> tuple[Float[Array, "F F"], Float[Array, "dim F"]]:
    """E[w φφᵀ] and E[w yφᵀ]."""

    def of_block(block: PopulationBlock, features: Array) -> tuple[Array, Array]:
        weighted = (block.mass * block.weight)[:, None] * features
        return weighted.T @ features, block.mean.T @ weighted

    return accumulate(regression, of_block)


def each_point(regression: Regression, value: Callable[[PopulationBlock, Array], Sums]) -> Sums:
    """`value(block, its features)` of every block, for what is wanted at every point."""
    return jax.lax.map(lambda block: value(block, regression.features(block.x, block.time)), regression.blocks)


def spread_moment(regression: Regression, spread: Float[Array, "blocks n dim dim"]) -> Float[Array, "dim F dim F"]:
    """E[w² S ⊗ φφᵀ] for a symmetric matrix S given at every point."""
    dimension, number = spread.shape[-1], regression.features.number
    rows, columns = np.triu_indices(dimension)

    def of_block(block: PopulationBlock, features: Array) -> Array:
        pairs = block.covariance[:, rows, columns] * (block.mass * block.weight**2)[:, None]
        # One matrix product for all pairs of coordinates.
        return features.T @ (pairs[:, :, None] * features[:, None, :]).reshape(-1, rows.size * number)

    total = accumulate(eqx.tree_at(lambda r: r.blocks.covariance, regression, spread), of_block)
    upper = jnp.moveaxis(total.reshape(number, rows.size, number), 1, 0)
    full = jnp.zeros((dimension, dimension, number, number), upper.dtype)
    return jnp.swapaxes(full.at[rows, columns].set(upper).at[columns, rows].set(upper), 1, 2)


@eqx.filter_jit
def gradient_covariance(regression: Regression, weights: Float[Array, "dim F"] | None) -> Float[Array, "dim F dim F"]:
    """E[w² C_y ⊗ φφᵀ]; with weights W all of Cov[w (y - Wφ)φ], which adds the misfit r = E[y|z] - Wφ.

    That is E[w² (C_y + r rᵀ) ⊗ φφᵀ] - E[w rφ]E[w rφ]ᵀ.
    """
    if weights is None:
        return spread_moment(regression, regression.blocks.covariance)
    misfit = each_point(regression, lambda block, features: block.mean - features @ weights.T)
    second_moment = spread_moment(
        regression, regression.blocks.covariance + misfit[..., :, None] * misfit[..., None, :]
    )
    _, pull = normal_equations(eqx.tree_at(lambda r: r.blocks.mean, regression, misfit))
    return second_moment - jnp.tensordot(pull, pull, axes=0)


@eqx.filter_jit
def design_covariance(
    regression: Regression,
    basis: Array,
    optimum: Float[Array, "dim F"],
    learned: Array,
    rates: Array,
    lag: Float[Array, "F F"],
) -> Float[Array, "dim F dim F"]:
    """E[(G - E G)(G - E G)ᵀ] of the mean G given (x, t), in the eigenbasis; E G_k = l_k ω*_k τ e^{-l_kτ}."""
    shape = optimum.shape
    centre = rates[None] * optimum * jnp.diagonal(lag)[None]

    def of_block(block: PopulationBlock, features: Array) -> Array:
        features = features @ basis
        misfit = block.mean - features @ optimum.T
        unlearned = (features[:, None, :] * optimum[None]) @ lag
        drive = misfit[:, :, None] * learned[None, None] + unlearned
        fluctuation = (block.weight[:, None] * features)[:, None, :] * drive - centre[None]
        scaled = (jnp.sqrt(block.mass)[:, None, None] * fluctuation).reshape(-1, shape[0] * shape[1])
        return scaled.T @ scaled

    return accumulate(regression, of_block).reshape(*shape, *shape)


def moment_spectrum(matrix: Float[Array, "F F"]) -> tuple[Array, Array, Array]:
    """Eigenvalues and eigenvectors of a covariance, and which of them are more than round-off."""
    values, vectors = jnp.linalg.eigh(matrix)
    values = jnp.maximum(values, 0.0)
    return values, vectors, values > values.size * jnp.finfo(values.dtype).eps * values[-1]


def where_kept(kept: Array, values: Array) -> Array:
    """Zero for modes that are round-off: no sample excites them."""
    return jnp.where(jnp.broadcast_to(kept, values.shape), values, 0.0)
