"""How much of what a trained network generates is linear: gains along the data's modes, and what they alone predict.

At records of training the gain ψ_k(σ) of a mode is measured at the sampler's own noise levels, on data with noise. Put
into the sampler's steps these gains predict a variance, with no nonlinearity and no mixing of modes in it, and as if
the sampler took noisy data's way. Beside it stands the variance that the network generates, and the share of it that is
linear in the mode's own noise.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.denoisers import measure_kept
from figures.studies.photograph_networks.sizes import MLP_RUNS, ONE_LEVEL_RUNS, PHOTOGRAPHS
from figures.studies.photograph_networks.training import Photographs, train_kinds
from figures.studies.trained_networks.architectures import Linear
from figures.studies.trained_networks.experiment import (
    Measurement,
    NetworkRun,
    TrainedRun,
    data_modes,
    prefixed,
    sampled,
    sampler_noise,
    stacked,
)
from sims.measurements.denoisers import Denoiser
from sims.measurements.network_gains import heun_prediction, linear_share, measured_gains

LINEAR, MLP, CNN = "linear", "mlp", "cnn"

_TRAINING_SHARE = 0.6
_LARGEST_BLOCK = 256  # data that a network is asked at a time


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    linear: NetworkRun
    mlp: NetworkRun
    cnn: NetworkRun
    draws: int  # of data with noise, at every noise level


def _config(preset: str, draws: int) -> Config:
    mlp = MLP_RUNS[preset]
    linear = replace(mlp, architecture=Linear(), learning_rate=3 * mlp.learning_rate)
    return Config(PHOTOGRAPHS[preset], linear, mlp, ONE_LEVEL_RUNS[preset], draws)


PRESETS = {
    "quick": _config("quick", draws=1024),
    "paper": _config("paper", draws=2048),
    "tiny": _config("tiny", draws=64),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of all networks `steps` (kept,) and `levels`, those of the sampler above zero; every other array (models, ...):

    `variance`, `solver` (modes,) as of `stacked`; `generated`, `predicted`, `linear_share` (kept, modes); `gains`
    (kept, levels, modes).
    """
    networks = {LINEAR: config.linear, MLP: config.mlp, CNN: config.cnn}
    prepare = partial(measure_gains, draws=config.draws)
    trained = train_kinds(config.photographs, networks, key=key, stage=stage, share=_TRAINING_SHARE)
    found = measure_kept(trained, prepare, stage=stage, share=1 - _TRAINING_SHARE)
    arrays = {}
    for kind, network in networks.items():
        every = stacked(trained.runs[kind], trained.results[kind])
        kept = np.searchsorted(network.at, network.kept_at)
        own = {name: every[name] for name in ("variance", "solver")} | {"generated": every["generated"][:, kept]}
        arrays |= prefixed(kind, own | found[kind] | {"levels": np.asarray(network.levels, dtype=float)[:-1]})
    return arrays


def measure_gains(run: TrainedRun, *, draws: int) -> Measurement:
    """Gains (levels, modes), the variance that they predict (modes,), and the linear share of samples (modes,).

    All records see the same data with noise, and sample from the noise of the records of training.
    """
    basis, noise, levels = data_modes(run.data).basis, sampler_noise(run), np.asarray(run.network.levels, dtype=float)
    block = run.network.sampled_together or min(_LARGEST_BLOCK, len(noise))
    gains_key = jax.random.fold_in(run.key, 3)

    def measured(denoiser: Denoiser) -> Arrays:
        gains = measured_gains(denoiser, run.data, basis, levels[:-1], draws=draws, key=gains_key, block=block)
        # Samples start as the noise times the largest level, which a share does not see.
        share = linear_share(np.asarray(noise), sampled(denoiser, noise, run.network), basis).value
        predicted = heun_prediction(gains, levels).value
        return {"gains": gains.value, "predicted": predicted, "linear_share": share}

    return measured
