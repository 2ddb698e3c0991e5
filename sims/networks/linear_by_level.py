"""A linear network of its own at every noise level, as one network F(c_in x, u) that is trained on all levels at once.

It is what closed forms of linear denoisers are about: the weights of one noise level learn nothing of another's.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.embeddings import Conditioning
from sims.networks.layers import product
from theory.definitions.checks import positive, whole_arguments


class LinearByLevel(eqx.Module):
    """F(x, u) = W_L(u) ⋯ W_1(u) x, each W(u) linear in u between its values at nodes, and constant beyond them.

    Nodes are equally spaced in ln σ = 4u.
    """

    factors: tuple[Float[Array, "nodes dim dim"], ...]  # W_1, the layer next to the input, first
    low: float = eqx.field(static=True)  # ln σ of the first node
    high: float = eqx.field(static=True)

    def __call__(self, inputs: Float[Array, "n dim"], conditioning: Conditioning) -> Float[Array, "n dim"]:
        shares = shares_of_nodes(conditioning, self.factors[0].shape[0], self.low, self.high).astype(inputs.dtype)
        hidden = inputs
        for weight in self.factors:
            hidden = _applied(weight, hidden, shares)
        return hidden


@whole_arguments(nodes=2)
def shares_of_nodes(conditioning: Conditioning, nodes: int, low: float, high: float) -> Float[Array, "rows nodes"]:
    """What each node adds to a linear interpolation in ln σ = 4u between nodes from `low` to `high`, constant beyond.

    Each row has two neighbouring nodes with a share above zero; shares add up to one.
    """
    place = (4 * conditioning.reshape(-1, 1) - low) * ((nodes - 1) / (high - low))
    place = jnp.clip(place, 0, nodes - 1)
    return jnp.maximum(0, 1 - jnp.abs(place - jnp.arange(nodes, dtype=place.dtype)[None]))


def log_range(sigma_min: float, sigma_max: float) -> tuple[float, float]:
    """ln σ of the first and the last node. Raises ValueError unless 0 < σ_min < σ_max < ∞."""
    if not 0 < sigma_min < sigma_max < float("inf"):
        raise ValueError(f"noise levels must have 0 < sigma_min < sigma_max < inf; got {sigma_min} and {sigma_max}")
    return math.log(sigma_min), math.log(sigma_max)


def _applied(
    weight: Float[Array, "nodes dim dim"], x: Float[Array, "n dim"], shares: Float[Array, "rows nodes"]
) -> Float[Array, "n dim"]:
    if shares.shape[0] == 1:
        return x @ jnp.tensordot(shares[0], weight, 1).T
    spread = (shares[:, :, None] * x[:, None, :]).reshape(x.shape[0], -1)
    # As columns: their transpose, which the gradient takes, is there already.
    return product(jnp.swapaxes(weight, 0, 1).reshape(-1, spread.shape[1]), spread.T, bfloat16=False).T


@whole_arguments("dimension", "layers", nodes=2)
def linear_by_level(
    dimension: int,
    *,
    nodes: int,
    key: PRNGKeyArray,
    layers: int = 1,
    initial_gain: float = 0.01,
    sigma_min: float = 0.002,
    sigma_max: float = 80.0,
    dtype=jnp.float32,
) -> LinearByLevel:
    """One layer starts from W = 0; each of several from Q^(1/L) × a random rotation, the same at all nodes, Q > 0.

    Q is `initial_gain`. From zero several layers would never leave, and from a multiple of the identity no gain could
    change its sign, as those of weak modes have to inside EDM's preconditioning. Raises ValueError for no layer or
    fewer than two nodes, and unless 0 < σ_min < σ_max < ∞ and Q > 0.
    """
    positive("initial_gain", initial_gain)
    ends = log_range(sigma_min, sigma_max)
    if layers == 1:
        factors = [jnp.zeros((dimension, dimension), dtype)]
    else:
        normal = jax.random.normal(key, (layers, dimension, dimension), dtype)
        factors = [initial_gain ** (1 / layers) * jnp.linalg.qr(each)[0] for each in normal]
    spread = tuple(jnp.broadcast_to(each[None], (nodes, dimension, dimension)) for each in factors)
    return LinearByLevel(spread, *ends)
