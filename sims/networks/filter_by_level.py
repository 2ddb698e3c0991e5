"""A linear convolution of its own at every noise level, as one network F(c_in x, u) trained on all levels at once.

Weight sharing and locality without nonlinearity: what tells a convolutional network from a linear denoiser of images.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from sims.networks.embeddings import Conditioning
from sims.networks.image_convolution import as_samples, channels_first, convolve_by_shifts
from sims.networks.linear_by_level import log_range, shares_of_nodes
from theory.definitions.checks import whole_arguments


class FilterByLevel(eqx.Module):
    """F(x, u)_p = Σ_o w(o; u) x_{p+o} with zeros around the image; w(u) linear in u between nodes, constant beyond.

    Nodes are equally spaced in ln σ = 4u. Images are flat rows, as every network of `sims.networks` takes them.
    """

    filters: Float[Array, "nodes taps taps inputs outputs"]
    shape: tuple[int, int, int] = eqx.field(static=True)  # height, width, colours
    low: float = eqx.field(static=True)  # ln σ of the first node
    high: float = eqx.field(static=True)

    def __call__(self, inputs: Float[Array, "n dim"], conditioning: Conditioning) -> Float[Array, "n dim"]:
        nodes, taps, _, colours, _ = self.filters.shape
        shares = shares_of_nodes(conditioning, nodes, self.low, self.high).astype(inputs.dtype)
        # All nodes at once, as if they were channels: one product of matrices.
        kernel = jnp.moveaxis(self.filters, 0, 3).reshape(taps, taps, colours, nodes * colours)
        by_node = convolve_by_shifts(channels_first(inputs, self.shape), kernel)
        by_node = by_node.reshape(nodes, colours, *by_node.shape[1:])
        return as_samples(jnp.sum(by_node * shares.T[:, None, :, None, None], axis=0))


@whole_arguments("taps", nodes=2)
def filter_by_level(
    shape: tuple[int, int, int],
    *,
    taps: int,
    nodes: int,
    sigma_min: float = 0.002,
    sigma_max: float = 80.0,
    dtype=jnp.float32,
) -> FilterByLevel:
    """Filters of taps × taps pixels that start from zero, as the untrained linear network does.

    Raises ValueError for an even number of taps, fewer than two nodes, and unless 0 < σ_min < σ_max < ∞.
    """
    if taps % 2 == 0:
        raise ValueError(f"taps must be odd, so that a filter has a middle; got {taps}")
    colours = shape[2]
    return FilterByLevel(
        jnp.zeros((nodes, taps, taps, colours, colours), dtype), shape, *log_range(sigma_min, sigma_max)
    )
