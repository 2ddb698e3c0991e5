"""The image network of one resolution of Wang & Pehlevan 2025: residual blocks in a row, without long skips."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.embeddings import Conditioning
from sims.networks.image_blocks import LAST, ImageBlock, ImageOutput, NoiseMap, Parts, image_shape
from sims.networks.image_convolution import Convolution, as_samples, channels_first
from theory.definitions.checks import whole_arguments


class CNNResNet(eqx.Module):
    """A convolution, residual blocks and a convolution, as F(c_in x, u).

    Samples are images of `shape` (height, width, channels) in row order, channels last.
    """

    noise_map: NoiseMap
    first: Convolution
    blocks: tuple[ImageBlock, ...]
    last: ImageOutput
    shape: tuple[int, int, int] = eqx.field(static=True)

    def __call__(self, inputs: Float[Array, "n dim"], conditioning: Conditioning) -> Float[Array, "n dim"]:
        features = self.noise_map(conditioning)
        hidden = self.first(channels_first(inputs, self.shape))
        for block in self.blocks:
            hidden = block(hidden, features)
        return as_samples(self.last(hidden))


@whole_arguments("channels", "blocks")
def cnn_resnet(
    shape: tuple[int, int, int],
    *,
    channels: int,
    blocks: int,
    key: PRNGKeyArray,
    output_scale: float = LAST,
    bfloat16: bool = False,
    dtype=jnp.float32,
) -> CNNResNet:
    """The authors vary `channels` from 4 to 256 with one to five `blocks`; initial weights as in `cnn_unet`.

    Raises ValueError for no block, for channels that have no even groups, and for a shape that is none.
    """
    shape = image_shape(shape)
    parts = Parts(4 * channels, bfloat16, dtype)
    map_key, first_key, last_key, *keys = jax.random.split(key, 3 + blocks)
    return CNNResNet(
        parts.noise_map(map_key, channels),
        parts.convolution(first_key, shape[2], channels),
        tuple(parts.block(block_key, channels, channels) for block_key in keys),
        parts.output(last_key, channels, shape[2], output_scale),
        shape,
    )
