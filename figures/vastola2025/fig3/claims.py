"""Claims of Figure 3 of Vastola 2025."""

from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import absolute, beside, estimated_claim
from figures.common.stages import Arrays
from figures.studies.published_setting import FEATURES
from sims.measurements.estimates import Estimate, difference, mean_over

_claim = partial(estimated_claim, source="Vastola 2025, Fig. 3")


def claims(data: Arrays) -> list[Claim]:
    names, angles = list(FEATURES), data["angle"]
    statements = []
    for index, name in enumerate(names):
        statements.append(
            _claim(
                f"{name} features fill gaps",
                "mass on edges and diagonals away from the corners exceeds 0.01 (mean over angles)",
                _filled(data, index),
                paper=0.01,
                relation="greater",
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
    normalisation = _claim(
        "the published normalisation changes the picture",
        "total variation between the published heat map and the joint density is zero (mean over panels)",
        mean_over(_total_variation(data).ravel()),
        source="this project",
        paper=0.0,
        tolerance=0.05,
    )
    return [*statements, normalisation]


def _filled(data: Arrays, features: int, part: str = "") -> Estimate:
    """Mass on edges and diagonals, averaged over the angles; `part` is `predicted_` or nothing."""
    return mean_over((data[f"{part}edge_mass"] + data[f"{part}diagonal_mass"])[features].mean(axis=0))


def _contrast(data: Arrays, features: int, angle: int) -> Estimate:
    """Edge minus diagonal mass over the models of one panel."""
    return mean_over(data["edge_mass"][features, angle] - data["diagonal_mass"][features, angle])


def _differs(name: str, statement: str, first: Estimate, second: Estimate) -> Claim:
    """A claim that two estimates differ, by the absolute difference."""
    return _claim(name, statement, absolute(difference(first, second)), paper=0.0, relation="greater")


def _predicted_mass(data: Arrays, index: int, name: str) -> Claim:
    """Mass on edges and diagonals, trained against predicted."""
    trained, predicted = (_filled(data, index, part) for part in ("", "predicted_"))
    return _claim(
        f"predicted mass on edges and diagonals, {name} features",
        "mass on edges and diagonals of trained models is that of the predicted Gaussian weights (F/P = 2)",
        beside(trained, predicted),
        source="Vastola 2025, Prop. 5.1, with the ridge's deterministic equivalent",
        theory=float(predicted.value),
    )


def _total_variation(data: Arrays) -> np.ndarray:
    """½ Σ |published - joint| with both normalised to one on the grid, [features, angle]."""
    joint, published = (data[name] / data[name].sum(axis=(2, 3), keepdims=True) for name in ("density", "published"))
    return np.abs(joint - published).sum(axis=(2, 3)) / 2
