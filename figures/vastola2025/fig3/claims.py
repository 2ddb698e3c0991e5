"""Claims of Figure 3 of Vastola 2025."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.published_setting import FEATURES
from sims.measurements.estimates import mean_over


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
