"""Figure 14 of Wang & Pehlevan 2025: eigenvalues of the denoiser's Jacobian over training.

Where a denoiser is that of a Gaussian, its Jacobian is Σ(Σ + σ²)⁻¹ at every point, with the eigenvalues λ/(λ + σ²).
Those of an MLP-UNet and of a one-level convolutional U-Net are taken at photograph patches with noise.

Of any exact denoiser the Jacobian is the covariance of what the noisy patch leaves open, over σ²: its mean eigenvalue
is on average the denoising error over σ². So errors are measured too, beside those of the best linear denoiser.
"""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.denoisers import exact_denoiser, measure_kept, typical
from figures.studies.photograph_networks.sizes import MLP_RUNS, ONE_LEVEL_RUNS, PHOTOGRAPHS
from figures.studies.photograph_networks.training import Photographs, train_kinds
from figures.studies.trained_networks.experiment import Measurement, NetworkRun, TrainedRun, data_modes, prefixed
from sims.measurements.denoisers import Denoiser, denoised
from sims.measurements.jacobians import denoiser_jacobians, jacobian_eigenvalues, jacobians_in_modes

MLP, CNN = "mlp", "cnn"

_JUDGED = 512  # patches whose denoising error is measured
_TRAINING_SHARE = 0.7


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
    return Config(PHOTOGRAPHS[preset], MLP_RUNS[preset], ONE_LEVEL_RUNS[preset], points)


PRESETS = {
    "quick": _config("quick", Points((0.03, 0.1, 0.3, 1.0, 3.0), patches=2)),
    "paper": _config("paper", Points((0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0), patches=2)),
    "tiny": _config("tiny", Points((0.3, 1.0), patches=1)),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`noise_levels` (levels,), `variance` (models, modes) of the data; of both networks `steps` (records,) kept:

    `real`, `imaginary` (models, records, levels, patches, modes), eigenvalues by decreasing real part; `gains`
    (models, records, levels, modes), the diagonal of the Jacobian in the data's modes, mean over patches; `error`
    (models, records, levels), mean of |D(x + σz) - x|²/(dσ²) over more patches, and `linear_error` of the exact
    denoiser of a Gaussian on the same.
    """
    networks = {MLP: config.mlp, CNN: config.cnn}
    prepare = partial(measure_jacobians, points=config.points)
    trained = train_kinds(config.photographs, networks, key=key, stage=stage, share=_TRAINING_SHARE)
    found = measure_kept(trained, prepare, stage=stage, share=1 - _TRAINING_SHARE)
    arrays = {
        "noise_levels": np.array(config.points.noise_levels),
        "variance": np.stack([data_modes(run.data).variance for run in trained.runs[MLP]]),
    }
    for kind in networks:
        arrays |= prefixed(kind, found[kind])
    return arrays


def measure_jacobians(run: TrainedRun, *, points: Points) -> Measurement:
    """Eigenvalues (levels, patches, modes) and gains (levels, modes) at typical patches with noise, and errors.

    All records see the same points.
    """
    modes, patches, judged = data_modes(run.data), typical(run.data, points.patches), run.data[:_JUDGED]
    noise, judged_noise = (
        np.asarray(jax.random.normal(jax.random.fold_in(run.key, place), each.shape, np.float32))
        for place, each in ((1, patches), (2, judged))
    )

    def errors(denoiser: Denoiser) -> np.ndarray:
        answers = [
            denoised(denoiser, judged + np.float32(level) * judged_noise, level, len(judged))
            for level in points.noise_levels
        ]
        squares = [np.mean((answer - judged).astype(float) ** 2) for answer in answers]
        return np.array(squares) / np.square(points.noise_levels)

    linear = errors(exact_denoiser(modes))

    def measured(denoiser: Denoiser) -> Arrays:
        eigenvalues, gains = [], []
        for level in points.noise_levels:
            jacobians = denoiser_jacobians(denoiser, patches + np.float32(level) * noise, level)
            eigenvalues.append(jacobian_eigenvalues(jacobians))
            gains.append(np.diagonal(jacobians_in_modes(jacobians, modes.basis), axis1=-2, axis2=-1).mean(axis=0))
        values = np.stack(eigenvalues)
        spectra = {"real": np.real(values), "imaginary": np.imag(values), "gains": np.stack(gains)}
        return spectra | {"error": errors(denoiser), "linear_error": linear}

    return measured
