"""Claims of Figure 3 of Vastola 2025.

Panels have as many models as each other, drawn independently: the first models of all are one replicate, and so on.
That something depends on the angle, or on the features, has no direction; it is asked of the agreement statistic.
"""

import numpy as np

from figures.common.claims import Claim, Evidence, Tests
from figures.common.stages import Arrays
from figures.studies.published_setting import FEATURES
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over

SOURCE = "Vastola 2025, Fig. 3"
MASS = 0.02  # of the samples: what a reader sees in a heat map
# Models from which the effect of the angle is decided; with fewer the question is left to the paper preset.
DECIDING_MODELS = 100


def claims(data: Arrays) -> list[Claim]:
    names = list(FEATURES)
    contrast = data["edge_mass"] - data["diagonal_mass"]  # (features, angle, model)
    orientation = [
        _more(
            f"orientation matters, {name} features",
            "edge minus diagonal mass changes with the angle: root mean square of its differences from that at 0°",
            agreement((of_features[1:] - of_features[:1]).T),
        )
        for name, of_features in zip(names, contrast, strict=True)
        if contrast.shape[-1] >= DECIDING_MODELS
    ]
    features = _more(
        "features matter",
        "edge minus diagonal mass of Gaussian less that of Fourier features: root mean square over the angles",
        agreement((contrast[0] - contrast[1]).T),
    )
    predicted = [_predicted_mass(data, index, name) for index, name in enumerate(names)]
    return [*_filling(data), *orientation, features, *predicted, _normalisation(data)]


def _more(name: str, statement: str, evidence: Evidence, bound: float = 0.0, tests: Tests = "paper") -> Claim:
    about = {"source": SOURCE, "tests": tests, "bound": bound, "relation": "greater", "margin": MASS}
    return Claim.from_estimate(name, statement, evidence, **about)


def _filled(data: Arrays, features: int, part: str = "") -> np.ndarray:
    """Mass on edges and diagonals, averaged over the angles, of every model; `part` is `predicted_` or nothing."""
    return (data[f"{part}edge_mass"] + data[f"{part}diagonal_mass"])[features].mean(axis=0)


def _filling(data: Arrays) -> list[Claim]:
    first, second = FEATURES
    return [
        _more(
            f"{first} features fill gaps",
            "mass on edges and diagonals away from the corners (mean over angles)",
            mean_over(_filled(data, 0)),
        ),
        _more(
            f"{second} features fill more than {first} ones",
            "mass on edges and diagonals, the difference (mean over angles)",
            mean_over(_filled(data, 1) - _filled(data, 0)),
            tests="theory",
        ),
    ]


def _predicted_mass(data: Arrays, index: int, name: str) -> Claim:
    """Mass on edges and diagonals, trained against predicted."""
    return Claim.from_estimate(
        f"predicted mass on edges and diagonals, {name} features",
        "mass on edges and diagonals of trained models less that with the predicted Gaussian weights (F/P = 2)",
        mean_over(_filled(data, index) - _filled(data, index, "predicted_")),
        source="Vastola 2025, Prop. 5.1, with the ridge's deterministic equivalent",
        tests="theory",
        theory=0.0,
        margin=MASS,
    )


def _normalisation(data: Arrays) -> Claim:
    return Claim.check(
        "the published normalisation changes the picture",
        "total variation between the published heat map and the joint density (smallest of the panels) exceeds 0.05",
        float(_total_variation(data).min()),
        source="this project",
        bound=0.05,
        relation="greater",
    )


def _total_variation(data: Arrays) -> np.ndarray:
    """½ Σ |published - joint| with both normalised to one on the grid, [features, angle]."""
    joint, published = (data[name] / data[name].sum(axis=(2, 3), keepdims=True) for name in ("density", "published"))
    return np.abs(joint - published).sum(axis=(2, 3)) / 2
