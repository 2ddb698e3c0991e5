"""The MLP-UNet of Wang & Pehlevan 2025: residual blocks whose normalisation depends on the noise level.

It has its name from the blocks, which are those of image U-Nets with linear maps for convolutions; there are no long
skips.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.embeddings import Conditioning, Features, FourierEmbedding, fourier_embedding
from sims.networks.layers import LayerNorm, Linear, fan_in_linear, layer_norm
from theory.definitions.checks import whole_arguments


class MLPBlock(eqx.Module):
    """x + W_1 silu(LN_1(W_0 silu(LN_0 x))·(1 + s) + b), with s and b linear in the features of the noise level.

    Linear maps have biases. One more of them brings x to the size of the block where that is another.
    """

    outer_norm: LayerNorm  # LN_0
    inner: Linear  # W_0
    inner_norm: LayerNorm  # LN_1
    scale: Linear  # s. Apart from b, although the authors have one map for both: halves of a row would be copied.
    shift: Linear  # b
    outer: Linear  # W_1
    shortcut: Linear | None

    def __call__(self, x: Float[Array, "n inputs"], features: Features) -> Float[Array, "n width"]:
        hidden = self.inner(jax.nn.silu(self.outer_norm(x)))
        hidden = self.inner_norm(hidden) * (1 + self.scale(features)) + self.shift(features)
        return self.outer(jax.nn.silu(hidden)) + (x if self.shortcut is None else self.shortcut(x))


class MLPUNet(eqx.Module):
    """Residual blocks and a linear layer, as a network F(c_in x, u)."""

    embedding: FourierEmbedding
    blocks: tuple[MLPBlock, ...]
    output: Linear

    def __call__(self, inputs: Float[Array, "n dim"], conditioning: Conditioning) -> Float[Array, "n dim"]:
        features, hidden = self.embedding(conditioning), inputs
        for block in self.blocks:
            hidden = block(hidden, features)
        return self.output(hidden)


@whole_arguments("dimension", "width", layers=2, embedding=2)
def mlp_unet(
    dimension: int,
    *,
    layers: int,
    width: int,
    embedding: int,
    key: PRNGKeyArray,
    output_scale: float = 1.0,
    bfloat16: bool = False,
    dtype=jnp.float32,
) -> MLPUNet:
    """layers - 1 blocks and the output layer, every weight and bias uniform in ±1/√(fan in).

    The authors have layers=5, width=256, embedding=256 for Gaussian data, and 8, 3072 and 128 for images. Nothing of
    theirs starts at zero: `output_scale` multiplies what the output layer starts from, and 0 starts training from
    D = c_skip x. Raises ValueError for fewer than two layers, no unit, or features that are not an even number.
    """
    embedding_key, output_key, *keys = jax.random.split(key, layers + 1)
    options = {"bfloat16": bfloat16, "dtype": dtype}
    sizes = (dimension, *(width,) * (layers - 2))
    blocks = (_block(*each, width, embedding, **options) for each in zip(keys, sizes, strict=True))
    output = jax.tree.map(lambda leaf: output_scale * leaf, fan_in_linear(output_key, width, dimension, **options))
    return MLPUNet(fourier_embedding(embedding, key=embedding_key, dtype=dtype), tuple(blocks), output)


def _block(key: PRNGKeyArray, inputs: int, width: int, features: int, *, bfloat16: bool, dtype) -> MLPBlock:
    def linear(part_key: PRNGKeyArray, size: int) -> Linear:
        return fan_in_linear(part_key, size, width, bfloat16=bfloat16, dtype=dtype)

    inner_key, scale_key, shift_key, outer_key, shortcut_key = jax.random.split(key, 5)
    return MLPBlock(
        outer_norm=layer_norm(inputs, dtype),
        inner=linear(inner_key, inputs),
        inner_norm=layer_norm(width, dtype),
        scale=linear(scale_key, features),
        shift=linear(shift_key, features),
        outer=linear(outer_key, width),
        shortcut=None if inputs == width else linear(shortcut_key, inputs),
    )
