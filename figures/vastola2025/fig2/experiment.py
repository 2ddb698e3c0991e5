"""Figure 2 of Vastola 2025: the average distribution that linear models learn from {-1, 0, 1}.

Denoisers linear in 16×16 Gaussian features of (x, t), fitted by ridge regression to P noisy triples, are sampled with
the probability-flow ODE. The published numerics look the denoiser up on a grid of x and take 30 uniform Euler steps;
here it is evaluated exactly, and the same models are sampled twice: with those 30 steps and with a converged solver.
Beside them stands the distribution that `LinearVKernel` predicts without training, also with the converged solver.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.linear_ensembles import LinearModels
from figures.studies.published_setting import GAP, POSITIONS, stratified_prior
from sims.data.built_in import triple
from sims.measurements.densities import gap_shares, histograms
from sims.measurements.distances import wasserstein1
from theory.exact_scores.point_masses import PointMasses

CONVERGENCE_SAMPLES = 120
_INSIDE = 64  # places in every bin over which p(x|ε) is averaged


@dataclass(frozen=True)
class Config:
    """Sizes of the run; the published values but for samples, bins and the converged solver's steps."""

    cutoffs: tuple[float, ...] = (1e-4, 1e-3, 1e-2)  # ε
    training_samples: tuple[int, ...] = (64, 128, 256, 512, 1024)  # P
    features_per_axis: int = 16
    ridge: float = 0.1
    models: int = 100
    convergence_models: int = 800  # that are solved with twice the steps, from few positions each
    samples: int = 1200
    euler_steps: int = 30
    converged_steps: int = 150
    bins: int = 61  # one on every data point, with samples enough in each
    lattice: int = 2**13  # points of the prediction: its standard deviations to 0.2 %, of the 7 % of 100 models


PRESETS = {
    "quick": Config(),
    "paper": Config(samples=100_000, bins=200, converged_steps=400, lattice=2**14),
    "tiny": Config(
        cutoffs=(1e-3, 1e-2),
        training_samples=(16, 64),
        features_per_axis=5,
        models=4,
        convergence_models=4,
        samples=40,
        converged_steps=10,
        bins=20,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Densities and, of every model, gap masses, indexed [ε increasing, F/P decreasing]; one name per solver."""
    cutoffs, counts = config.cutoffs, config.training_samples
    stages, share = [], 0.9 / (len(cutoffs) * len(counts))
    for cutoff, row_key in zip(cutoffs, jax.random.split(key, len(cutoffs)), strict=True):
        for count, panel_key in zip(counts, jax.random.split(row_key, len(counts)), strict=True):
            work = partial(_panel, config, cutoff, count, panel_key)
            stages.append(Stage(f"models at ε = {cutoff:g}, P = {count}", work, share=share))
    stages.append(Stage("exact score", partial(_exact_score, config), share=0.05))
    stages.append(Stage("twice the steps", partial(_convergence, config, key), share=0.05))
    *panels, exact, check = stage.all(stages)
    shape = (len(cutoffs), len(counts))
    stacked = {name: np.stack([panel[name] for panel in panels]) for name in panels[0]}
    return {
        "cutoff": np.asarray(cutoffs),
        "feature_ratio": config.features_per_axis**2 / np.asarray(counts, dtype=float),
        "edges": _edges(config),
        "samples": np.asarray(config.samples),
        **{name: value.reshape(*shape, *value.shape[1:]) for name, value in stacked.items()},
        **exact,
        **check,
    }


def _edges(config: Config) -> np.ndarray:
    """Bin edges of the published histogram: bins centred on an even grid that ends at ±1.5."""
    centres = np.linspace(*POSITIONS, config.bins)
    half = (centres[1] - centres[0]) / 2
    return np.linspace(POSITIONS[0] - half, POSITIONS[1] + half, config.bins + 1)


def _models(config: Config, cutoff: float, count: int) -> LinearModels:
    number = config.features_per_axis
    return LinearModels(triple(), cutoff, count, number, number, config.ridge, lattice=config.lattice)


def _panel(config: Config, cutoff: float, count: int, key: PRNGKeyArray) -> Arrays:
    """Train the ensemble of one panel and measure what it generates with both solvers."""
    setup = _models(config, cutoff, count)
    initial = stratified_prior(setup.process, config.samples)
    trained = setup.trained(config.models, key)
    predicted = setup.predicted(config.models, jax.random.fold_in(key, 1))
    runs = {
        "euler30": setup.samples(trained, initial, config.euler_steps, "published"),
        "converged": setup.samples(trained, initial, config.converged_steps),
        "predicted": setup.samples(predicted, initial, config.converged_steps),
    }
    arrays: Arrays = {}
    for name, x in runs.items():
        samples = x[..., 0]
        density = histograms(samples, _edges(config))
        distance = wasserstein1(samples, triple()[:, 0])
        arrays |= {
            f"density_{name}": density.mean(axis=0),
            f"lower_{name}": np.quantile(density, 0.25, axis=0),
            f"upper_{name}": np.quantile(density, 0.75, axis=0),
            f"gap_mass_{name}": gap_shares(samples, *GAP),
            f"wasserstein1_{name}": distance.value,
            f"wasserstein1_{name}_stderr": distance.stderr,
        }
    return arrays


def _exact_score(config: Config) -> Arrays:
    """What the same solvers make of the exact score, and the density p(x|ε) itself."""
    data = PointMasses(triple())
    rows, edges = [], _edges(config)
    inside = jnp.asarray(np.linspace(edges[:-1], edges[1:], _INSIDE, axis=-1))  # of every bin
    for cutoff in config.cutoffs:
        setup = _models(config, cutoff, config.training_samples[0])
        initial = stratified_prior(setup.process, config.samples)
        ends = {
            "euler30": setup.exact(initial, config.euler_steps, "published"),
            "converged": setup.exact(initial, config.converged_steps),
        }
        density = jnp.exp(data.log_density(inside[..., None], cutoff, setup.process))
        row: Arrays = {"density_true": np.asarray(jnp.mean(density, axis=-1))}
        for name, x in ends.items():
            row[f"density_exact_{name}"] = histograms(x.T, _edges(config))[0]
            row[f"gap_mass_exact_{name}"] = gap_shares(x[:, 0], *GAP)
        rows.append(row)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _convergence(config: Config, key: PRNGKeyArray) -> Arrays:
    """Gap mass of one panel's models with the converged solver and with twice its steps, model by model."""
    cutoff, count = config.cutoffs[0], config.training_samples[len(config.training_samples) // 2]
    setup = _models(config, cutoff, count)
    models = setup.trained(config.convergence_models, key)
    initial = stratified_prior(setup.process, min(config.samples, CONVERGENCE_SAMPLES))
    masses = [
        gap_shares(setup.samples(models, initial, steps)[..., 0], *GAP)
        for steps in (config.converged_steps, 2 * config.converged_steps)
    ]
    return {"gap_mass_change_on_doubling": masses[1] - masses[0]}
