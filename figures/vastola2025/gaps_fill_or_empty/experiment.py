"""When gaps between training points fill, and when they empty (Vastola 2025, Secs. 4-6; its reviewers asked).

The paper finds that white variance empties gaps (Prop. 4.1) and that trained models fill them, and conjectures that the
correlation of V in time decides. Two tests, with the data {-1, 0, 1} of its Figure 2:

- a map of trained and predicted gap mass over F/P, ε, the kind of features and how smooth they are in time, less the
  mass that the average learned score alone puts there: the part that is due to variance;
- the same Gaussian score fields drawn anew in each of K windows of the sampling time: K = 1 is the prediction for
  trained models. With the same covariance at every single time, what the fields add up to falls as 1/K, and K → ∞ is
  the average score. With √K times the deviation from the mean its integral over all pairs of times is kept, and
  K → ∞ is white noise of the same strength, in Stratonovich's sense where the sampling steps resolve the windows. A
  field for every step lies between that and Itô's sense, the naive sampler's.
"""

from dataclasses import dataclass
from functools import partial
from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from figures.common.parts import all_grouped, joined_parts, part_size, stages_of_parts
from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.linear_ensembles import LinearModels, averages
from figures.studies.published_setting import FEATURES, GAP, stratified_prior
from sims.data.built_in import triple
from sims.measurements.densities import gap_shares
from sims.networks.feature_model import FeatureModel
from sims.sampling.feature_models import denoiser_drift
from sims.sampling.schedules import log_snr_schedule
from sims.sampling.solvers import heun
from sims.training.training_triples import with_array_parameters

KINDS = tuple(FEATURES)
STRENGTHS = ("at every time", "integrated")  # what keeps its variance as the fields are drawn more often
_FINER = 20  # times the samples, for a single model
GROUPS = 8  # of models, each left out in turn where a number is no mean over models


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    feature_ratios: tuple[float, ...] = (1 / 8, 1 / 2, 2.0)  # F/P
    cutoffs: tuple[float, ...] = (1e-3, 1e-2)  # ε
    per_axis: int = 16
    per_time: tuple[int, ...] = (4, 16)  # features in time: few are smooth
    models: int = 120
    samples: int = 300
    steps: int = 64
    window_ratio: float = 1 / 2  # F/P of the second test, with the fewest features in time and the largest ε
    windows: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)  # K, divisors of the steps
    window_models: int = 240
    parts: int = 1  # of the models with windows, a stage each
    lattice: int = 2**13  # points of the prediction: its standard deviations to 0.2 %, of the 6 % of 120 models


