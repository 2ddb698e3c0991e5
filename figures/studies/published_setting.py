"""The setting of Vastola 2025, Figs. 2 and 3, that other figures take over: process, features, gap, prior."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.features import AbstractFeatures, FourierFeatures, GaussianFeatures
from theory.definitions.processes import VariancePreserving
from theory.definitions.schedules import LinearSchedule

GAP = (0.25, 0.75)  # of |x|, between neighbours of the data {-1, 0, 1}
POSITIONS = (-1.5, 1.5)  # where features lie and histograms are drawn, in every dimension
FEATURES: dict[str, Callable[..., AbstractFeatures]] = {"Gaussian": GaussianFeatures, "Fourier": FourierFeatures}


def process_of(cutoff: float) -> VariancePreserving:
    """The variance-preserving process of Vastola's figures, sampled down to the cut-off ε."""
    return VariancePreserving(LinearSchedule(0.1, 20.0), end_time=cutoff)


def features_of(kind: str, dimension: int, per_axis: int, per_time: int, cutoff: float) -> AbstractFeatures:
    """Features of (x, t) of a kind of `FEATURES`, evenly over `POSITIONS` and the times from ε to 1."""
    return FEATURES[kind](dimension, per_axis, per_time, positions=POSITIONS, times=(cutoff, 1.0))


def bin_edges(bins: int) -> Float[np.ndarray, " edges"]:
    """Edges of the bins of histograms along an axis."""
    return np.linspace(*POSITIONS, bins + 1)


def normal_quantiles(count: int) -> Float[Array, " n"]:
    """Mid-quantiles of N(0, 1): a stratified draw, the same for every model."""
    return jax.scipy.special.ndtri((jnp.arange(count) + 0.5) / count)


def stratified_prior(process: VariancePreserving, samples: int) -> Float[Array, "n 1"]:
    """Stratified draw from N(0, σ_T²) in one dimension: the mid-quantiles, the same for every model."""
    return process.noise_scale(jnp.asarray(process.start_time)) * normal_quantiles(samples)[:, None]
