"""The population that training triples are drawn from, as weighted points, and what a network regresses on there.

A triple (x_0, x, t) has x_0 a point mass, t uniform between the process's two ends and x = α x_0 + σ ε. Averages over
x_0 given (x, t) are exact; averages over z = (x, t) are sums over the points of a `Population`.
"""

import functools
from collections.abc import Callable
from typing import Protocol, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from theory.checks import check_coordinates, check_count
from theory.objectives import AbstractTarget, AbstractWeight
from theory.processes import AbstractProcess, Time
from theory.targets import PointMasses

Z = tuple[Float[Array, "*batch dim"], Float[Array, "*batch"]]
KernelFunction = Callable[[Z, Z], Float[Array, "n m"]]
Sums = TypeVar("Sums")

_ROUND_OFF = 1e-5  # of the sum of masses, in single precision
_BLOCK = 1024  # points whose features are in memory at a time

_GOLDEN = (5**0.5 - 1) / 2
# The lattice's noise is drawn this much wider than the real one: features in the gaps between point masses are seen
# by the tails of the noise alone, and without it by a handful of points.
_NOISE_SPREAD = 1.5


class FeatureMap(Protocol):
    """What a model linear in its parameters needs to know: F functions of (x, t)."""

    @property
    def number(self) -> int: ...

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"], /) -> Float[Array, "*batch F"]: ...


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
            raise ValueError(f"a population needs x (N, D), time (N,) and mass (N,); got shapes {shapes}")
        if isinstance(self.mass, Tracer):
            return
        total = np.sum(np.asarray(self.mass, dtype=float))
        if not (np.all(np.asarray(self.mass) > 0) and abs(total - 1) < _ROUND_OFF):
            raise ValueError(f"the masses of a population must be positive and sum to one; got the sum {total}")


def lattice_population(data: PointMasses, process: AbstractProcess, count: int = 2**14) -> Population:
    """About `count` points for p(x, t): one rank-1 lattice in (t, ε) per point mass, each of 2^k points.

    Times have the density q = ½/|T - ε| + ½|d log-SNR/dt|/(range of the log-SNR) and the mass 1/q: half as in
    training, half where weights such as α²/σ² are large. The error falls as 1/N for smooth integrands.

    Raises ValueError for fewer than 16 points per point mass, or a process whose signal-to-noise ratio is infinite at
    an end (flow matching).
    """
    masses, dimension = data.points.shape
    if count < 16 * masses:
        raise ValueError(f"a lattice needs 16 points or more per point mass; got {count} for {masses}")
    nodes = 2 ** round(np.log2(count / masses))
    # Whole numbers first: a product of float indices would lose the fraction's last digits.
    fraction = (np.arange(nodes)[:, None] * _generator(nodes, dimension + 1)[None] % nodes) / nodes
    # Every point mass shifts the lattice elsewhere, by the golden ratio, so that their times interleave.
    shift = (np.arange(masses)[:, None, None] * _GOLDEN + 0.5 / nodes) * np.arange(1, dimension + 2)
    uniform = np.clip((fraction[None] + shift) % 1, 1 / (8 * nodes), 1 - 1 / (8 * nodes))
    population, usable = _noisy_points(data, process, jnp.asarray(uniform))
    if not usable:
        raise ValueError("this process has an infinite log signal-to-noise ratio at an end; no lattice covers it")
    return population


@functools.cache
def _generator(nodes: int, coordinates: int) -> np.ndarray:
    """Integers z for which the lattice {k z/N} has a small worst-case error for smooth functions.

    One coordinate after the other, the best of 200 candidates by P₂ = (1/N) Σ_k Π_j [1 + 2π²B₂({k z_j/N})] - 1
    (Sloan & Reztsov, Math. Comp. 71, 263 (2002)). In two coordinates and time it is ten times as accurate here as a
    vector made for all N at once.
    """
    index = np.arange(nodes)

    def factor(integer: int) -> np.ndarray:
        fraction = index * integer % nodes / nodes
        return 1 + 2 * np.pi**2 * (fraction**2 - fraction + 1 / 6)

    chosen, product = [1], factor(1)
    for coordinate in range(1, coordinates):
        # Odd, so that every coordinate takes all N values; spread by the golden ratio.
        fractions = (np.arange(1, 201) * _GOLDEN * (coordinate + 1)) % 1
        candidates = 2 * (fractions * nodes / 2).astype(int) + 1
        errors = [np.mean(product * factor(integer)) for integer in candidates]
        chosen.append(int(candidates[int(np.argmin(errors))]))
        product = product * factor(chosen[-1])
    return np.asarray(chosen)


