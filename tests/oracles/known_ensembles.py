"""Ensembles whose statistics are known in full, and claims by their names."""

import numpy as np

from figures.common.claims import Claim


def points_between(random: np.random.Generator, grid: np.ndarray, low: float, high: float, shape: tuple[int, ...]):
    """Random samples halfway between grid points, where the trapezoidal rule makes no error."""
    inside = np.flatnonzero((grid >= low) & (grid < high))
    return (grid[:-1] + grid[1:])[random.choice(inside, size=shape)] / 2


def law_of_scores(position: np.ndarray, kinds: int = 12) -> np.ndarray:
    """Fields (kinds, n) whose sum with independent N(0, 1) amplitudes is a score; no two places vary alike."""
    waves = np.arange(1, kinds + 1)[:, None]
    return np.cos(np.pi * waves * position + waves**2) / waves**0.5


def drawn_scores(random: np.random.Generator, fields: np.ndarray, models: int) -> np.ndarray:
    return random.normal(size=(models, len(fields))) @ fields


def claims_by_name(claims: list[Claim]) -> dict[str, Claim]:
    assert len({claim.name for claim in claims}) == len(claims)
    return {claim.name: claim for claim in claims}
