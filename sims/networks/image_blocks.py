"""What image networks are built of: the residual block of EDM's SongUNet, and its map of the noise level."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from sims.networks.embeddings import Conditioning, Features, PositionalEmbedding
from sims.networks.image_convolution import Convolution, Images, convolution, doubled, halved
from sims.networks.layers import GroupNorm, Linear, group_norm, xavier_linear
from theory.definitions.checks import whole

Resampling = Literal["halved", "doubled"]
RESAMPLERS: dict[Resampling | None, Callable[[Images], Images]] = {
    None: lambda x: x,
    "halved": halved,
    "doubled": doubled,
}

LAST = 1e-5  # what the last map of every branch starts from is so much smaller: blocks begin as their shortcuts


class NoiseMap(eqx.Module):
    """silu(W_1 silu(W_0 e + b_0) + b_1) of a positional embedding e: what all blocks see of the noise level."""

    embedding: PositionalEmbedding
    inner: Linear
    outer: Linear

    def __call__(self, conditioning: Conditioning) -> Features:
        return jax.nn.silu(self.outer(jax.nn.silu(self.inner(self.embedding(conditioning)))))


class Attention(eqx.Module):
    """x + W softmax(q kᵀ/√C) v over all pixels, one head, with q, k, v linear in the normalised image."""

    norm: GroupNorm
    queries_keys_values: Convolution
    output: Convolution

    def __call__(self, x: Images) -> Images:
        channels, count, height, width = x.shape
        rows = self.queries_keys_values(self.norm(x)).reshape(3 * channels, count, height * width)
        queries, keys, values = jnp.split(rows, 3, axis=0)
        closeness = jnp.einsum("cnq,cnk->nqk", queries, keys) / jnp.sqrt(channels).astype(x.dtype)
        attended = jnp.einsum("nqk,cnk->cnq", jax.nn.softmax(closeness, axis=-1), values)
        return x + self.output(attended.reshape(x.shape))


class ImageBlock(eqx.Module):
    """√½ (x + W_1 * silu(GN_1(W_0 * silu(GN_0 x) + e))), e a bias per channel that is linear in the noise map.

    Attention follows where there is one, with a factor √½ of its own. A block that resamples does so in both branches;
    where the size changes, a convolution with one tap is on the shortcut.
    """

    outer_norm: GroupNorm  # GN_0
    inner: Convolution  # W_0
    bias: Linear  # e
    inner_norm: GroupNorm  # GN_1
    outer: Convolution  # W_1
    shortcut: Convolution | None
    attention: Attention | None
    resampling: Resampling | None = eqx.field(static=True)

    def __call__(self, x: Images, features: Features) -> Images:
        resample = RESAMPLERS[self.resampling]
        hidden = self.inner(resample(jax.nn.silu(self.outer_norm(x)))) + self.bias(features).T[:, :, None, None]
        hidden = self.outer(jax.nn.silu(self.inner_norm(hidden)))
        x = 0.5**0.5 * (hidden + (x if self.shortcut is None else self.shortcut(resample(x))))
        return x if self.attention is None else 0.5**0.5 * self.attention(x)


class ImageOutput(eqx.Module):
    """W * silu(GN x)."""

    norm: GroupNorm
    convolution: Convolution

    def __call__(self, x: Images) -> Images:
        return self.convolution(jax.nn.silu(self.norm(x)))


# --- Initial parts ---


def image_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """Height, width and channels as Python integers. Raises ValueError for anything but three numbers 1, 2, …."""
    if len(shape) != 3:
        raise ValueError(f"the shape of an image must be (height, width, channels); got {tuple(shape)}")
    height, width, channels = (whole("a size of an image", size) for size in shape)
    return height, width, channels


@dataclass(frozen=True)
class Parts:
    """Makes the parts of one network. Weights are those of `xavier`, the last of every branch × 1e-5; biases are zero.

    Raises ValueError for channels that have no even groups (`group_norm`), and an odd number of them in a noise map.
    """

    features: int  # of the noise map
    bfloat16: bool
    dtype: jnp.dtype | type = jnp.float32

    def noise_map(self, key: PRNGKeyArray, channels: int) -> NoiseMap:
        inner_key, outer_key = jax.random.split(key)
        inner, outer = self._linear(inner_key, channels, self.features), self._linear(outer_key, *(self.features,) * 2)
        return NoiseMap(PositionalEmbedding(channels), inner, outer)

    def convolution(
        self, key: PRNGKeyArray, inputs: int, outputs: int, *, taps: int = 3, scale: float = 1.0
    ) -> Convolution:
        options = {"taps": taps, "scale": scale, "bfloat16": self.bfloat16, "dtype": self.dtype}
        return convolution(key, inputs, outputs, **options)

    def block(
        self,
        key: PRNGKeyArray,
        inputs: int,
        outputs: int,
        *,
        attention: bool = False,
        resampling: Resampling | None = None,
    ) -> ImageBlock:
        inner_key, bias_key, outer_key, shortcut_key, attention_key = jax.random.split(key, 5)
        straight = inputs == outputs and resampling is None
        return ImageBlock(
            outer_norm=group_norm(inputs, self.dtype),
            inner=self.convolution(inner_key, inputs, outputs),
            bias=self._linear(bias_key, self.features, outputs),
            inner_norm=group_norm(outputs, self.dtype),
            outer=self.convolution(outer_key, outputs, outputs, scale=LAST),
            shortcut=None if straight else self.convolution(shortcut_key, inputs, outputs, taps=1),
            attention=self._attention(attention_key, outputs) if attention else None,
            resampling=resampling,
        )

    def output(self, key: PRNGKeyArray, channels: int, outputs: int, scale: float = LAST) -> ImageOutput:
        return ImageOutput(group_norm(channels, self.dtype), self.convolution(key, channels, outputs, scale=scale))

    def _attention(self, key: PRNGKeyArray, channels: int) -> Attention:
        inner_key, outer_key = jax.random.split(key)
        inner = self.convolution(inner_key, channels, 3 * channels, taps=1, scale=0.2**0.5)
        outer = self.convolution(outer_key, channels, channels, taps=1, scale=LAST)
        return Attention(group_norm(channels, self.dtype), inner, outer)

    def _linear(self, key: PRNGKeyArray, inputs: int, outputs: int) -> Linear:
        return xavier_linear(key, inputs, outputs, bfloat16=self.bfloat16, dtype=self.dtype)
