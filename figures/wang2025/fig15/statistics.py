"""How linear a denoiser is, and how far its filter lies from the best one."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.photograph_networks.denoisers import middle

EARLY = 0.1  # of the steps


def early_record(data: Arrays) -> int:
    """The last record within the first tenth of training."""
    return int(np.searchsorted(data["steps"], EARLY * data["steps"][-1], side="right")) - 1


def share_explained(data: Arrays, record: int) -> Float[np.ndarray, " models"]:
    """R² of the widest filter, mean over the middle noise levels."""
    return data["r_squared"][:, record][:, middle(data["noise_levels"]), -1].mean(axis=-1)


def exact_share(data: Arrays) -> Float[np.ndarray, " models"]:
    """The same of the exact denoiser of a Gaussian, which is linear but no convolution."""
    return data["exact_r_squared"][:, middle(data["noise_levels"]), -1].mean(axis=-1)


def distance(data: Arrays) -> Float[np.ndarray, "models records levels"]:
    """|w - w*|/|w*| of the compared filter w from theory's w*."""
    return _distance(data["taps"], data["theory_taps"][:, None])


def exact_distance(data: Arrays) -> Float[np.ndarray, "models levels"]:
    """The same of the exact denoiser of a Gaussian."""
    return _distance(data["exact_taps"], data["theory_taps"])


def log_distance(data: Arrays, record: int) -> Float[np.ndarray, " models"]:
    """ln of the root mean square distance over the middle noise levels."""
    return 0.5 * np.log((distance(data)[:, record][:, middle(data["noise_levels"])] ** 2).mean(axis=-1))


def _distance(taps: np.ndarray, theory: np.ndarray) -> np.ndarray:
    return np.sqrt(((taps - theory) ** 2).sum(axis=(-2, -1)) / (theory**2).sum(axis=(-2, -1)))
