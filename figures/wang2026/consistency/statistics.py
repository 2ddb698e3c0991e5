"""What single networks, and pairs of them, say about the theory, read from stored arrays."""

import numpy as np

from figures.common.stages import Arrays


def deviation_of_mean(data: Arrays, name: str, setting: str, time: int = -1) -> np.ndarray:
    """(trained - theory)/theory of the diagonal elements, mean over n and modes, (networks,)."""
    trained, theory = data[f"{name}_{setting}"][:, :, time], data[f"{name}_theory_{setting}"][:, time]
    return (trained / theory - 1).mean(axis=(1, 2))


def overshrinkage(data: Arrays, setting: str) -> np.ndarray:
    """Gain over that of infinite data, less one, at the fewest points and the end of training, (networks, modes)."""
    variance = data[f"variance_{setting}"]
    return data[f"gains_{setting}"][:, 0, -1] * (variance + data["level"] ** 2) / variance - 1


def weak_and_strong(data: Arrays, setting: str) -> tuple[np.ndarray, np.ndarray]:
    """`overshrinkage` of the thirds of the modes with the least and the most variance, mean over each, (networks,)."""
    found = overshrinkage(data, setting)
    third = max(found.shape[1] // 3, 1)
    return found[:, -third:].mean(axis=1), found[:, :third].mean(axis=1)


def spread(data: Arrays, name: str, setting: str, time: int = -1) -> np.ndarray:
    """Variance of elements over networks, trained/theory, mean over elements and n, (networks,)."""
    return data[f"spread_of_{name}_{setting}"][:, :, time].mean(axis=1)


def spread_with_fourth_moments(data: Arrays, name: str, setting: str) -> np.ndarray:
    """The same at the most points and the end of training, over the theory with the data's fourth moments."""
    return data[f"spread_of_{name}_fourth_{setting}"][:, -1, -1]


def diagonal_spread(data: Arrays, setting: str) -> np.ndarray:
    """Variance of diagonal elements of the denoiser, trained over that without the Wick term, mean over n, (networks,).

    The end of training. The factorised law is half of the theory there.
    """
    return 2 * data[f"diagonal_spread_of_gains_{setting}"][:, :, -1].mean(axis=1)


def pairs_less_theory(data: Arrays, setting: str, time: int = -1) -> np.ndarray:
    """Agreement of the samples of a pair less the theory's, mean over n, (pairs,)."""
    return (data[f"agreement_{setting}"] - data[f"agreement_theory_{setting}"])[:, :, time].mean(axis=1)


def distance_over_theory(data: Arrays, setting: str, which: str = "theory") -> np.ndarray:
    """Squared distance of the samples of a pair over the theory's, less one, mean over n, end of training, (pairs,)."""
    return (data[f"distance_{setting}"] / data[f"distance_{which}_{setting}"])[:, :, -1].mean(axis=1) - 1


def gained_agreement(data: Arrays, setting: str) -> np.ndarray:
    """Share of the disagreement at the fewest points that is left at the most, ln, (pairs,)."""
    left = 1 - data[f"agreement_{setting}"][:, :, -1]
    return np.log(left[:, -1] / left[:, 0])
