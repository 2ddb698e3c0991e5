"""What a network that is linear in its features regresses on, averaged over a population."""

from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.features import FeatureMap, Z
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget
from theory.definitions.weights import AbstractWeight
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.learned_scores import NoiseVarianceWeight
from theory.v_kernel.population import Population

Sums = TypeVar("Sums")

_BLOCK = 1024  # points whose features are in memory at a time


# Of (x, t): the covariance given them of what stands for x_0 in the target.
CleanCovariance = Callable[[Float[Array, "*batch dim"], Float[Array, "*batch"]], Float[Array, "*batch dim dim"]]


def target_moments(
    data: PointMasses,
    process: AbstractProcess,
    target: AbstractTarget,
    z: Z,
    covariance: CleanCovariance | None = None,
) -> tuple[Float[Array, "*batch dim"], Float[Array, "*batch dim dim"]]:
    """Mean and covariance of y = c x_0 + e ε given z = (x, t): q E[x_0|z] + e x/σ and q² Cov(x_0|z), q = c - eα/σ.

    ε is what x and x_0 leave, (x - αx_0)/σ, also where something of another covariance stands for x_0.
    """
    x, time = z
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    clean, noise = target.coefficients(alpha, sigma)
    slope = (clean - noise * alpha / sigma)[..., None]
    mean = slope * data.denoised(x, time, process) + (noise / sigma)[..., None] * x
    spread = data.posterior_covariance(x, time, process) if covariance is None else covariance(x, time)
    return mean, slope[..., None] ** 2 * spread


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
    covariance: CleanCovariance | None = None,
) -> Regression:
    """The regression with its defaults, λ = σ² on the score and the lattice.

    Floats become arrays, so that another cut-off or another width of the features compiles nothing anew.
    """
    weight = NoiseVarianceWeight(target) if weight is None else weight
    population = lattice_population(data, process) if population is None else population
    parts = (data, process, features, target, weight, covariance)
    parts = jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, parts)
    data, process, features, target, weight, covariance = parts
    return Regression(features, _blocks(data, process, target, weight, covariance, population))


@eqx.filter_jit
def _blocks(data, process, target, weight, covariance, population: Population) -> PopulationBlock:
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
        moments = target_moments(data, process, target, (x, time), covariance)
        return PopulationBlock(x, time, mass, weight(process, time), *moments)

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


def each_point(regression: Regression, value: Callable[[PopulationBlock, Array], Sums]) -> Sums:
    """`value(block, its features)` of every block, for what is wanted at every point."""
    return jax.lax.map(lambda block: value(block, regression.features(block.x, block.time)), regression.blocks)
