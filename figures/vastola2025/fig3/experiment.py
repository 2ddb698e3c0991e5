"""Figure 3 of Vastola 2025: what linear models learn from the corners of a square, by features and orientation.

Four points on the unit circle, rotated by 0°, 22.5° and 45°; models linear in 10×10×10 Gaussian or low-order Fourier
features of (x, y, t), each fitted to P = 500 noisy triples. The published heat maps normalise every model's histogram
along one axis, which shows a conditional density, and mis-scale the y axis. Drawn here is the joint density of the
average learned distribution, from a converged solver, below it the one that `LinearVKernel` predicts without training,
and at the bottom the published normalisation of the trained samples.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.parts import all_grouped, joined_parts, part_size, stages_of_parts
from figures.common.stages import Arrays, RunStage
from figures.studies.linear_ensembles import LinearModels
from figures.studies.published_setting import FEATURES, POSITIONS, bin_edges
from sims.data.built_in import rotated_square
from sims.measurements.densities import joint_histogram
from sims.measurements.memorisation import distance_to_segment

_NEAR_SEGMENT = 0.15  # what counts as on an edge or a diagonal of the square
_NEAR_POINT = 0.3  # what counts as at a corner, and is left out of both
MASSES = ("edge_mass", "diagonal_mass", "outside_mass", "predicted_edge_mass", "predicted_diagonal_mass")


@dataclass(frozen=True)
class Config:
    """Sizes of the run; the published values but for models, samples and the solver."""

    angles: tuple[float, ...] = (0.0, 22.5, 45.0)  # degrees
    features_per_axis: int = 10
    training_samples: int = 500
    ridge: float = 0.1
    cutoff: float = 1e-2  # ε
    models: int = 24
    samples: int = 1000
    steps: int = 80
    bins: int = 60
    lattice: int = 2**13  # points of the prediction: its standard deviations to 3 %, of the 14 % of 24 models
    parts: int = 1  # of the models of one panel, a stage each


PRESETS = {
    "quick": Config(),
    "paper": Config(models=100, samples=20_000, steps=200, bins=200, lattice=2**16, parts=5),
    "tiny": Config(
        angles=(0.0, 45.0),
        features_per_axis=4,
        training_samples=40,
        models=3,
        samples=60,
        steps=6,
        bins=12,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Densities indexed [features, angle, x bin, y bin] and the mass on edges and diagonals per model."""
    cases = [(name, angle) for name in FEATURES for angle in config.angles]
    stages = []
    for (name, angle), panel_key in zip(cases, jax.random.split(key, len(cases)), strict=True):
        work = partial(_panel, config, name, angle)
        called = f"{name} features, {angle:g}°"
        stages.append(stages_of_parts(called, work, panel_key, parts=config.parts, share=1 / len(cases)))
    panels = [joined_parts(runs, dict.fromkeys(MASSES, 0)) for runs in all_grouped(stage, stages)]
    shape = (len(FEATURES), len(config.angles))
    stacked = {name: np.stack([panel[name] for panel in panels]) for name in panels[0]}
    return {
        "angle": np.asarray(config.angles),
        "edges": bin_edges(config.bins),
        **{name: value.reshape(*shape, *value.shape[1:]) for name, value in stacked.items()},
    }


def _panel(config: Config, name: str, angle: float, key: PRNGKeyArray) -> Arrays:
    """Some models of one panel, from initial positions of their own."""
    train_key, sample_key = jax.random.split(key)
    models = part_size(config.models, config.parts)
    corners = rotated_square(np.deg2rad(angle))
    number = config.features_per_axis
    shape = (config.training_samples, number, number)
    setup = LinearModels(corners, config.cutoff, *shape, config.ridge, name, config.lattice)
    initial = jax.random.normal(sample_key, (config.samples, 2)) * setup.process.noise_scale(jnp.asarray(1.0))
    samples = setup.samples(setup.trained(models, train_key), initial, config.steps)
    predicted = setup.predicted(models, jax.random.fold_in(train_key, 1))
    predicted = setup.samples(predicted, initial, config.steps)
    grid = bin_edges(config.bins)
    densities = np.stack([joint_histogram(x, grid) for x in samples])
    on_edges, on_diagonals, beyond = _masses(samples, corners)
    predicted_edges, predicted_diagonals, _ = _masses(predicted, corners)
    return {
        "density": densities.mean(axis=0),
        "predicted": np.mean([joint_histogram(x, grid) for x in predicted], axis=0),
        "predicted_edge_mass": predicted_edges,
        "predicted_diagonal_mass": predicted_diagonals,
        "published": _published_normalisation(densities).mean(axis=0),
        "corners": corners,
        "edge_mass": on_edges,
        "diagonal_mass": on_diagonals,
        "outside_mass": beyond,
    }


def _published_normalisation(densities: np.ndarray) -> np.ndarray:
    """Every model's histogram divided by its sum over y at each x: an estimate of p(y|x) on the grid."""
    total = densities.sum(axis=2, keepdims=True)
    return np.divide(densities, total, out=np.zeros_like(densities), where=total > 0)


def _masses(samples: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per model: mass near the edges, near the diagonals, both away from corners and centre, and off the grid.

    Distances are to the segments between neighbouring and between opposite corners. The centre, where the diagonals
    cross, counts for the diagonals.
    """
    away = np.min(np.linalg.norm(samples[:, :, None] - corners, axis=-1), axis=-1) > _NEAR_POINT
    edges = np.min([distance_to_segment(samples, corners[i], corners[(i + 1) % 4]) for i in range(4)], axis=0)
    diagonals = np.min([distance_to_segment(samples, corners[i], corners[i + 2]) for i in range(2)], axis=0)
    beyond = np.max(np.abs(samples), axis=-1) > POSITIONS[1]
    return (
        np.mean(away & (edges < _NEAR_SEGMENT), axis=1),
        np.mean(away & (diagonals < _NEAR_SEGMENT), axis=1),
        np.mean(beyond, axis=1),
    )
