"""Prop. 5.1 of Vastola 2025 in trained models: the V-kernel, predicted and measured.

The set-up of Figure 2: denoisers linear in 16×16 features of (x, t), ridge .1, ε = .01, one fit per draw of P triples.
Places are drawn from p(x, t); measured is V = D Cov[s, s'] D', the covariance of the learned score over models times
the diffusion coefficients, between every pair of them. It is held against three predictions: Eq. 13 (with and without
the factor 1/(1 - F/P)), the deterministic equivalent in which all samples have equal leverage, and the one in which
every sample has its own.
"""

from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.published_setting import features_of, process_of
from figures.vastola2025.vkernel_linear.comparison import ORDERS, comparison
from sims.data.built_in import triple
from sims.networks.feature_model import FeatureModel
from sims.training.feature_ensembles import train_ensemble
from sims.training.training_triples import draw_triples
from theory.definitions.processes import VariancePreserving
from theory.definitions.targets import DenoiserTarget
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.learned_scores import NoiseVarianceWeight, score_coefficients
from theory.v_kernel.least_squares import LinearVKernel

LINEAR_WIDTH = 1e-3  # of the axes of covariances, in units of the largest predicted variance


@dataclass(frozen=True)
class Config:
    """Sizes of the run: the published set-up, with ratios at which Prop. 5.1 can hold."""

    ratios: tuple[float, ...] = (1 / 16, 1 / 4, 1.0)  # F/P of Gaussian features
    fourier_ratio: float = 1 / 4
    features_per_axis: int = 16
    ridge: float = 0.1
    cutoff: float = 1e-2  # ε
    models: int = 1000
    places: int = 500
    bins: int = 80


PRESETS = {
    "quick": Config(),
    "paper": Config(models=2000, places=1000),
    "tiny": Config(
        ratios=(0.25, 1.0),
        features_per_axis=4,
        models=8,
        places=20,
        bins=12,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Statistics indexed [case, order], and 2-D histograms of all pairs [case, order, predicted bin, measured bin]."""
    cases = [(False, ratio) for ratio in config.ratios] + [(True, config.fourier_ratio)]
    place_key, *case_keys = jax.random.split(key, len(cases) + 1)
    stages = []
    for (fourier, ratio), case_key in zip(cases, case_keys, strict=True):
        work = partial(_case, config, fourier, ratio, place_key, case_key)
        name = f"{'Fourier' if fourier else 'Gaussian'} features at F/P = {ratio:g}"
        stages.append(Stage(name, work, share=1 / len(cases)))
    results = stage.all(stages)
    return {
        "fourier": np.asarray([fourier for fourier, _ in cases]),
        "feature_ratio": np.asarray([ratio for _, ratio in cases]),
        "edges": _edges(config),
        **{name: np.stack([result[name] for result in results]) for name in results[0]},
    }


def _edges(config: Config) -> np.ndarray:
    """Bin edges of covariances: evenly spaced in asinh(covariance/LINEAR_WIDTH), up to 10 predicted variances."""
    end = np.arcsinh(10 / LINEAR_WIDTH)
    return LINEAR_WIDTH * np.sinh(np.linspace(-end, end, config.bins + 1))


def _case(config: Config, fourier: bool, ratio: float, place_key: PRNGKeyArray, key: PRNGKeyArray) -> Arrays:
    """One family of features at one F/P: train, measure, predict."""
    number = config.features_per_axis
    features = features_of("Fourier" if fourier else "Gaussian", 1, number, number, config.cutoff)
    process = process_of(config.cutoff)
    draws, points = round(features.number / ratio), jnp.asarray(triple())
    options = {"models": config.models, "samples": draws, "ridge": config.ridge}
    models = train_ensemble(features, points, process, key=key, **options)
    _, x, time = eqx.filter_jit(draw_triples)(points, process, config.places, key=place_key)
    scores = np.asarray(_scores(models, process, x, time))
    setting, pairs = (PointMasses(triple()), process, features), ((x[:, None], time[:, None]), (x[None], time[None]))
    kernels = {order: LinearVKernel(*setting, draws, config.ridge, order=order) for order in ORDERS}
    predicted = np.stack([np.asarray(kernel.score_covariance(*pairs))[..., 0, 0] for kernel in kernels.values()])
    leverage = _leverage(kernels["local_equivalent"], draws, x, time)
    diffusion = np.asarray(process.diffusion_coefficient(time))
    return comparison(scores, predicted, np.asarray(leverage), diffusion, _edges(config))


@eqx.filter_jit
def _scores(models: FeatureModel, process: VariancePreserving, x, time) -> jnp.ndarray:
    """The part a(t) Wφ of every model's score that varies between models, (models, n)."""
    _, scale = score_coefficients(DenoiserTarget(), process, time)
    return (models.weight[:, 0] @ models.features(x, time).T) * scale[None]


@eqx.filter_jit
def _leverage(kernel: LinearVKernel, draws: int, x, time) -> jnp.ndarray:
    """ℓ(z) = w φᵀRφ/P: a training sample at z has the share ℓ/(1 + ℓ) in its own fit, on average."""
    phi, weight = kernel.features(x, time), NoiseVarianceWeight(kernel.target)(kernel.process, time)
    return weight * jnp.sum(phi @ kernel.resolvent * phi, axis=1) / draws
