"""Variances and covariances of samples in the data's modes, of samples that come in blocks, with groups left out."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from sims.measurements.estimates import known_numbers
from theory.definitions.checks import whole_arguments


class ModeMoments(NamedTuple):
    """Sums over samples of coordinates a_k = u_kᵀ(x - μ), apart for each of some groups of the samples.

    Every statistic can be had without one group, for its jackknife error; sample i belongs to group i mod groups, so
    that snapshots whose samples grew from the same noises have the same noises in a group.
    """

    counts: Int[np.ndarray, " groups"]
    sums: Float[np.ndarray, "groups modes"]  # Σ a_k
    squares: Float[np.ndarray, "groups modes"]  # Σ a_k²
    products: Float[np.ndarray, "groups leading leading"]  # Σ a_k a_l of the leading modes
    least: Float[np.ndarray, "groups modes"]
    greatest: Float[np.ndarray, "groups modes"]

    def variance(self, without: int | None = None) -> Float[np.ndarray, " modes"]:
        """Sample variance of every mode (n - 1 in the denominator), of all groups or of all but one.

        Zero where all samples have one coordinate, to its round-off.
        """
        count, total = self._kept(self.counts, without), self._kept(self.sums, without)
        scatter = np.maximum(self._kept(self.squares, without) - total**2 / count, 0.0)
        return np.where(self._constant(without), 0.0, scatter) / (count - 1)

    def covariance(self, without: int | None = None) -> Float[np.ndarray, "leading leading"]:
        """Sample covariance of the leading modes, of all groups or of all but one; zero of what does not vary."""
        leading = self.products.shape[-1]
        count, total = self._kept(self.counts, without), self._kept(self.sums, without)[:leading]
        constant = self._constant(without)[:leading]
        scatter = self._kept(self.products, without) - np.outer(total, total) / count
        return np.where(constant | constant[:, None], 0.0, scatter) / (count - 1)

    def count(self, without: int | None = None) -> int:
        """Number of samples, of all groups or of all but one."""
        return int(self._kept(self.counts, without))

    def _constant(self, without: int | None) -> Bool[np.ndarray, " modes"]:
        """Modes whose coordinates differ by round-off alone; by their sums they would vary by n times as much."""
        least, greatest = self.least, self.greatest
        if without is not None:
            least, greatest = np.delete(least, without, axis=0), np.delete(greatest, without, axis=0)
        least, greatest = least.min(axis=0, initial=np.inf), greatest.max(axis=0, initial=-np.inf)
        largest = np.max(np.maximum(np.abs(least), np.abs(greatest)))
        return np.abs(greatest - least) < 16 * np.finfo(float).eps * largest

    @staticmethod
    def _kept(array: np.ndarray, without: int | None) -> np.ndarray:
        return (array if without is None else np.delete(array, without, axis=0)).sum(axis=0)


@whole_arguments("groups", "leading")
def mode_moments(
    blocks: Iterable[Float[np.ndarray, "n d"]],
    mean: Float[np.ndarray, " d"],
    basis: Float[np.ndarray, "d modes"],
    *,
    groups: int,
    leading: int,
) -> ModeMoments:
    """The sums over all samples in the blocks, of `groups` groups; products of the `leading` first modes.

    Coordinates are about `mean`, the data's. Raises ValueError for fewer than one group or leading mode, samples of
    another dimension than the modes, and NaN.
    """
    modes = basis.shape[1]
    counts, sums, squares = np.zeros(groups, int), np.zeros((groups, modes)), np.zeros((groups, modes))
    products = np.zeros((groups, *(min(leading, modes),) * 2))
    least, greatest = np.full((groups, modes), np.inf), np.full((groups, modes), -np.inf)
    before = 0
    for block in blocks:
        block = known_numbers(block)
        if block.shape[1:] != mean.shape:
            raise ValueError(f"samples must have {len(mean)} coordinates, as the mean; got shape {block.shape}")
        coordinates = (block - mean) @ basis
        member = (before + np.arange(len(block))) % groups
        for group in range(groups):
            own = coordinates[member == group]
            counts[group] += len(own)
            sums[group] += own.sum(axis=0)
            squares[group] += np.sum(own**2, axis=0)
            products[group] += own[:, :leading].T @ own[:, :leading]
            least[group] = np.minimum(least[group], own.min(axis=0, initial=np.inf))
            greatest[group] = np.maximum(greatest[group], own.max(axis=0, initial=-np.inf))
        before += len(block)
    return ModeMoments(counts, sums, squares, products, least, greatest)