PRESETS = {
    "quick": Config(),
    "paper": Config(
        feature_ratios=(1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0),
        cutoffs=(1e-4, 1e-3, 1e-2),
        per_time=(4, 8, 16),
        models=300,
        samples=1000,
        steps=256,
        windows=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        window_models=1000,
        parts=2,
        lattice=2**14,
    ),
    "tiny": Config(
        feature_ratios=(0.5,),
        cutoffs=(1e-2,),
        per_axis=4,
        per_time=(2, 3),
        models=16,
        samples=16,
        steps=4,
        windows=(1, 4),
        window_models=8,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Gap masses of models indexed [features, in time, ε, F/P, model]; of windows [features, strength, K, model]."""
    map_key, window_key = jax.random.split(key)
    rows = list(product(KINDS, config.per_time, config.cutoffs))
    stages = []
    for (kind, per_time, cutoff), row_key in zip(rows, jax.random.split(map_key, len(rows)), strict=True):
        work = partial(_row, config, kind, per_time, cutoff, row_key)
        stages.append(Stage(f"{kind}, {per_time} in time, ε = {cutoff:g}", work, share=0.7 / len(rows)))
    of_windows = [
        stages_of_parts(f"{kind}, windows", partial(_windows, config, kind), kind_key, parts=config.parts, share=0.15)
        for kind, kind_key in zip(KINDS, jax.random.split(window_key, len(KINDS)), strict=True)
    ]
    runs, *parts = all_grouped(stage, [stages, *of_windows])
    windows = [joined_parts(each, {"window_mass": 2}) for each in parts]
    shape = (len(KINDS), len(config.per_time), len(config.cutoffs), len(config.feature_ratios))
    return {
        "feature_ratio": np.asarray(config.feature_ratios),
        "cutoff": np.asarray(config.cutoffs),
        "per_time": np.asarray(config.per_time),
        "window_ratio": np.asarray(config.window_ratio),
        "windows": np.asarray(config.windows),
        **{name: np.stack([run[name] for run in runs]).reshape(*shape, *runs[0][name].shape[1:]) for name in runs[0]},
        **{name: np.stack([run[name] for run in windows]) for name in windows[0]},
    }


def _models(config: Config, kind: str, per_time: int, cutoff: float, ratio: float) -> LinearModels:
    draws = round(config.per_axis * per_time / ratio)
    return LinearModels(triple(), cutoff, draws, config.per_axis, per_time, kind=kind, lattice=config.lattice)


def _row(config: Config, kind: str, per_time: int, cutoff: float, key: PRNGKeyArray) -> Arrays:
    """Every F/P at one ε and one set of features: gap masses, trained and predicted, and of the average score alone."""
    cells = []
    for ratio, cell_key in zip(config.feature_ratios, jax.random.split(key, len(config.feature_ratios)), strict=True):
        train_key, predict_key = jax.random.split(cell_key)
        model = _models(config, kind, per_time, cutoff, ratio)
        initial = stratified_prior(model.process, config.samples)
        ensembles = {
            "trained": model.trained(config.models, train_key),
            "predicted": model.predicted(config.models, predict_key),
        }
        cell = {}
        for name, ensemble in ensembles.items():
            cell[name] = gap_shares(model.samples(ensemble, initial, config.steps)[..., 0], *GAP)
        average = FeatureModel(model.features, jnp.asarray(averages(np.asarray(ensembles["trained"].weight), GROUPS)))
        cell["trained_average"] = _average_masses(config, model, average)
        cells.append(cell | {"average": _average_mass(config, model)})
    return {name: np.array([cell[name] for cell in cells]) for name in cells[0]}


def _average_mass(config: Config, model: LinearModels) -> np.ndarray:
    """Gap mass of the average learned score as predicted."""
    return _average_masses(config, model, FeatureModel(model.features, model.kernel.mean_weights[None]))[0]


def _average_masses(config: Config, model: LinearModels, averages: FeatureModel) -> np.ndarray:
    """Gap masses of few models, each sampled more finely than one of many."""
    initial = stratified_prior(model.process, _FINER * config.samples)
    return gap_shares(model.samples(averages, initial, config.steps)[..., 0], *GAP)


def _windows(config: Config, kind: str, key: PRNGKeyArray) -> Arrays:
    """Gap mass against the number of windows of the sampling time that have a score field of their own."""
    model = _models(config, kind, config.per_time[0], config.cutoffs[-1], config.window_ratio)
    times = log_snr_schedule(model.process, config.steps)
    initial = stratified_prior(model.process, config.samples)
    most = max(config.windows)

    def mass_of(count: int, scale: float, count_key: PRNGKeyArray) -> np.ndarray:
        window = jnp.minimum(jnp.arange(config.steps + 1) * count // config.steps, count - 1)
        keys = jax.random.split(count_key, part_size(config.window_models, config.parts))
        setting = (model.features, model.kernel, model.process, initial, times)
        samples = _sample_windows(*setting, window, most, jnp.asarray(scale), keys)
        return gap_shares(np.asarray(samples[..., 0]), *GAP)

    window_keys = jax.random.split(key, len(config.windows))
    masses = [
        [mass_of(count, scale, each) for count, scale, each in zip(config.windows, scales, window_keys, strict=True)]
        for scales in (np.ones(len(config.windows)), np.sqrt(config.windows))
    ]
    return {
        "window_mass": np.array(masses),
        "window_average": _average_mass(config, model),
    }


@eqx.filter_jit
def _sample_windows(
    features,
    kernel,
    process,
    initial,
    times,
    window: Int[Array, " times"],
    most: int,
    scale: Float[Array, ""],
    keys: PRNGKeyArray,
) -> Float[Array, "models n 1"]:
    """Samples of models whose weights, all of one law, are drawn anew for every window of the schedule.

    The law is the kernel's with `scale` times the deviation from the mean. Weights for the `most` windows are drawn
    however many are used, so that all numbers of windows share one program.
    """
    features, process = with_array_parameters(features), with_array_parameters(process)

    def of_model(key: PRNGKeyArray) -> Float[Array, "n 1"]:
        mean = kernel.mean_weights[None]
        weights = mean + scale * (kernel.draw_weights(key, most) - mean)

        def drift(index: Array, time: Array, x: Array) -> Array:
            return denoiser_drift(FeatureModel(features, weights[window[index]]), process)(index, time, x)

        return heun(drift, initial, times)

    return jax.lax.map(of_model, keys)
