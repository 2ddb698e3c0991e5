"""Noise of a network's gradient over a batch, from sums over batches that its own training has made.

A batch of the training is the unit: with n batches, the mean of |g|² and |mean g|² are those of sizes (1, n), from
which `variance_and_signal` gives tr Cov(g) and |E g|² of a batch, also where its gradient is no mean over samples.
"""

import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from sims.training.gradient_sums import GradientSums
from theory.definitions.checks import whole_arguments


@whole_arguments("batches")
def norms_of_sums(sums: GradientSums, batches: int) -> Float[np.ndarray, "members 2 2"]:
    """For every member, of g as it is and as Adam scales it, the mean over batches of |g|² and |mean g|².

    All arrays have a leading axis of members; parts of the sums, of one of several players say, are sums themselves.
    Raises ValueError unless `batches` is 1, 2, ….
    """
    total = _rows(sums.total)
    scaled = total * _rows(sums.scale)
    plain, after = (_rows(each).sum(axis=1) / batches for each in (sums.squares, sums.scaled_squares))
    means = ((each / batches) ** 2 for each in (total, scaled))
    return np.stack([np.stack([plain, after]), np.stack([each.sum(axis=1) for each in means])], axis=-1).swapaxes(0, 1)


@whole_arguments("batches")
def mean_gradient(sums: GradientSums, batches: int) -> Float[np.ndarray, "members parameters"]:
    """The mean over batches, every member's in a row. Raises ValueError unless `batches` is 1, 2, …."""
    return _rows(sums.total) / batches


def _rows(tree: PyTree[Array]) -> Float[np.ndarray, "members numbers"]:
    leaves = [np.asarray(leaf, dtype=float) for leaf in jax.tree.leaves(tree)]
    return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)