@eqx.filter_jit
def _noisy_points(data: PointMasses, process: AbstractProcess, uniform: Array) -> tuple[Population, Array]:
    """The lattice carried to (x, t), and whether the process has a finite log-SNR at both ends."""
    ends = jnp.asarray([process.end_time, process.start_time], dtype=uniform.dtype)
    ratios = process.log_snr(ends)
    duration, decay = ends[1] - ends[0], ratios[0] - ratios[1]
    low, high = (jnp.full_like(uniform[..., 0], end) for end in ends)

    def halve(_, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        share = (middle - ends[0]) / (2 * duration) + (ratios[0] - process.log_snr(middle)) / (2 * decay)
        early = share < uniform[..., 0]
        return jnp.where(early, middle, low), jnp.where(early, high, middle)

    low, high = jax.lax.fori_loop(0, 60, halve, (low, high))
    time = (low + high) / 2
    sigma, alpha = process.noise_scale(time), process.signal_scale(time)
    # d log-SNR/dt = -2D/σ².
    mass = 1 / (1 / duration + 2 * process.diffusion_coefficient(time) / sigma**2 / decay)
    standard = jax.scipy.special.ndtri(uniform[..., 1:])
    noise = _NOISE_SPREAD * standard
    mass = mass * jnp.exp(jnp.sum(standard**2 - noise**2, axis=-1) / 2)
    x = alpha[..., None] * data.points[:, None, :] + sigma[..., None] * noise
    return Population(x.reshape(-1, x.shape[-1]), time.reshape(-1), (mass / jnp.sum(mass)).reshape(-1)), jnp.all(
        jnp.isfinite(ratios)
    )


def score_coefficients(target: AbstractTarget, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
    """The pair (b, a) of score = b x + a output: b = -c/(σ(cσ - eα)), a = α/(σ(cσ - eα)) for y = c x_0 + e ε.

    Denoiser: b = -1/σ², a = α/σ². Noise: b = 0, a = -1/σ. Score: b = 0, a = 1 (Vastola 2025, App. H and I).
    """
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    clean, noise = target.coefficients(process, time)
    divisor = sigma * (clean * sigma - noise * alpha)
    return -clean / divisor, alpha / divisor


class NoiseVarianceWeight(AbstractWeight):
    """λ = σ² on the score, as a weight on another target's loss: w = σ²a², with score = b x + a output.

    α²/σ² for the denoiser, 1 for the noise, σ² for the score (Vastola 2025, App. H and I).
    """

    target: AbstractTarget

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return (process.noise_scale(time) * score_coefficients(self.target, process, time)[1]) ** 2


def target_moments(
    data: PointMasses, process: AbstractProcess, target: AbstractTarget, z: Z
) -> tuple[Float[Array, "*batch dim"], Float[Array, "*batch dim dim"]]:
    """Mean and covariance of y = c x_0 + e ε given z = (x, t): q E[x_0|z] + e x/σ and q² Cov(x_0|z), q = c - eα/σ."""
    x, time = z
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    clean, noise = target.coefficients(process, time)
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


def complete_basis_limit(
    data: PointMasses, process: AbstractProcess, draws: float | Array, z: Z
) -> Float[Array, "*batch dim dim"]:
    """D_t C(z) D_t/(P p(z)), the factor of δ(z - z') in V for a complete basis trained to the end.

    p(z) = p(x|t)/|T - ε|, t uniform. Vastola 2025, Eq. 17, has the constant F Δz/P in place of 1/(P p(z)), which is
    only its average over the trace; the factor depends on z. Raises ValueError for fewer than one draw.
    """
    check_count("draws", draws)
    x, time = z
    log_density = data.log_density(x, time, process)
    factor = process.diffusion_coefficient(jnp.broadcast_to(time, x.shape[:-1])) ** 2 * jnp.exp(-log_density)
    factor = factor * abs(process.start_time - process.end_time) / draws
    return factor[..., None, None] * data.proxy_covariance(x, time, process)


class NystromFeatures(eqx.Module):
    """φ_k(z) = Σ_n K(z, z_n) √m_n u_nk/l_k: the eigenfunctions of a kernel on N points, continued to every z.

    `kernel` takes (x, t) of n and of m points and gives (n, m); `root_mass` is √m_n, `vectors` and `values` are the
    eigenvectors u and eigenvalues l of √m_n K(z_n, z_n') √m_n'. On the points Σ_n m_n φ_k φ_l = δ_kl, and
    K = Σ_k l_k φ_k φ_k'. Raises ValueError at positions with another number of coordinates.
    """

    kernel: KernelFunction
    points: Z
    root_mass: Float[Array, " N"]
    vectors: Float[Array, "N F"]
    values: Float[Array, " F"]

    @property
    def number(self) -> int:
        return self.values.shape[0]

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"]) -> Float[Array, "*batch F"]:
        check_coordinates(x, self.points[0].shape[-1])
        flat = x.reshape(-1, x.shape[-1]), jnp.broadcast_to(time, x.shape[:-1]).reshape(-1)
        values = (self.kernel(flat, self.points) * self.root_mass[None]) @ (self.vectors / self.values[None])
        return values.reshape(*x.shape[:-1], self.number)


def nystrom_features(
    kernel: KernelFunction, points: Z, mass: Float[Array, " N"], *, relative_cutoff: float = 1e-12
) -> NystromFeatures:
    """The eigenfunctions of a kernel on N points of the given masses, largest eigenvalue first.

    Modes below `relative_cutoff` times the largest eigenvalue are round-off and left out: in gradient flow they would
    begin to learn that much later. Raises ValueError for a kernel that is not symmetric or has no positive eigenvalue.
    """
    gram = kernel(points, points)
    if not jnp.allclose(gram, gram.T, rtol=1e-8, atol=1e-10 * float(jnp.abs(gram).max())):
        raise ValueError("the kernel is not symmetric on its points")
    root = jnp.sqrt(mass)
    values, vectors = jnp.linalg.eigh(root[:, None] * gram * root[None])
    kept = int(jnp.sum(values > relative_cutoff * values[-1]))
    if not values[-1] > 0:
        raise ValueError("the kernel has no positive eigenvalue on its points")
    return NystromFeatures(kernel, points, root, vectors[:, ::-1][:, :kept], values[::-1][:kept])
