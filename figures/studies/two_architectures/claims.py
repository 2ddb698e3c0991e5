"""What is claimed of one- and two-layer networks beside their theory."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import discretisation, follows_closed_form
from figures.studies.two_architectures.statistics import exponent_of, share_within
from sims.measurements.estimates import mean_over
from sims.measurements.modes import first_crossing


def architecture_claims(data: Arrays) -> list[Claim]:
    """For each architecture: agreement with theory, discretisation, exponents; the law of the two-layer weight."""
    statements = []
    for name, section in (("one_layer", "Sec. 4"), ("two_layer", "Sec. 5.1")):
        words, source = name.replace("_", "-"), f"Wang & Pehlevan 2025, {section}"
        title = f"{words}: trained networks follow the closed form"
        statements.append(follows_closed_form(title, source, share_within(data, name, name)))
        finite, closed = data[f"variance_finite_steps_{name}"], data[f"variance_closed_form_{name}"]
        statements.append(discretisation(words, finite, closed))
        exponent, theory = exponent_of(data, name)
        statements += [
            Claim(
                f"{words}: emergence exponent against theory",
                source,
                "exponent α of τ* ∝ λ^-α from trained networks equals the closed form's",
                None,
                theory,
                float(exponent.value),
                exponent.interval,
                0.02,
            ),
            Claim(
                f"{words}: emergence exponent",
                source,
                "τ* ∝ λ^-α with α ≈ 1",
                1.0,
                None,
                float(exponent.value),
                exponent.interval,
                0.1,
            ),
        ]
    statements.append(_weight_law(data))
    if "fewer_training_samples" not in data:
        return statements
    # The first claim once more for small training sets, whose sampling noise the closed form leaves out.
    title = f"one-layer: {int(data['fewer_training_samples'])} training samples are enough"
    fewer = follows_closed_form(title, "this project", share_within(data, "fewer_samples", "one_layer"))
    return [*statements, fewer]


def _weight_law(data: Arrays) -> Claim:
    """The exact law of the two-layer weight, τ* = ln 2/(8ηλ), measured at the noise level that is shown."""
    gains = np.moveaxis(data["gain_trained_two_layer"], 1, 0)
    start = data["gain_curve_two_layer"][0]
    optimum = data["variance"] / (data["variance"] + 1.0)
    emergence = first_crossing(data["times"], gains, (2 * start * optimum / (start + optimum))[None])
    # A mode that starts at its harmonic mean to a few per cent has no crossing to speak of.
    rising = np.isfinite(emergence).all(axis=0) & (optimum > 1.5 * start)
    ratio = mean_over((emergence * 8 * data["variance"] / np.log(2))[:, rising].mean(axis=1))
    return Claim(
        "two-layer: emergence time of the weight",
        "Wang & Pehlevan 2025, Prop. 5.1",
        "8ηλτ*/ln 2 = 1 at the harmonic mean of initial and final weight, mean over rising modes, σ = 1",
        1.0,
        1.0,
        float(ratio.value),
        ratio.interval,
        0.03,
    )
