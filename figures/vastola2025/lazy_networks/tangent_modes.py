"""The directions of its parameters in which a wide network learns, and what it learns there."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sims.networks.nonlinear import WideNetwork, ntk_features
from theory.definitions.processes import VariancePreserving
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.population import Population

TANGENT_CUTOFF = 1e-6  # relative rate below which tangent modes have not begun to learn when training ends


class TangentModes(eqx.Module):
    """Tangent features of a network along F orthonormal directions of its parameters, φ_k = v_k·∂D/∂θ, for D = 1.

    Gradient flow of the linearised network moves φ·(θ - θ_0); with all directions that learn, nothing is lost.
    """

    network: WideNetwork
    directions: Float[Array, "parameters F"]

    @property
    def number(self) -> int:
        return self.directions.shape[1]

    def __call__(self, x: Float[Array, "*batch 1"], time: Float[Array, "*batch"]) -> Float[Array, "*batch F"]:
        flat, moments = x.reshape(-1, 1), jnp.broadcast_to(time, x.shape[:-1]).reshape(-1)
        values = ntk_features(self.network, flat, moments)[:, 0] @ self.directions
        return values.reshape(*x.shape[:-1], self.number)


@eqx.filter_jit
def _tangent_directions(network: WideNetwork, population: Population, weight: Float[Array, " N"]):
    """Right singular vectors of √(p w) φ over the population, and its squared singular values, falling."""
    phi = ntk_features(network, population.x, population.time)[:, 0]
    phi = jnp.sqrt(population.mass * weight)[:, None] * phi
    values, vectors = jnp.linalg.eigh(phi @ phi.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    return phi.T @ (vectors / jnp.sqrt(jnp.maximum(values, jnp.finfo(values.dtype).tiny))[None]), values


def tangent_modes(network: WideNetwork, data: PointMasses, process: VariancePreserving) -> TangentModes:
    """The directions in which a network learns at all, from its empirical tangent kernel on 384 points."""
    network = jax.tree.map(lambda leaf: leaf.astype(float) if eqx.is_array(leaf) else leaf, network)
    population = lattice_population(data, process, 384)
    weight = (process.signal_scale(population.time) / process.noise_scale(population.time)) ** 2
    directions, values = _tangent_directions(network, population, weight)
    return TangentModes(network, directions[:, : int(np.sum(np.asarray(values / values[0]) > TANGENT_CUTOFF))])
