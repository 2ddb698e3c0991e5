"""Figure 14 of Wang & Pehlevan 2025: eigenvalues of the denoiser's Jacobian over training.

Where a denoiser is that of a Gaussian, its Jacobian is Σ(Σ + σ²)⁻¹ at every point, with the eigenvalues λ/(λ + σ²).
Those of an MLP-UNet and of a one-level convolutional U-Net are taken at photograph patches with noise.
"""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.denoisers import evaluated, train_denoisers, typical
from figures.studies.photograph_networks.experiment import MLP_RUNS, ONE_LEVEL_RUNS, PHOTOGRAPHS, Photographs
from figures.studies.trained_networks.experiment import Measurement, NetworkRun, TrainedRun, data_modes, prefixed
from sims.measurements.denoisers import Denoiser
from sims.measurements.jacobians import denoiser_jacobians, jacobian_eigenvalues, jacobians_in_modes

MLP, CNN = "mlp", "cnn"


@dataclass(frozen=True)
class Points:
    """Where Jacobians are taken."""

    noise_levels: tuple[float, ...]
    patches: int  # with one noise each


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    mlp: NetworkRun
    cnn: NetworkRun
    points: Points


def _config(preset: str, points: Points) -> Config:
    photographs = PHOTOGRAPHS[preset]
    # A row of a Jacobian takes an evaluation and the way back.
    evaluations = 3 * photographs.size**2 * points.patches * len(points.noise_levels)
    mlp, cnn = (evaluated(runs[preset], evaluations) for runs in (MLP_RUNS, ONE_LEVEL_RUNS))
    return Config(photographs, mlp, cnn, points)


PRESETS = {
    "quick": _config("quick", Points((0.03, 0.1, 0.3, 1.0, 3.0), patches=2)),
    "paper": _config("paper", Points((0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0), patches=2)),
    "tiny": _config("tiny", Points((0.3, 1.0), patches=1)),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`noise_levels` (levels,), `variance` (models, modes) of the data, and for both networks `steps` (records,) and

    `real`, `imaginary` (models, records, levels, patches, modes), eigenvalues by decreasing real part; `gains`
    (models, records, levels, modes), the diagonal of the Jacobian in the data's modes, mean over patches.
    """
    networks = {MLP: config.mlp, CNN: config.cnn}
    prepare = partial(measure_jacobians, points=config.points)
    runs, found = train_denoisers(config.photographs, networks, prepare, key=key, stage=stage, share=1.0)
    arrays = {
        "noise_levels": np.array(config.points.noise_levels),
        "variance": np.stack([data_modes(run.data).variance for run in runs[MLP]]),
    }
    for kind in networks:
        arrays |= prefixed(kind, found[kind])
    return arrays


def measure_jacobians(run: TrainedRun, *, points: Points) -> Measurement:
    """Eigenvalues (levels, patches, modes) and gains (levels, modes) at typical patches with noise.

    All records see the same points.
    """
    patches, basis = typical(run.data, points.patches), data_modes(run.data).basis
    noise = np.asarray(jax.random.normal(jax.random.fold_in(run.key, 1), patches.shape, np.float32))

    def measured(denoiser: Denoiser) -> Arrays:
        eigenvalues, gains = [], []
        for level in points.noise_levels:
            jacobians = denoiser_jacobians(denoiser, patches + np.float32(level) * noise, level)
            eigenvalues.append(jacobian_eigenvalues(jacobians))
            gains.append(np.diagonal(jacobians_in_modes(jacobians, basis), axis1=-2, axis2=-1).mean(axis=0))
        values = np.stack(eigenvalues)
        return {"real": np.real(values), "imaginary": np.imag(values), "gains": np.stack(gains)}

    return measured
