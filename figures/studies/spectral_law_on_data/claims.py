"""What is claimed of the spectral law on a data set."""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.statistics import emergence, exponent, usable_modes
from figures.studies.trained_modes.claims import follows_recursion
from figures.studies.trained_modes.statistics import deviation_of_gains, deviation_of_variances
from sims.measurements.estimates import mean_over


def experiment_claims(data: Arrays, what: str) -> list[Claim]:
    """The claims of the spectral law for the data set named `what`."""
    source = "Wang & Pehlevan 2025, Secs. 4-5"
    gains = deviation_of_gains(data["gain_trained"], data["gain_finite_steps"])
    variances = deviation_of_variances(data["variance_trained"], data["variance_finite_steps"])
    statements = [
        follows_recursion(f"{what}: SGD's weights", source, gains, "gains"),
        follows_recursion(f"{what}: SGD's generated variance", source, variances),
    ]
    used = usable_modes(data)
    fit = exponent(data)
    if not fit.defined:
        return statements
    times = emergence(data)[:, used]
    ratio = mean_over(np.log(times / data["emergence_theory"][used]).mean(axis=1))
    at_end = np.log(data["variance_trained"][:, -1] / data["variance_finite_steps"][-1])
    converged = used & (data["emergence_theory"] < data["times"][-1] / 4)
    return [
        *statements,
        *_exponent_against_theory(data, what, "variance_trained"),
        estimated_claim(
            f"{what}: emergence exponent",
            "τ* ∝ λ^-α with α ≈ 1",
            fit.trained,
            source=source,
            paper=1.0,
            tolerance=0.1,
        ),
        estimated_claim(
            f"{what}: emergence times",
            "mean over modes of ln(τ* trained / τ* closed form) is zero",
            ratio,
            source=source,
            theory=0.0,
            tolerance=0.1,
        ),
        estimated_claim(
            f"{what}: variance of all modes",
            "mean over all modes of ln(λ̃ trained / λ̃ theory) at the end is zero",
            mean_over(at_end.mean(axis=1)),
            source=source,
            theory=0.0,
            tolerance=0.05,
        ),
        estimated_claim(
            f"{what}: variance of learned modes",
            f"the same over the {int(converged.sum())} modes learned before a quarter of the run",
            mean_over(at_end[:, converged].mean(axis=1)),
            source=source,
            theory=0.0,
            tolerance=0.05,
        ),
        *_exponent_against_theory(data, f"{what}, batches of {int(data['small_batch_size'])}", "variance_small_batch"),
    ]


def _exponent_against_theory(data: Arrays, what: str, networks: str) -> list[Claim]:
    """The exponent of one set of networks beside the closed form's; nothing where fewer than three modes emerge."""
    fit = exponent(data, networks)
    if not fit.defined:
        return []
    return [
        estimated_claim(
            f"{what}: emergence exponent against theory",
            "exponent α of τ* ∝ λ^-α of trained networks equals the closed form's on the same modes",
            fit.trained,
            source="Wang & Pehlevan 2025, Secs. 4-5",
            theory=fit.closed_form.exponent,
            tolerance=0.05,
        )
    ]
