"""What is claimed of the spectral law on a data set."""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.statistics import emergence, exponent, gain_deviations, usable_modes
from sims.measurements.estimates import exact, mean_over


def experiment_claims(data: Arrays, what: str) -> list[Claim]:
    """The claims of the spectral law for the data set named `what`."""
    source = "Wang & Pehlevan 2025, Secs. 4-5"
    within = float(np.mean(np.abs(gain_deviations(data)) < 4))
    statements = [
        estimated_claim(
            f"{what}: SGD follows gradient flow's weights",
            "share of (mode, time, noise level) gains within 4 standard errors of Eq. 7 with finite steps ≥ 0.99",
            exact(within),
            source=source,
            theory=0.99,
            relation="greater",
        )
    ]
    used = usable_modes(data)
    fit = exponent(data)
    if not fit.defined:
        return statements
    times = emergence(data)[:, used]
    ratio = mean_over(np.log(times / data["emergence_theory"][used]).mean(axis=1))
    converged = used & (data["emergence_theory"] < data["times"][-1] / 4)
    offset = mean_over(
        np.log(data["variance_trained"][:, -1] / data["variance_finite_steps"][-1])[:, converged].mean(1)
    )
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
            f"{what}: variance of learned modes",
            "mean over modes learned before a quarter of the run of ln(λ̃ trained / λ̃ theory) at the end is zero",
            offset,
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
