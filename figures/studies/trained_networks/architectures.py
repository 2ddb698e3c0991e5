"""What a trained network is, as part of a `Config`: the provenance stores every field, and `kind` says which it is."""

from dataclasses import dataclass

from jaxtyping import PRNGKeyArray

from sims.networks.cnn_resnet import cnn_resnet
from sims.networks.cnn_unet import cnn_unet
from sims.networks.filter_by_level import filter_by_level
from sims.networks.image_blocks import LAST
from sims.networks.linear_by_level import linear_by_level
from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork


@dataclass(frozen=True)
class Linear:
    """A linear network of its own at every noise level, of one layer or more."""

    layers: int = 1
    nodes: int = 32  # in ln σ
    kind: str = "linear"

    def build(self, dimension: int, key: PRNGKeyArray) -> PreconditionedNetwork:
        """The untrained network."""
        return PreconditionedNetwork(network=linear_by_level(dimension, nodes=self.nodes, layers=self.layers, key=key))


@dataclass(frozen=True)
class LinearConvolution:
    """A filter of its own at every noise level; images of `shape` (height, width, colours)."""

    shape: tuple[int, int, int]
    taps: int
    nodes: int = 32  # in ln σ
    kind: str = "linear convolution"

    def build(self, dimension: int, key: PRNGKeyArray) -> PreconditionedNetwork:
        """The untrained network, the same for every key. Raises ValueError unless the dimension is the shape's."""
        del key
        network = filter_by_level(_fitting(self.shape, dimension), taps=self.taps, nodes=self.nodes)
        return PreconditionedNetwork(network=network)


@dataclass(frozen=True)
class MLP:
    """The authors' MLP-UNet: 5, 256, 256 for Gaussian data, 8, 3072, 128 for images."""

    layers: int
    width: int
    embedding: int
    output_scale: float = 1.0  # of the output layer's initial weights; from 0 training starts at D = c_skip x
    kind: str = "MLP-UNet"

    def build(self, dimension: int, key: PRNGKeyArray) -> PreconditionedNetwork:
        """The untrained network."""
        network = mlp_unet(
            dimension,
            layers=self.layers,
            width=self.width,
            embedding=self.embedding,
            output_scale=self.output_scale,
            key=key,
        )
        return PreconditionedNetwork(network=network)


@dataclass(frozen=True)
class UNet:
    """The authors' CNN-UNet, one level per multiplier; images of `shape` (height, width, colours)."""

    shape: tuple[int, int, int]
    channels: int
    multipliers: tuple[int, ...]
    attention_at: tuple[int, ...] = ()
    middle_attention: bool = False
    output_scale: float = LAST  # of the last convolution's initial weights
    kind: str = "CNN-UNet"

    def build(self, dimension: int, key: PRNGKeyArray) -> PreconditionedNetwork:
        """The untrained network. Raises ValueError unless the dimension is the shape's."""
        network = cnn_unet(
            _fitting(self.shape, dimension),
            channels=self.channels,
            multipliers=self.multipliers,
            attention_at=self.attention_at,
            middle_attention=self.middle_attention,
            output_scale=self.output_scale,
            key=key,
        )
        return PreconditionedNetwork(network=network)


@dataclass(frozen=True)
class ResNet:
    """The authors' image network of one resolution."""

    shape: tuple[int, int, int]
    channels: int
    blocks: int
    output_scale: float = LAST  # of the last convolution's initial weights
    kind: str = "CNN-ResNet"

    def build(self, dimension: int, key: PRNGKeyArray) -> PreconditionedNetwork:
        """The untrained network. Raises ValueError unless the dimension is the shape's."""
        network = cnn_resnet(
            _fitting(self.shape, dimension),
            channels=self.channels,
            blocks=self.blocks,
            output_scale=self.output_scale,
            key=key,
        )
        return PreconditionedNetwork(network=network)


Architecture = Linear | LinearConvolution | MLP | UNet | ResNet


def _fitting(shape: tuple[int, int, int], dimension: int) -> tuple[int, int, int]:
    height, width, colours = shape
    if height * width * colours != dimension:
        raise ValueError(f"images of shape {shape} must have {height * width * colours} numbers; got {dimension}")
    return shape
