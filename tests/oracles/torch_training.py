"""A training run by somebody else: PyTorch as its documentation has it, and nothing of ours.

A denoising model on flattened samples with the noise of EDM (Karras et al. 2022): an MLP between linear layers, Adam,
DataLoader, Heun's method; samples of several steps are saved by `np.save` under the names `step_000100.npy`.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIGMA_DATA = 0.5


class Denoiser(nn.Module):
    """c_skip x + c_out F(c_in x, ln σ/4)."""

    def __init__(self, dimension: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(dimension + 1, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, dimension)
        )

    def forward(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        total = (sigma**2 + SIGMA_DATA**2).sqrt()
        inside = self.net(torch.cat([x / total, sigma.log() / 4], dim=1))
        return SIGMA_DATA**2 / total**2 * x + sigma * SIGMA_DATA / total * inside


def train(
    data: np.ndarray, folder: Path, *, steps: list[int], width: int, samples: int, batch_size: int, rate: float
) -> None:
    """Train on rows of `data`, of standard deviation about ½, and save `samples` samples after each of `steps`."""
    torch.manual_seed(0)
    model = Denoiser(data.shape[1], width)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    noise = torch.randn(samples, data.shape[1])
    loader = DataLoader(TensorDataset(torch.as_tensor(data, dtype=torch.float32)), batch_size, shuffle=True)
    step = 0
    while True:
        for (clean,) in loader:
            if step in steps:
                np.save(folder / f"step_{step:06d}.npy", sample(model, noise).numpy())
            if step == steps[-1]:
                return
            sigma = torch.exp(1.2 * torch.randn(len(clean), 1) - 1.2)
            weight = (sigma**2 + SIGMA_DATA**2) / (sigma * SIGMA_DATA) ** 2
            loss = (weight * (model(clean + sigma * torch.randn_like(clean), sigma) - clean) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1


@torch.no_grad()
def sample(model: nn.Module, noise: torch.Tensor, levels: int = 24) -> torch.Tensor:
    """Heun's method from σ = 80 to .002, then a last step to zero."""
    sigmas = torch.linspace(80.0 ** (1 / 7), 0.002 ** (1 / 7), levels) ** 7
    x = sigmas[0] * noise
    for now, after in zip(sigmas, sigmas[1:], strict=False):
        slope = (x - model(x, now.expand(len(x), 1))) / now
        ahead = x + (after - now) * slope
        x = x + (after - now) * (slope + (ahead - model(ahead, after.expand(len(x), 1))) / after) / 2
    return model(x, sigmas[-1].expand(len(x), 1))
