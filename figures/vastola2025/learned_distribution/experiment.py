"""The average learned distribution [q(x_0)], predicted and trained (Vastola 2025, Prop. 5.1 and Sec. 6).

The data {-1, 0, 1} and features of the paper's Figure 2, ε = 0.01, from F/P = 1/16 to 4. The prediction never trains:
it draws weights from the Gaussian law of `LinearVKernel`, one score field per draw, and solves the probability-flow ODE
of each. Beside it stand ridge fits to training sets of their own, and three predictions without variance: the exact
score, the average of the learned score, and that average as the trained models have it. A further ensemble tells where
an error of the prediction comes from: Gaussian weights with the trained models' own mean and covariance leave out all
that the V-kernel could get wrong, and keep the path integral's assumption that the estimator is Gaussian.

Everything is sampled twice, with a converged solver and with the 30 uniform Euler steps of the paper's Figure 2. Those
steps alone leave mass in the gaps, also with the exact score, which is therefore shown for both.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.linear_ensembles import LinearModels, Sampler, averages
from figures.studies.published_setting import GAP, bin_edges, stratified_prior
from sims.data.built_in import triple
from sims.measurements.densities import gap_shares, histograms
from sims.measurements.distances import grouped_cumulative
from sims.measurements.gaussianity import gaussian_surrogates
from sims.networks.feature_model import FeatureModel
from theory.exact_scores.point_masses import PointMasses

# What ends the names of what is measured on the samples of each.
SUFFIXES: dict[Sampler, str] = {"converged": "", "published": "_published"}
_FINER = 80  # times the samples, for a single model
GRID = np.linspace(-4.0, 4.0, 401)  # of the distribution functions; beyond it hardly any model has mass
GROUPS = 10  # of models: the replicates of what is no mean over models


@dataclass(frozen=True)
class Config:
    """Sizes of the run; features, ridge and ε are those of the paper's Figure 2."""

    training_samples: tuple[int, ...] = (4096, 1024, 256, 64)  # P
    features_per_axis: int = 16
    cutoff: float = 1e-2  # ε
    models: int = 1200  # that are trained; many, with few samples each, since models differ more than their samples do
    predicted_models: int = 1200
    samples: int = 125
    steps: int = 150  # of Heun's method: converged
    euler_steps: int = 30  # uniform, as published
    bins: int = 80
    lattice: int = 2**13  # points of the prediction: its standard deviations to 0.2 %, of the 2 % of 1200 models


PRESETS = {
    "quick": Config(),
    "paper": Config(
        training_samples=(8192, 4096, 2048, 1024, 512, 256, 128, 64),
        models=2400,
        predicted_models=6000,  # several times as many: the prediction is to have little noise of its own
        samples=250,
        steps=200,
        lattice=2**14,
    ),
    "tiny": Config(
        training_samples=(64, 16),
        features_per_axis=4,
        models=10,
        samples=20,
        steps=6,
        bins=10,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Densities, masses and distances, indexed by F/P increasing."""
    counts = sorted(config.training_samples, reverse=True)
    # Fits to P samples cost P; small sets cost the same as the prediction.
    expected = np.asarray(counts) + 1000.0
    columns = zip(counts, jax.random.split(key, len(counts)), expected / expected.sum(), strict=True)
    runs = stage.all(
        [
            Stage(f"P = {count}", partial(_run, config, count, run_key), share=float(share))
            for count, run_key, share in columns
        ]
    )
    model = _models(config, counts[0])
    edges = bin_edges(config.bins)
    centres = (edges[1:] + edges[:-1]) / 2
    density = PointMasses(triple()).log_density(jnp.asarray(centres)[:, None], config.cutoff, model.process)
    return {
        "feature_ratio": model.features.number / np.asarray(counts, dtype=float),
        "edges": edges,
        "density_true": np.exp(np.asarray(density)),
        **{name: np.stack([run[name] for run in runs]) for name in runs[0]},
    }


def _models(config: Config, draws: int) -> LinearModels:
    number = config.features_per_axis
    return LinearModels(triple(), config.cutoff, draws, number, number, lattice=config.lattice)


def _run(config: Config, draws: int, key: PRNGKeyArray) -> Arrays:
    """One F/P: train, predict, sample, and measure."""
    train_key, predict_key, split_key = jax.random.split(key, 3)
    random = numpy_generator(split_key)
    model = _models(config, draws)
    trained = model.trained(config.models, train_key)
    weight = np.asarray(trained.weight)
    ensembles = {
        "trained": trained,
        "predicted": model.predicted(config.predicted_models, predict_key),
        "surrogate": FeatureModel(model.features, jnp.asarray(gaussian_surrogates(weight, len(weight), random))),
        "average": FeatureModel(model.features, model.kernel.mean_weights[None]),
        "trained_average": FeatureModel(model.features, jnp.asarray(averages(weight, GROUPS))),
    }
    samples = {sampler: _generated(config, model, ensembles, sampler) for sampler in SUFFIXES}
    return {
        **{
            f"density_{name}": histograms(samples["converged"][name], bin_edges(config.bins)).mean(axis=0)
            for name in ("trained", "predicted", "average")
        },
        "degrees_of_freedom": np.asarray(model.kernel.degrees_of_freedom),
        **{
            f"{name}{suffix}": value
            for sampler, suffix in SUFFIXES.items()
            for name, value in _measured(samples[sampler]).items()
        },
    }


def _generated(
    config: Config, model: LinearModels, ensembles: dict[str, FeatureModel], sampler: Sampler
) -> dict[str, np.ndarray]:
    """Samples [model, sample] of every ensemble and of the exact score, single models more finely."""
    steps = {"converged": config.steps, "published": config.euler_steps}[sampler]
    coarse = stratified_prior(model.process, config.samples)
    fine = stratified_prior(model.process, _FINER * config.samples)
    samples = {
        name: model.samples(ensemble, fine if name.endswith("average") else coarse, steps, sampler)[..., 0]
        for name, ensemble in ensembles.items()
    }
    return samples | {"exact": model.exact(fine, steps, sampler).T}


def _measured(samples: dict[str, np.ndarray]) -> Arrays:
    """Mass in the gaps, model by model, and distribution functions of groups of models."""
    shown = {name: each for name, each in samples.items() if name != "trained_average"}
    return {
        **{f"gap_mass_{name}": gap_shares(each, *GAP) for name, each in samples.items()},
        **{f"cumulative_{name}": grouped_cumulative(each, GRID, GROUPS) for name, each in shown.items()},
    }
