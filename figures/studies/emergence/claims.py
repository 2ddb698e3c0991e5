"""What is claimed of emergence times."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.emergence.experiment import MEANS
from figures.studies.emergence.statistics import deviation_of_times, exponent_of_branch, shift_by_finite_steps
from sims.measurements.agreement import agreement

Branch = tuple[float, str]  # initial gain, "rising" or "falling"

# Five per cent of an emergence time, and of the exponent 1: less than a reader sees in a figure of eight decades.
LARGEST_DEVIATION = 0.05


def emergence_claims(
    data: Arrays, architecture: str, branches: tuple[tuple[Branch, str], ...], source: str
) -> list[Claim]:
    """Exponents of (branch, mean) and all emergence times at both means, against the closed form."""
    exponents = [_exponent(data, architecture, branch, mean, source) for branch, mean in branches]
    times = [_times(data, architecture, mean, source) for mean in MEANS]
    return [*exponents, *times, *[_discretisation(data, architecture, mean) for mean in MEANS]]


def _words(architecture: str) -> str:
    return architecture.replace("_", "-")


def _exponent(data: Arrays, architecture: str, branch: Branch, mean: str, source: str) -> Claim:
    gain, side = branch
    fit = exponent_of_branch(data, architecture, gain, mean, side)
    return Claim.from_estimate(
        f"{_words(architecture)}: exponent, Q = {gain:g}, {side} branch, {mean} mean",
        "exponent α of τ* ∝ λ^-α from trained networks equals the closed form's over the same modes",
        fit.trained.minus(fit.closed_form.exponent),
        source=source,
        tests="theory",
        theory=float(fit.closed_form.exponent),
        margin=LARGEST_DEVIATION,
    )


def _times(data: Arrays, architecture: str, mean: str, source: str) -> Claim:
    return Claim.from_estimate(
        f"{_words(architecture)}: emergence times, {mean} mean",
        "systematic deviation of ln τ* of trained networks from theory with the same gradient and Heun steps "
        "(root mean square over gains and modes)",
        agreement(deviation_of_times(data, architecture, mean)),
        source=source,
        tests="theory",
        theory=0.0,
        margin=LARGEST_DEVIATION,
    )


def _discretisation(data: Arrays, architecture: str, mean: str) -> Claim:
    return Claim.check(
        f"{_words(architecture)}: discretisation, {mean} mean",
        "gradient steps, Heun steps and snapshots move ln τ*, in theory, from the closed form by less than 0.25",
        shift_by_finite_steps(data, architecture, mean),
        source="this project",
        bound=0.25,
        relation="less",
    )


def square_root_law(data: Arrays, gain: float, source: str, statement: str, margin: float) -> Claim:
    """The falling branch from this gain: its variance falls as 1/τ whatever λ, so that τ* ∝ λ^-1/2 at the √λ level."""
    return Claim.from_estimate(
        f"exponent ½ of the falling branch, Q = {gain:g}, geometric mean",
        statement,
        exponent_of_branch(data, "one_layer", gain, "geometric", "falling").trained.minus(0.5),
        source=source,
        tests="theory",
        theory=0.5,
        margin=margin,
    )
