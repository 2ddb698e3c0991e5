"""What is claimed of one- and two-layer networks beside their theory."""

import numpy as np

from figures.common.claims import Claim
from figures.common.emergence import measured_emergence
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import discretisation, exponent_against_theory, follows_recursion
from figures.studies.two_architectures.statistics import deviation_from_recursion, exponent_of
from sims.measurements.estimates import mean_over


def architecture_claims(data: Arrays) -> list[Claim]:
    """For each architecture: agreement with theory, discretisation, exponents; the law of the two-layer weight."""
    statements = []
    for name, section in (("one_layer", "Sec. 4"), ("two_layer", "Sec. 5.1")):
        words, source = name.replace("_", "-"), f"Wang & Pehlevan 2025, {section}"
        title = f"{words}: trained networks follow gradient descent's recursion"
        statements.append(follows_recursion(title, source, deviation_from_recursion(data, name, name)))
        finite, closed = data[f"variance_finite_steps_{name}"], data[f"variance_closed_form_{name}"]
        statements.append(discretisation(words, finite, closed))
        fit = exponent_of(data, name)
        law = "τ* ∝ λ^-α with α ≈ 1"
        statements += [
            exponent_against_theory(f"{words}: emergence exponent against theory", source, fit),
            estimated_claim(f"{words}: emergence exponent", law, fit.trained, source=source, paper=1.0, tolerance=0.1),
        ]
    statements.append(_weight_law(data))
    if "fewer_training_samples" not in data:
        return statements
    # The first claim once more for small training sets, whose sampling noise the closed form leaves out.
    title = f"one-layer: {int(data['fewer_training_samples'])} training samples are enough"
    fewer = follows_recursion(title, "this project", deviation_from_recursion(data, "fewer_samples", "one_layer"))
    return [*statements, fewer]


def _weight_law(data: Arrays) -> Claim:
    """The exact law of the two-layer weight, τ* = ln 2/(8ηλ), measured at the noise level that is shown."""
    start = data["gain_curve_two_layer"][0]
    optimum = data["variance"] / (data["variance"] + 1.0)
    level = 2 * start * optimum / (start + optimum)
    emergence = measured_emergence(data["times"], data["gain_trained_two_layer"], level)
    # A mode that starts at its harmonic mean to a few per cent has no crossing to speak of.
    rising = np.isfinite(emergence).all(axis=0) & (optimum > 1.5 * start)
    ratio = mean_over((emergence * 8 * data["variance"] / np.log(2))[:, rising].mean(axis=1))
    return estimated_claim(
        "two-layer: emergence time of the weight",
        "8ηλτ*/ln 2 = 1 at the harmonic mean of initial and final weight, mean over rising modes, σ = 1",
        ratio,
        source="Wang & Pehlevan 2025, Prop. 5.1",
        paper=1.0,
        theory=1.0,
        tolerance=0.03,
    )
