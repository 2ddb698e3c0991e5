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
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import plt, styled
from figures.studies.linear_ensembles import FEATURES, LinearModels
from sims.data.built_in import rotated_square
from sims.measurements.densities import joint_histogram
from sims.measurements.estimates import mean_over

_NEAR_SEGMENT = 0.15  # what counts as on an edge or a diagonal of the square
_NEAR_POINT = 0.3  # what counts as at a corner, and is left out of both


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
    bins: int = 100
    lattice: int = 2**13  # points of the prediction: its standard deviations to 3 %, of the 14 % of 24 models


PRESETS = {"quick": Config(), "paper": Config(models=100, samples=20_000, steps=200, bins=200, lattice=2**16)}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Densities indexed [features, angle, x bin, y bin] and the mass on edges and diagonals per model."""
    cases = [(name, angle) for name in FEATURES for angle in config.angles]
    panels = []
    for (name, angle), panel_key in zip(cases, jax.random.split(key, len(cases)), strict=True):
        work = partial(_panel, config, name, angle, panel_key)
        panels.append(stage(f"{name} features, {angle:g}°", work, share=1 / len(cases)))
    shape = (len(FEATURES), len(config.angles))
    stacked = {name: np.stack([panel[name] for panel in panels]) for name in panels[0]}
    return {
        "angle": np.asarray(config.angles),
        "edges": np.linspace(-1.5, 1.5, config.bins + 1),
        **{name: value.reshape(*shape, *value.shape[1:]) for name, value in stacked.items()},
    }


def _panel(config: Config, name: str, angle: float, key: PRNGKeyArray) -> Arrays:
    train_key, sample_key = jax.random.split(key)
    corners = rotated_square(np.deg2rad(angle))
    number = config.features_per_axis
    shape = (config.training_samples, number, number)
    setup = LinearModels(corners, config.cutoff, *shape, config.ridge, name, config.lattice)
    initial = jax.random.normal(sample_key, (config.samples, 2)) * setup.process.noise_scale(jnp.asarray(1.0))
    samples = setup.samples(setup.trained(config.models, train_key), initial, config.steps)
    predicted = setup.predicted(config.models, jax.random.fold_in(train_key, 1))
    predicted = setup.samples(predicted, initial, config.steps)
    grid = np.linspace(-1.5, 1.5, config.bins + 1)
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
    edges = np.min([_distance(samples, corners[i], corners[(i + 1) % 4]) for i in range(4)], axis=0)
    diagonals = np.min([_distance(samples, corners[i], corners[i + 2]) for i in range(2)], axis=0)
    beyond = np.max(np.abs(samples), axis=-1) > 1.5
    return (
        np.mean(away & (edges < _NEAR_SEGMENT), axis=1),
        np.mean(away & (diagonals < _NEAR_SEGMENT), axis=1),
        np.mean(beyond, axis=1),
    )


def _distance(x: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance of positions x to the segment from `start` to `end`."""
    along = np.clip((x - start) @ (end - start) / np.sum((end - start) ** 2), 0, 1)
    return np.linalg.norm(x - start - along[..., None] * (end - start), axis=-1)


def _contrast(data: Arrays, features: int, angle: int):
    """Edge minus diagonal mass over the models of one panel, as mean and standard error."""
    return mean_over(data["edge_mass"][features, angle] - data["diagonal_mass"][features, angle])


def _differs(name: str, statement: str, first, second) -> Claim:
    """A claim that two estimates differ, by the absolute difference."""
    difference = abs(float(first.value - second.value))
    half_width = 1.96 * float(np.hypot(first.stderr, second.stderr))
    return Claim(
        name,
        "Vastola 2025, Fig. 3",
        statement,
        0.0,
        None,
        difference,
        (difference - half_width, difference + half_width),
        0.0,
        "greater",
    )


