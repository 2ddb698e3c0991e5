"""What is claimed of the spectral law on a data set."""

import numpy as np

from figures.common.claims import Claim
from figures.common.power_laws import exponents
from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.statistics import emergence, gain_deviations, usable_modes
from sims.measurements.estimates import mean_over
from theory.spectral_law.power_law import fit_power_law


def experiment_claims(data: Arrays, what: str) -> list[Claim]:
    """The claims of the spectral law for the data set named `what`."""
    source = "Wang & Pehlevan 2025, Secs. 4-5"
    within = float(np.mean(np.abs(gain_deviations(data)) < 4))
    statements = [
        Claim(
            f"{what}: SGD follows gradient flow's weights",
            source,
            "share of (mode, time, noise level) gains within 4 standard errors of Eq. 7 with finite steps ≥ 0.99",
            None,
            0.99,
            within,
            (within, within),
            0.0,
            "greater",
        )
    ]
    used = usable_modes(data)
    if used.sum() < 3:
        return statements
    times = emergence(data)[:, used]
    variance = data["variance"][used]
    fitted = exponents(variance, times)
    ratio = mean_over(np.log(times / data["emergence_theory"][used]).mean(axis=1))
    converged = used & (data["emergence_theory"] < data["times"][-1] / 4)
    offset = mean_over(
        np.log(data["variance_trained"][:, -1] / data["variance_finite_steps"][-1])[:, converged].mean(1)
    )
    return [
        *statements,
        *_exponent_against_theory(data, what, "variance_trained"),
        Claim(
            f"{what}: emergence exponent",
            source,
            "τ* ∝ λ^-α with α ≈ 1",
            1.0,
            None,
            float(fitted.value),
            fitted.interval,
            0.1,
        ),
        Claim(
            f"{what}: emergence times",
            source,
            "mean over modes of ln(τ* trained / τ* closed form) is zero",
            None,
            0.0,
            float(ratio.value),
            ratio.interval,
            0.1,
        ),
        Claim(
            f"{what}: variance of learned modes",
            source,
            "mean over modes learned before a quarter of the run of ln(λ̃ trained / λ̃ theory) at the end is zero",
            None,
            0.0,
            float(offset.value),
            offset.interval,
            0.05,
        ),
        *_exponent_against_theory(data, f"{what}, batches of {int(data['small_batch_size'])}", "variance_small_batch"),
    ]


def _exponent_against_theory(data: Arrays, what: str, networks: str) -> list[Claim]:
    """The exponent of one set of networks beside the closed form's; nothing where fewer than three modes emerge."""
    used = usable_modes(data, networks)
    if used.sum() < 3:
        return []
    fitted = exponents(data["variance"][used], emergence(data, networks)[:, used])
    return [
        Claim(
            f"{what}: emergence exponent against theory",
            "Wang & Pehlevan 2025, Secs. 4-5",
            "exponent α of τ* ∝ λ^-α of trained networks equals the closed form's on the same modes",
            None,
            fit_power_law(data["variance"][used], data["emergence_theory"][used]).exponent,
            float(fitted.value),
            fitted.interval,
            0.05,
        )
    ]
