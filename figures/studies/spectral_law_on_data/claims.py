"""What is claimed of the spectral law on a data set."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.statistics import emergence, exponent, leak_exponent, usable_modes
from figures.studies.trained_modes.claims import exponent_against_theory, follows_recursion
from figures.studies.trained_modes.statistics import deviation_of_gains, deviation_of_variances
from sims.measurements.estimates import Estimate, mean_over

SOURCE = "Wang & Pehlevan 2025, Secs. 4-5"


def experiment_claims(data: Arrays, what: str, *, headlines: bool = False) -> list[Claim]:
    """The claims of the spectral law for the data set named `what`.

    With `headlines`, the exponent and the generated variance are headline claims.
    """
    gains = deviation_of_gains(data["gain_trained"], data["gain_finite_steps"])
    variances = deviation_of_variances(data["variance_trained"], data["variance_finite_steps"])
    statements = [
        follows_recursion(f"{what}: SGD's weights", SOURCE, gains, "gains"),
        follows_recursion(f"{what}: SGD's generated variance", SOURCE, variances, headline=headlines),
        _variances_at_the_end(data, what),
        _leaks(data, what),
    ]
    small = f"{what}, batches of {int(data['small_batch_size'])}"
    for words, networks in ((what, "variance_trained"), (small, "variance_small_batch")):
        fit = exponent(data, networks)
        if fit.defined:
            name, headline = f"{words}: emergence exponent against theory", headlines and words == what
            statements.append(exponent_against_theory(name, SOURCE, fit, headline=headline))
    if not exponent(data).defined:
        return statements
    return [*statements, _inverse_variance_law(data, what), _emergence_times(data, what)]


def _inverse_variance_law(data: Arrays, what: str) -> Claim:
    return Claim.from_estimate(
        f"{what}: inverse-variance law",
        "a linear denoiser has τ* ∝ λ^-α with α within 0.1 of 1 (the paper's nonlinear networks on images: 0.48 and "
        "0.35, MLPs, about 0, CNNs)",
        exponent(data).trained.minus(1.0),
        source=SOURCE,
        tests="theory",
        theory=1.0,
        margin=0.1,
    )


def _emergence_times(data: Arrays, what: str) -> Claim:
    used = usable_modes(data)
    ratio = np.log(emergence(data)[:, used] / data["emergence_theory"][used])
    return _mean_logarithm(
        f"{what}: emergence times",
        "mean over modes of ln(τ* trained/τ* closed form)",
        mean_over(ratio.mean(axis=1)),
        margin=0.1,
    )


def _variances_at_the_end(data: Arrays, what: str) -> Claim:
    at_end = np.log(data["variance_trained"][:, -1] / data["variance_finite_steps"][-1])
    statement = "mean over all modes of ln(λ̃ trained/λ̃ theory) at the end"
    return _mean_logarithm(f"{what}: variance of all modes", statement, mean_over(at_end.mean(axis=1)), margin=0.05)


def _leaks(data: Arrays, what: str) -> Claim:
    """Why SGD's variance is above theory's, asked of the two batch sizes."""
    return Claim.from_estimate(
        f"{what}: leaks of SGD fall as 1/B",
        "the mean of λ̃ trained/λ̃ theory - 1 over modes and times is ∝ B^-β of the batch B, with β = 1: noise of SGD "
        "that leaks into modes which have not emerged",
        leak_exponent(data).minus(1.0),
        source="this project",
        tests="theory",
        theory=1.0,
        margin=0.2,
    )


def _mean_logarithm(name: str, statement: str, estimate: Estimate, margin: float) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=SOURCE, tests="theory", theory=0.0, margin=margin)