def claims(data: Arrays) -> list[Claim]:
    names, angles = list(FEATURES), data["angle"]
    statements = []
    for index, name in enumerate(names):
        filled = mean_over((data["edge_mass"] + data["diagonal_mass"])[index].mean(axis=0))
        statements.append(
            Claim(
                f"{name} features fill gaps",
                "Vastola 2025, Fig. 3",
                "mass on edges and diagonals away from the corners exceeds 0.01 (mean over angles)",
                0.01,
                None,
                float(filled.value),
                filled.interval,
                0.0,
                "greater",
            )
        )
        statements.append(
            _differs(
                f"orientation matters, {name} features",
                "edge minus diagonal mass at 45° differs from that at 0°",
                _contrast(data, index, len(angles) - 1),
                _contrast(data, index, 0),
            )
        )
    statements += [
        _differs(
            f"features matter, {angle:g}°",
            "edge minus diagonal mass of Gaussian features differs from that of Fourier features",
            _contrast(data, 0, column),
            _contrast(data, 1, column),
        )
        for column, angle in enumerate(angles)
    ]
    statements += [_predicted_mass(data, index, name) for index, name in enumerate(names)]
    variation = mean_over(_total_variation(data).ravel())
    return [
        *statements,
        Claim(
            "the published normalisation changes the picture",
            "this project",
            "total variation between the published heat map and the joint density is zero (mean over panels)",
            0.0,
            None,
            float(variation.value),
            variation.interval,
            0.05,
        ),
    ]


def _predicted_mass(data: Arrays, index: int, name: str) -> Claim:
    """Mass on edges and diagonals, trained against predicted, averaged over the angles."""
    trained, predicted = (
        mean_over((data[f"{part}edge_mass"] + data[f"{part}diagonal_mass"])[index].mean(axis=0))
        for part in ("", "predicted_")
    )
    error = 1.96 * float(np.hypot(trained.stderr, predicted.stderr))
    value = float(trained.value)
    return Claim(
        f"predicted mass on edges and diagonals, {name} features",
        "Vastola 2025, Prop. 5.1, with the ridge's deterministic equivalent",
        "mass on edges and diagonals of trained models is that of the predicted Gaussian weights (F/P = 2)",
        None,
        float(predicted.value),
        value,
        (value - error, value + error),
        0.0,
    )


def _total_variation(data: Arrays) -> np.ndarray:
    """½ Σ |published - joint| with both normalised to one on the grid, [features, angle]."""
    joint, published = (data[name] / data[name].sum(axis=(2, 3), keepdims=True) for name in ("density", "published"))
    return np.abs(joint - published).sum(axis=(2, 3)) / 2


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(6, len(data["angle"]), figsize=(8.4, 13.4), sharex=True, sharey=True)
    rows = [
        (kind, index, name) for kind in ("density", "predicted", "published") for index, name in enumerate(FEATURES)
    ]
    images = {}
    for axis_row, (kind, index, name) in zip(axes, rows, strict=True):
        floor, norm = (1e-3, LogNorm(1e-3, 1)) if kind == "published" else (1e-2, LogNorm(1e-2, 10))
        for column, axis in enumerate(axis_row):
            image = data[kind][index, column].T
            images[kind] = axis.imshow(
                np.maximum(image, floor), origin="lower", extent=(-1.5, 1.5, -1.5, 1.5), norm=norm, cmap="viridis"
            )
            axis.plot(*data["corners"][index, column].T, "o", ms=5, mfc="none", mec="#D55E00", mew=1.2)
        words = {"density": "trained", "predicted": "predicted", "published": "as published: p(y|x)"}[kind]
        axis_row[0].set_ylabel(f"{name}\n{words}\ny")
    for axis, angle in zip(axes[0], data["angle"], strict=True):
        axis.set_title(f"square at {angle:g}°")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    figure.colorbar(images["density"], ax=axes[:4], label="joint density", shrink=0.5, extend="both")
    figure.colorbar(images["published"], ax=axes[4:], label="share of column", shrink=0.7, extend="both")
    return figure
