"""The image U-Net of Wang & Pehlevan 2025: SongUNet of Karras et al. 2022 (DDPM++), smaller."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.embeddings import Conditioning
from sims.networks.image_blocks import LAST, ImageBlock, ImageOutput, NoiseMap, Parts, image_shape
from sims.networks.image_convolution import Convolution, as_samples, channels_first
from theory.definitions.checks import check_whole, whole, whole_arguments


class CNNUNet(eqx.Module):
    """Blocks at ever coarser resolutions and back, the way back with all images of the way there, as F(c_in x, u).

    Samples are images of `shape` (height, width, channels) in row order, channels last.
    """

    noise_map: NoiseMap
    first: Convolution
    encoder: tuple[ImageBlock, ...]
    middle: tuple[ImageBlock, ...]
    decoder: tuple[ImageBlock, ...]
    last: ImageOutput
    shape: tuple[int, int, int] = eqx.field(static=True)

    def __call__(self, inputs: Float[Array, "n dim"], conditioning: Conditioning) -> Float[Array, "n dim"]:
        features = self.noise_map(conditioning)
        images = [self.first(channels_first(inputs, self.shape))]
        for block in self.encoder:
            images.append(block(images[-1], features))
        hidden = images[-1]
        for block in self.middle:
            hidden = block(hidden, features)
        for block in self.decoder:
            # Blocks that go to a finer resolution take nothing from the way there.
            taken = hidden if block.resampling else jnp.concatenate([hidden, images.pop()], axis=0)
            hidden = block(taken, features)
        return as_samples(self.last(hidden))


@whole_arguments("channels", "blocks")
def cnn_unet(
    shape: tuple[int, int, int],
    *,
    channels: int,
    multipliers: Sequence[int],
    key: PRNGKeyArray,
    blocks: int = 1,
    attention_at: Collection[int] = (),
    middle_attention: bool = True,
    output_scale: float = LAST,
    bfloat16: bool = False,
    dtype=jnp.float32,
) -> CNNUNet:
    """One level per multiplier, of channels × multiplier channels and half the resolution of the one before.

    Every level has so many `blocks` on the way there and one more on the way back. Attention is at resolutions (heights
    in pixels) `attention_at`, in the last block of the way back, and with `middle_attention` at the coarsest level. The
    authors have channels=128, multipliers=(1, 2, 2, 2), attention_at=(8,) for FFHQ, AFHQ and CIFAR, and their runs
    "without attention" have it in the middle. `output_scale` multiplies what the last convolution starts from: like
    every branch of theirs from almost nothing, so that training starts at D = c_skip x. Raises ValueError for an image
    that cannot be halved so often, for channels that have no even groups, and for attention at a resolution that no
    level has.
    """
    check_whole("the number of levels", len(multipliers))
    multipliers = [whole("a multiplier", multiplier) for multiplier in multipliers]
    shape = image_shape(shape)
    height, width, colours = shape
    coarsest = 2 ** (len(multipliers) - 1)
    if height % coarsest or width % coarsest:
        raise ValueError(
            f"height and width must be multiples of {coarsest} for {len(multipliers)} levels; got {height} and {width}"
        )
    resolutions = [height >> level for level in range(len(multipliers))]
    if not set(attention_at) <= set(resolutions):
        raise ValueError(f"attention_at must be some of the resolutions {resolutions}; got {sorted(attention_at)}")
    parts = Parts(4 * channels, bfloat16, dtype)
    map_key, first_key, encoder_key, middle_key, decoder_key, last_key = jax.random.split(key, 6)
    levels = [
        _Level(factor * channels, resolution in attention_at)
        for factor, resolution in zip(multipliers, resolutions, strict=True)
    ]
    encoder, widths = _encoder(parts, encoder_key, channels, levels, blocks)
    keys, coarse = jax.random.split(middle_key), levels[-1].channels
    middle = (
        parts.block(keys[0], coarse, coarse, attention=middle_attention),
        parts.block(keys[1], coarse, coarse),
    )
    return CNNUNet(
        parts.noise_map(map_key, channels),
        parts.convolution(first_key, colours, channels),
        encoder,
        middle,
        _decoder(parts, decoder_key, widths, levels, blocks),
        parts.output(last_key, levels[0].channels, colours, output_scale),
        shape,
    )


class _Level(NamedTuple):
    channels: int
    attention: bool


def _encoder(
    parts: Parts, key: PRNGKeyArray, channels: int, levels: Sequence[_Level], blocks: int
) -> tuple[tuple[ImageBlock, ...], list[int]]:
    """The blocks of the way there, and the channels of all images on it, those of the first convolution among them."""
    found, widths = [], [channels]
    for number, level in enumerate(levels):
        keys = jax.random.split(jax.random.fold_in(key, number), blocks + 1)
        if number:
            found.append(parts.block(keys[-1], widths[-1], widths[-1], resampling="halved"))
            widths.append(widths[-1])
        for block_key in keys[:-1]:
            found.append(parts.block(block_key, widths[-1], level.channels, attention=level.attention))
            widths.append(level.channels)
    return tuple(found), widths


def _decoder(
    parts: Parts, key: PRNGKeyArray, widths: Sequence[int], levels: Sequence[_Level], blocks: int
) -> tuple[ImageBlock, ...]:
    """The blocks of the way back, every one but those that double beside an image of the way there."""
    found, remaining, here = [], list(widths), levels[-1].channels
    for number, level in reversed(list(enumerate(levels))):
        keys = jax.random.split(jax.random.fold_in(key, number), blocks + 2)
        if number < len(levels) - 1:
            found.append(parts.block(keys[-1], here, here, resampling="doubled"))
        for block in range(blocks + 1):
            attention = block == blocks and level.attention
            found.append(parts.block(keys[block], here + remaining.pop(), level.channels, attention=attention))
            here = level.channels
    return tuple(found)
