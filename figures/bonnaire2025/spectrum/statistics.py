"""Numbers read from stored eigenvalues: distances to a law, edges by rank, and how many lie in a part."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays


def kolmogorov_smirnov(share: Float[np.ndarray, "replicates n"]) -> Float[np.ndarray, " replicates"]:
    """max |F_n - F| of every replicate, of F at its ordered numbers."""
    count = share.shape[1]
    after, before = np.arange(1, count + 1) / count, np.arange(count) / count
    return np.max(np.maximum(np.abs(after - share), np.abs(share - before)), axis=1)


def log_edge(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """ln of the smallest of the n - d eigenvalues of ρ_1: d of the n + d largest lie below it."""
    return np.log(data[f"eigenvalues_{place}"][:, int(data["dimension"])])


def low_share(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """How many of the n + d largest eigenvalues lie below half the left edge of ρ_1 in theory, over d."""
    below = data[f"eigenvalues_{place}"] < data["edge"][place, 0] / 2
    return below.sum(axis=1) / float(data["dimension"])


def high_share(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """How many lie above half the left edge of ρ_2 in theory, over d."""
    above = data[f"eigenvalues_{place}"] > data["edge"][place, 1] / 2
    return above.sum(axis=1) / float(data["dimension"])


def log_largest(data: Arrays, place: int) -> Float[np.ndarray, " replicates"]:
    """Mean of ln λ over the d largest eigenvalues."""
    return np.log(data[f"eigenvalues_{place}"][:, -int(data["dimension"]) :]).mean(axis=1)
