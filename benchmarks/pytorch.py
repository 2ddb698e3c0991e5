"""MLP-UNet and image U-Net, their training step and sampler in PyTorch, as one writes them there: references for ours.

PyTorch is optional: `pip install 'diffusion-learning-theory[benchmarks]'`.
"""

import abc
import importlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from sims.networks.cnn_unet import CNNUNet
from sims.networks.mlp_unet import MLPUNet

MISSING = (
    "PyTorch is not installed, so ours is not compared with it: pip install 'diffusion-learning-theory[benchmarks]'"
)


def pytorch() -> Any | None:
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        return None


class AbstractTorchNetwork(abc.ABC):
    """The arrays of one of our networks as PyTorch's, and the same functions of them."""

    def __init__(self, torch: Any, network: MLPUNet | CNNUNet) -> None:
        self.torch = torch
        self.arrays: Any = jax.tree.map(lambda leaf: torch.nn.Parameter(torch.tensor(np.asarray(leaf))), network)
        self.rearrange()
        self.parameters = [leaf for leaf in jax.tree.leaves(self.arrays) if leaf.requires_grad]

    @abc.abstractmethod
    def rearrange(self) -> None:
        """Lay arrays out as PyTorch has them, and name those that are not trained."""

    @abc.abstractmethod
    def network(self, x: Any, conditioning: Any) -> Any:
        """F."""

    def denoised(self, x: Any, level: Any) -> Any:
        """D(x, σ) with EDM's scales for σ_d = ½; one level for each of x, or one row for all."""
        spread = (level**2 + 0.25).sqrt()
        return 0.25 / spread**2 * x + 0.5 * level / spread * self.network(x / spread, level.log() / 4)

    def trainer(self, data: np.ndarray, batch_size: int, learning_rate: float) -> Callable[[int], None]:
        """A function that takes so many steps of Adam on EDM's loss."""
        torch, clean = self.torch, self.torch.tensor(data)
        optimiser = torch.optim.Adam(self.parameters, lr=learning_rate)

        def train(steps: int) -> None:
            for _ in range(steps):
                x = clean[torch.randint(0, len(clean), (batch_size,))]
                level = (1.2 * torch.randn(batch_size, 1) - 1.2).exp()
                error = self.denoised(x + level * torch.randn_like(x), level) - x
                loss = ((level**2 + 0.25) / (0.5 * level) ** 2 * error**2).sum(dim=1).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

        return train

    def sampled(self, noise: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Heun's method through these levels, of which the last is zero."""
        torch = self.torch
        with torch.no_grad():
            x, schedule = float(levels[0]) * torch.tensor(noise), torch.tensor(levels)[:, None, None]
            for level, following in zip(schedule[:-2], schedule[1:-1], strict=True):
                slope = (x - self.denoised(x, level)) / level
                ahead = x + (following - level) * slope
                x = x + (following - level) * (slope + (ahead - self.denoised(ahead, following)) / following) / 2
            return self.denoised(x, schedule[-2]).numpy()


class TorchMLP(AbstractTorchNetwork):
    """The MLP-UNet."""

    def rearrange(self) -> None:
        """PyTorch keeps the matrix of a linear map transposed."""
        self.arrays.embedding.frequencies.requires_grad_(False)
        blocks = self.arrays.blocks
        maps = [part for block in blocks for part in (block.inner, block.scale, block.shift, block.outer)]
        maps += [block.shortcut for block in blocks if block.shortcut is not None]
        for layer in [*maps, self.arrays.output]:
            layer.weight.data = layer.weight.data.T.contiguous()

    def network(self, x: Any, conditioning: Any) -> Any:
        """F."""
        torch, functions = self.torch, self.torch.nn.functional
        angles = 2 * np.pi * conditioning * self.arrays.embedding.frequencies
        features = torch.cat([angles.sin(), angles.cos()], dim=1)

        def linear(layer: Any, x: Any) -> Any:
            return functions.linear(x, layer.weight, layer.bias)

        def norm(layer: Any, x: Any) -> Any:
            return functions.layer_norm(x, x.shape[1:], layer.scale, layer.shift, 1e-5)

        for block in self.arrays.blocks:
            hidden = linear(block.inner, functions.silu(norm(block.outer_norm, x)))
            scale, shift = linear(block.scale, features), linear(block.shift, features)
            hidden = functions.silu(torch.addcmul(shift, norm(block.inner_norm, hidden), scale + 1))
            x = linear(block.outer, hidden) + (x if block.shortcut is None else linear(block.shortcut, x))
        return linear(self.arrays.output, x)


class TorchUNet(AbstractTorchNetwork):
    """An image U-Net of one level without attention; convolutions and normalisations are PyTorch's own."""

    def rearrange(self) -> None:
        """PyTorch keeps the matrix of a linear map transposed, and the output's channels of a filter first."""
        blocks = [*self.arrays.encoder, *self.arrays.middle, *self.arrays.decoder]
        noise = self.arrays.noise_map
        for layer in [noise.inner, noise.outer, *(block.bias for block in blocks)]:
            layer.weight.data = layer.weight.data.T.contiguous()
        within = [part for block in blocks for part in (block.inner, block.outer, block.shortcut) if part is not None]
        for layer in [self.arrays.first, *within, self.arrays.last.convolution]:
            layer.kernel.data = layer.kernel.data.permute(3, 2, 0, 1).contiguous()

    def network(self, x: Any, conditioning: Any) -> Any:
        """F."""
        torch, functions = self.torch, self.torch.nn.functional
        height, width, colours = self.arrays.shape

        def linear(layer: Any, rows: Any) -> Any:
            return functions.linear(rows, layer.weight, layer.bias)

        def convolved(layer: Any, images: Any) -> Any:
            return functions.conv2d(images, layer.kernel, layer.bias, padding=layer.kernel.shape[-1] // 2)

        def active(layer: Any, images: Any) -> Any:
            groups = min(32, images.shape[1] // 4)
            return functions.silu(functions.group_norm(images, groups, layer.scale, layer.shift, 1e-6))

        features = self.arrays.noise_map.embedding.width // 2
        angles = conditioning * torch.tensor(1e-4 ** np.linspace(0, 1, features), dtype=x.dtype)
        hidden = functions.silu(linear(self.arrays.noise_map.inner, torch.cat([angles.sin(), angles.cos()], dim=1)))
        noise = functions.silu(linear(self.arrays.noise_map.outer, hidden))

        def block(layers: Any, images: Any) -> Any:
            inside = convolved(layers.inner, active(layers.outer_norm, images))
            inside = inside + linear(layers.bias, noise)[:, :, None, None]
            inside = convolved(layers.outer, active(layers.inner_norm, inside))
            return 0.5**0.5 * (inside + (images if layers.shortcut is None else convolved(layers.shortcut, images)))

        kept = [convolved(self.arrays.first, x.reshape(-1, height, width, colours).permute(0, 3, 1, 2))]
        for layers in self.arrays.encoder:
            kept.append(block(layers, kept[-1]))
        images = kept[-1]
        for layers in self.arrays.middle:
            images = block(layers, images)
        for layers in self.arrays.decoder:
            images = block(layers, torch.cat([images, kept.pop()], dim=1))
        output = convolved(self.arrays.last.convolution, active(self.arrays.last.norm, images))
        return output.permute(0, 2, 3, 1).reshape(len(x), -1)
