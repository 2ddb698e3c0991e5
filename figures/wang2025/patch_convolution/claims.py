"""What is claimed of convolutions on photographs."""

import numpy as np

from figures.common.claims import Claim
from figures.common.emergence import measured_emergence
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import discretisation, follows_recursion
from figures.studies.trained_modes.statistics import deviation_of_gains, deviation_of_variances
from figures.wang2025.patch_convolution.experiment import FULL
from figures.wang2025.patch_convolution.statistics import exponent, names_of, narrowest
from sims.measurements.estimates import exact, mean_over
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
    error = max(float(data[f"closed_form_error_{name}"]) for name in names_of(data))
    statement = "closed form of the generated spectrum equals quadrature: largest |Δ ln λ̃| over widths, modes and times"
    name = "generated spectrum in closed form"
    return estimated_claim(name, statement, exact(error), source="this project", theory=0.0, tolerance=1e-8)


def _speed_up(data: Arrays) -> Claim:
    level = np.sqrt(data[f"variance_curve_{FULL}"][0] * data["variance"])
    measured = measured_emergence(data[f"times_{FULL}"], data[f"variance_trained_{FULL}"], level)
    # One layer at the same snapshots, N times later: both are interpolated alike.
    expected = first_crossing(data["pixels"] * data[f"times_{FULL}"], data["one_layer_curve"], level)
    seen = np.isfinite(measured).all(axis=0) & np.isfinite(expected)
    ratio = mean_over(np.mean(data["pixels"] * measured[:, seen] / expected[seen][None], axis=1))
    return estimated_claim(
        "full width: N-fold speed-up",
        "N times the emergence time of the trained filters over that of one layer, mean over modes",
        ratio,
        source="Wang & Pehlevan 2025, Prop. 5.3",
        paper=1.0,
        tolerance=0.05,
    )


def _exponent_claims(data: Arrays) -> list[Claim]:
    statements = []
    for name in names_of(data):
        fit = exponent(data, name)
        if not fit.defined:
            continue
        words = "full width" if name == FULL else f"width {name}"
        statements.append(
            estimated_claim(
                f"photographs, {words}: exponent",
                "exponent of emergence in the data's variance, trained filters against closed form",
                fit.trained,
                source="Wang & Pehlevan 2025, Tab. 2",
                paper=1.0 if name == FULL else None,
                theory=fit.closed_form.exponent,
                tolerance=0.05,
            )
        )
    return [*statements, _shallower(data)]


def _shallower(data: Arrays) -> Claim:
    """The narrowest filter that sees a neighbour against the closed form of the full width.

    The interval is that over seeds. It says nothing of the fit, which is poor for a narrow filter.
    """
    narrow = narrowest(data)
    return estimated_claim(
        f"photographs, width {narrow}: shallower exponent than full width",
        "smaller patches have shallower exponents",
        exponent(data, narrow).trained,
        source="Wang & Pehlevan 2025, Tab. 2",
        theory=exponent(data, FULL).closed_form.exponent,
        relation="less",
    )
