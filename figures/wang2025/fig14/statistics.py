"""How far the eigenvalues of Jacobians lie from those of the exact denoiser of a Gaussian."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.photograph_networks.denoisers import middle
from figures.wang2025.fig14.experiment import CNN, MLP

WORDS = {MLP: "MLP-UNet", CNN: "CNN, one level"}


def gaussian_gains(data: Arrays) -> Float[np.ndarray, "models levels modes"]:
    """λ/(λ + σ²) by decreasing λ."""
    variance = data["variance"][:, None]
    return variance / (variance + data["noise_levels"][None, :, None] ** 2)


def distance(data: Arrays, kind: str) -> Float[np.ndarray, "models records levels"]:
    """Root mean square over eigenvalues and patches of real part less λ/(λ + σ²), both by decreasing size."""
    away = data[f"{kind}_real"] - gaussian_gains(data)[:, None, :, None]
    return np.sqrt((away**2).mean(axis=(-2, -1)))


def log_distance(data: Arrays, kind: str, record: int) -> Float[np.ndarray, " models"]:
    """ln of the root mean square distance over the middle noise levels."""
    return 0.5 * np.log((distance(data, kind)[:, record][:, middle(data["noise_levels"])] ** 2).mean(axis=-1))


def imaginary_share(data: Arrays, kind: str, record: int) -> Float[np.ndarray, " models"]:
    """Σ|Im|²/Σ|eigenvalue|² over eigenvalues, patches and the middle noise levels: zero where Jacobians are symmetric.

    It may be zero where they are not.
    """
    chosen = middle(data["noise_levels"])
    imaginary, real = (data[f"{kind}_{part}"][:, record][:, chosen] ** 2 for part in ("imaginary", "real"))
    return imaginary.sum(axis=(1, 2, 3)) / (imaginary + real).sum(axis=(1, 2, 3))


def rank_correlation(data: Arrays, kind: str, record: int) -> Float[np.ndarray, " models"]:
    """Spearman's, of gains along the data's modes with λ: mean over the middle noise levels."""
    gains = data[f"{kind}_gains"][:, record][:, middle(data["noise_levels"])]
    ranks = np.argsort(np.argsort(-gains, axis=-1), axis=-1).astype(float)
    expected = np.arange(gains.shape[-1], dtype=float)
    return np.array([[np.corrcoef(rank, expected)[0, 1] for rank in of_model] for of_model in ranks]).mean(axis=1)


def error_beyond_linear(data: Arrays, kind: str, record: int) -> Float[np.ndarray, " models"]:
    """Denoising error over σ² less the best linear denoiser's on the same patches: mean over the middle levels."""
    beyond = data[f"{kind}_error"][:, record] - data[f"{kind}_linear_error"][:, record]
    return beyond[:, middle(data["noise_levels"])].mean(axis=-1)


def eigenvalue_beyond_linear(data: Arrays, kind: str, record: int) -> Float[np.ndarray, " models"]:
    """Mean eigenvalue less the mean of λ/(λ + σ²): mean over the middle levels, and over patches."""
    beyond = data[f"{kind}_real"][:, record].mean(axis=(-2, -1)) - gaussian_gains(data).mean(axis=-1)
    return beyond[:, middle(data["noise_levels"])].mean(axis=-1)
