"""Networks on photographs of which the denoiser itself is measured, not what it generates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import Photographs, train_kinds
from figures.studies.trained_networks.experiment import DataModes, NetworkRun, Prepare, TrainedRun
from sims.measurements.denoisers import Denoiser


class MeasuredDenoisers(NamedTuple):
    """The models of every kind, and what was measured of them."""

    runs: dict[str, list[TrainedRun]]
    arrays: dict[str, Arrays]  # by kind: `steps` (records,), the measurements (models, records, ...)


def train_denoisers(
    photographs: Photographs,
    networks: Mapping[str, NetworkRun],
    prepare: Prepare,
    *,
    key: PRNGKeyArray,
    stage: RunStage,
    share: float,
) -> MeasuredDenoisers:
    """Train every kind of network, on the patches and from the keys that `train_on_photographs` takes."""
    runs, results = train_kinds(photographs, networks, prepare, key=key, stage=stage, share=share)
    arrays = {
        kind: {"steps": networks[kind].at} | {name: np.stack([each[name] for each in found]) for name in found[0]}
        for kind, found in results.items()
    }
    return MeasuredDenoisers(runs, arrays)


def evaluated(network: NetworkRun, evaluations: int) -> NetworkRun:
    """The network where a record costs so many evaluations: by them the work is cut into segments."""
    return replace(network, samples=evaluations, heun_steps=1)


def typical(data: Float[np.ndarray, "n pixels"], count: int) -> Float[np.ndarray, "count pixels"]:
    """The patches whose pixels vary most nearly as those of a patch do on average."""
    variance = data.astype(float).var(axis=1)
    return data[np.argsort(np.abs(variance - variance.mean()), kind="stable")[:count]]


def exact_denoiser(modes: DataModes) -> Denoiser:
    """What denoises a Gaussian with these moments, D(x) = μ + Σ_k u_k λ_k/(λ_k + σ²) u_kᵀ(x - μ); float32."""
    arrays = [jnp.asarray(array, jnp.float32) for array in modes]
    return jax.tree_util.Partial(_exact, *arrays)


def _exact(
    mean: Float[Array, " d"],
    variance: Float[Array, " modes"],
    basis: Float[Array, "d modes"],
    points: Float[Array, "n d"],
    noise_level: Float[Array, ""],
) -> Float[Array, "n d"]:
    gains = variance / (variance + noise_level**2)
    return mean[None] + ((points - mean[None]) @ basis * gains[None]) @ basis.T


def middle(noise_levels: Sequence[float] | np.ndarray) -> np.ndarray:
    """Which levels lie from 0.1 to 1: at lower ones a denoiser hardly does anything, at higher ones it gives a mean."""
    levels = np.asarray(noise_levels, dtype=float)
    return (levels >= 0.1) & (levels <= 1.0)
