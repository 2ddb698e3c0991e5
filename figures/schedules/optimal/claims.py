"""What is claimed of noise levels; replicates are networks with samples of their own, or halves of the user's.

All claims and margins were written before the first run of the quick preset, but for that of a paper: its numbers were
known from `theory.sampling_questions.tangent_schedules`.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.schedules.optimal.experiment import SCHEDULES
from figures.schedules.optimal.statistics import (
    IDEAL,
    LEARNED,
    OPTIMAL,
    OWN,
    excess,
    kept_of_prediction,
    names,
)
from sims.measurements.estimates import mean_over

OURS = "this project"
_NATS = 0.05  # that matter
_SHARE = 0.1  # of the predicted gain
_ALIKE = 1.05  # ratio of two KL
_HALF, _END = 1, 2
_MEASURE = "KL, in nats, from what trained networks generate to held-back second moments, by DDIM in few steps"


def claims(data: Arrays) -> list[Claim]:
    return [_lowest(data), _tangent_law(data), *(each(data, row) for row in (0, 1) for each in _OF_TRAINED)]


def _lowest(data: Arrays) -> Claim:
    others = [at for at in range(len(SCHEDULES)) if at != OPTIMAL]
    ratio = data["divergence"][..., OPTIMAL] / data["divergence"][..., others].min(axis=-1)
    return Claim.check(
        "theory: the optimum is the lowest",
        "for any number of steps and both spectra KL from the optimal levels is below that from each of the others: "
        "largest ratio to the best of them",
        float(ratio.max()),
        source=OURS,
        tests="theory",
        relation="less",
        bound=1.0,
    )


def _tangent_law(data: Arrays) -> Claim:
    """As the abstract has it; for what sampler, and to what order, is not said there."""
    ratio = data["divergence"][..., SCHEDULES.index("best tangent")] / data["divergence"][..., OPTIMAL]
    return Claim.check(
        "theory: the optimum follows a tangent law",
        "the schedule of least KL for a Gaussian follows a tangent law with a coefficient that its eigenvalues "
        "determine: KL from the best such levels over that from the optimum, largest ratio of both spectra and all "
        "numbers of steps",
        float(ratio.max()),
        source="arXiv 2601.13602, abstract, in our words",
        tests="paper",
        relation="less",
        bound=_ALIKE,
    )


def _as_good(data: Arrays, row: int, time: int, tried: int, words: str) -> Claim:
    return Claim.from_estimate(
        f"{names(data)[row]}, {LEARNED[time]} learned: {words}",
        f"{_MEASURE}, when {LEARNED[time]} of the modes are learned: from {words} at least as low as from EDM's levels "
        "(ρ = 7), less than .05 nats above",
        mean_over(excess(data, row, time, tried)).minus(_NATS),
        source=OURS,
        tests="theory",
        relation="less",
        bound=_NATS,
    )


def _at_the_end(data: Arrays, row: int) -> Claim:
    return _as_good(data, row, _END, IDEAL, "optimal levels")


def _early(data: Arrays, row: int) -> Claim:
    return _as_good(data, row, 0, OWN, "levels optimal at τ")


def _half_way(data: Arrays, row: int) -> Claim:
    return _as_good(data, row, _HALF, OWN, "levels optimal at τ")


def _ideal_half_way(data: Arrays, row: int) -> Claim:
    return _as_good(data, row, _HALF, IDEAL, "levels optimal for the ideal denoiser")


def _better_than_ideal(data: Arrays, row: int) -> Claim:
    return Claim.from_estimate(
        f"{names(data)[row]}, half learned: levels of its own",
        f"{_MEASURE}, when half of the modes are learned: from levels optimal at τ lower, by more than .05 nats, than "
        "from levels optimal for the ideal denoiser",
        mean_over(excess(data, row, _HALF, OWN, IDEAL)).minus(-_NATS),
        source=OURS,
        tests="theory",
        relation="less",
        bound=-_NATS,
    )


def _as_predicted(data: Arrays, row: int) -> Claim:
    return Claim.from_estimate(
        f"{names(data)[row]}: gain as predicted",
        "at the end of training optimal levels gain as much over EDM's as theory says of the training samples' "
        "spectrum: ratio of both",
        mean_over(kept_of_prediction(data, row, _END, IDEAL)).minus(1.0),
        source=OURS,
        tests="theory",
        theory=1.0,
        margin=_SHARE,
    )


_OF_TRAINED = (_at_the_end, _early, _half_way, _ideal_half_way, _better_than_ideal, _as_predicted)
