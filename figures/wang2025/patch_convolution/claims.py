"""What is claimed of convolutions on photographs."""

import numpy as np

from figures.common.claims import Claim
from figures.common.emergence import measured_emergence
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import discretisation, exponent_against_theory, follows_recursion
from figures.studies.trained_modes.statistics import deviation_of_gains, deviation_of_variances
from figures.wang2025.patch_convolution.experiment import FULL
from figures.wang2025.patch_convolution.statistics import (
    exponent,
    names_of,
    narrowest,
    rank_correlation,
    spread_of_times,
)
from sims.measurements.estimates import mean_over
from sims.measurements.modes import first_crossing


def claims(data: Arrays) -> list[Claim]:
    source, statements = "Wang & Pehlevan 2025, Props. 5.3, 5.4", []
    for name in names_of(data):
        words = "full width" if name == FULL else f"width {name}"
        found = deviation_of_variances(data[f"variance_trained_{name}"], data[f"variance_finite_steps_{name}"])
        statements.append(follows_recursion(f"photographs, {words}: generated variance", source, found))
        found = deviation_of_gains(data[f"gain_trained_{name}"], data[f"gain_finite_steps_{name}"])
        statements.append(follows_recursion(f"photographs, {words}: filter", source, found, "gains"))
    finite, closed = (
        np.stack([data[f"variance_{kind}_{name}"] for name in names_of(data)])
        for kind in ("finite_steps", "closed_form")
    )
    statements.append(discretisation("photographs, every width", finite, closed))
    return [*statements, _closed_form(data), _speed_up(data), *_exponent_claims(data)]


def _closed_form(data: Arrays) -> Claim:
    return Claim.identity(
        "generated spectrum in closed form",
        "closed form of the generated spectrum equals quadrature: largest |Δ ln λ̃| over widths, modes and times",
        max(float(data[f"closed_form_error_{name}"]) for name in names_of(data)),
        source="this project",
        theory=0.0,
        margin=1e-8,
    )


def _speed_up(data: Arrays) -> Claim:
    level = np.sqrt(data[f"variance_curve_{FULL}"][0] * data["variance"])
    measured = measured_emergence(data[f"times_{FULL}"], data[f"variance_trained_{FULL}"], level)
    # One layer at the same snapshots, N times later: both are interpolated alike.
    expected = first_crossing(data["pixels"] * data[f"times_{FULL}"], data["one_layer_curve"], level)
    seen = np.isfinite(expected)
    ratio = np.log(data["pixels"] * measured[:, seen] / expected[seen])
    return Claim.from_estimate(
        "full width: N-fold speed-up",
        "N times the emergence time of the trained filters is that of one layer: mean over modes of ln of the ratio",
        mean_over(ratio.mean(axis=1)),
        source="Wang & Pehlevan 2025, Prop. 5.3",
        tests="paper",
        theory=0.0,
        margin=0.05,
    )


def _exponent_claims(data: Arrays) -> list[Claim]:
    statements = []
    for name in names_of(data):
        fit = exponent(data, name)
        if fit.defined and name != "1":  # a single tap learns all modes at once
            words = "full width" if name == FULL else f"width {name}"
            title = f"photographs, {words}: exponent against theory"
            statements.append(exponent_against_theory(title, "Wang & Pehlevan 2025, Tab. 2", fit))
    return [*statements, _narrower_spread(data), _order_is_lost(data)]


def _narrower_spread(data: Arrays) -> Claim:
    """By how much the times of the narrowest filter that sees a neighbour lie closer together."""
    narrow, full = (spread_of_times(data, name) for name in (narrowest(data), FULL))
    return Claim.from_estimate(
        f"photographs, width {narrowest(data)}: modes emerge closer together than at full width",
        "smaller patches have shallower exponents; where there is no power law, a smaller standard deviation of ln τ* "
        "over modes, by half an e-fold or more",
        mean_over(narrow - full),
        source="Wang & Pehlevan 2025, Tab. 2",
        tests="paper",
        bound=0.0,
        relation="less",
        margin=0.5,
    )


def _order_is_lost(data: Arrays) -> Claim:
    """Whether modes of the narrowest filter still emerge in the order of their variances."""
    narrow = narrowest(data)
    return Claim.from_estimate(
        f"photographs, width {narrow}: modes do not emerge in the order of their variances",
        "rank correlation of 1/τ* and λ over modes is below 0.9",
        mean_over(rank_correlation(data, narrow)).minus(0.9),
        source="this project",
        tests="theory",
        bound=0.9,
        relation="less",
    )
