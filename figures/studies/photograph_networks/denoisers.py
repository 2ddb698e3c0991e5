"""Networks on photographs of which the denoiser itself is measured, not what it generates."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.photograph_networks.training import TrainedKinds
from figures.studies.trained_networks.experiment import DataModes, Prepare, TrainedRun, each_model
from sims.measurements.denoisers import Denoiser
from sims.training.state import from_arrays


def measure_kept(
    trained: TrainedKinds,
    prepare: Prepare,
    *,
    stage: RunStage,
    share: float,
) -> dict[str, Arrays]:
    """What `prepare(run)(denoiser)` gives of the networks that were kept, a stage for each model.

    By kind: `steps` (kept,), the measurements (models, kept, ...).
    """
    every = [pair for kind, runs in trained.runs.items() for pair in zip(runs, trained.results[kind], strict=True)]
    stages = [
        Stage(f"{run.name}: denoiser", partial(_measure, run, result.kept, prepare), share / len(every))
        for run, result in every
    ]
    found = iter(stage.all(stages))
    return {
        kind: {"steps": runs[0].network.kept_at} | each_model([next(found) for _ in runs])
        for kind, runs in trained.runs.items()
    }


def _measure(run: TrainedRun, kept: Arrays, prepare: Prepare) -> Arrays:
    """Of one model, (kept, ...)."""
    measure = prepare(run)
    untrained = run.network.architecture.build(run.data.shape[1], run.key)
    records = len(run.network.kept_at)
    networks = (
        from_arrays({name: array[place] for name, array in kept.items()}, untrained) for place in range(records)
    )
    return each_model([measure(network) for network in networks])


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
