"""What is claimed of one- and two-layer networks beside their theory."""

import numpy as np

from figures.common.claims import Claim
from figures.common.emergence import measured_emergence
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import discretisation, exponent_against_theory, follows_recursion
from figures.studies.two_architectures.statistics import deviation_from_recursion, exponent_of
from sims.measurements.estimates import mean_over

SECTIONS = {"one_layer": "Wang & Pehlevan 2025, Sec. 4", "two_layer": "Wang & Pehlevan 2025, Sec. 5.1"}


def architecture_claims(data: Arrays, *, headlines: bool = False) -> list[Claim]:
    """For each architecture: agreement with theory, discretisation, exponent; the law of the two-layer weight.

    With `headlines`, agreement and exponent of one layer are headline claims.
    """
    statements = []
    for name, source in SECTIONS.items():
        words = name.replace("_", "-")
        title = f"{words}: trained networks follow gradient descent's recursion"
        headline = headlines and name == "one_layer"
        found = deviation_from_recursion(data, name, name)
        statements.append(follows_recursion(title, source, found, headline=headline))
        finite, closed = data[f"variance_finite_steps_{name}"], data[f"variance_closed_form_{name}"]
        statements.append(discretisation(words, finite, closed))
        title = f"{words}: emergence exponent against theory"
        statements.append(exponent_against_theory(title, source, exponent_of(data, name), headline=headline))
    return [*statements, _weight_law(data)]


def printed_exponents(data: Arrays) -> list[Claim]:
    """α ≈ 1, which the paper prints for Figure 2C."""
    return [
        Claim.from_estimate(
            f"{name.replace('_', '-')}: inverse-variance law",
            "τ* ∝ λ^-α with α ≈ 1",
            exponent_of(data, name).trained.minus(1.0),
            source="Wang & Pehlevan 2025, Fig. 2C",
            tests="paper",
            paper=1.0,
            margin=0.1,
        )
        for name in SECTIONS
    ]


def fewer_samples(data: Arrays) -> Claim:
    """The first claim once more for small training sets, whose sampling noise the closed form leaves out."""
    title = f"one-layer: {int(data['fewer_training_samples'])} training samples are enough"
    return follows_recursion(title, "this project", deviation_from_recursion(data, "fewer_samples", "one_layer"))


def _weight_law(data: Arrays) -> Claim:
    """The exact law of the two-layer weight, τ* = ln 2/(8ηλ), measured at the noise level that is shown."""
    start = data["gain_curve_two_layer"][0]
    optimum = data["variance"] / (data["variance"] + 1.0)
    level = 2 * start * optimum / (start + optimum)
    emergence = measured_emergence(data["times"], data["gain_trained_two_layer"], level)
    # A mode that starts at its harmonic mean to a few per cent has no crossing to speak of, one that is half-way after
    # the last snapshot none that is seen.
    law = np.log(2) / (8 * data["variance"])
    measurable = (optimum > 1.5 * start) & (law < data["times"][-1] / 2)
    return Claim.from_estimate(
        "two-layer: emergence time of the weight",
        "τ* = ln 2/(8ηλ) at the harmonic mean of initial and final weight, σ = 1: mean of ln(8ηλτ*/ln 2) over rising "
        "modes",
        mean_over(np.log(emergence / law)[:, measurable].mean(axis=1)),
        source="Wang & Pehlevan 2025, Prop. 5.1",
        tests="paper",
        theory=0.0,
        margin=0.03,
    )
