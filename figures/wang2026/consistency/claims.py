"""What is claimed of consistency; every statement and margin was written before the first full run.

Only the run of four networks with 40 points each had been seen, of which the agreement alone was read. On photographs
brightness dominates samples, so that models disagree by less than .05 even at the fewest points: the margin of their
agreement is wide, and their distance says more.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.wang2026.consistency.statistics import (
    deviation_of_mean,
    diagonal_spread,
    distance_over_theory,
    gained_agreement,
    pairs_less_theory,
    spread,
    spread_with_fourth_moments,
    weak_and_strong,
)
from sims.measurements.estimates import mean_over

OURS, PAPER = "this project", "Wang, Zavatone-Veth & Pehlevan 2026"
WORDS = {"gaussian": "Gaussian data", "photographs": "linear denoisers on photographs"}


def claims(data: Arrays) -> list[Claim]:
    everywhere = [claim for setting in WORDS for claim in (*_means(data, setting), *_pairs(data, setting))]
    return [*everywhere, *_spreads_of_gaussian(data), *_in_training(data), *_spreads_of_photographs(data)]


def _equal(name: str, statement: str, values, margin: float, *, source: str = OURS, one: bool = True) -> Claim:
    """`values`, one per replicate, are relative to a theory: one of a ratio, zero of a deviation."""
    reference = 1.0 if one else 0.0
    estimate = mean_over(values).minus(reference)
    return Claim.from_estimate(
        name, statement, estimate, source=source, tests="theory", theory=reference, margin=margin
    )


def _less(name: str, statement: str, values, bound: float, *, source: str = PAPER) -> Claim:
    estimate = mean_over(values).minus(bound)
    return Claim.from_estimate(name, statement, estimate, source=source, tests="paper", bound=bound, relation="less")


def _means(data: Arrays, setting: str) -> list[Claim]:
    words, (weak, strong) = WORDS[setting], weak_and_strong(data, setting)
    return [
        _equal(
            f"{words}: mean denoiser",
            "end of training: gain over λ/(λ + κ(σ²)), less one, mean over data sets, their sizes and modes",
            deviation_of_mean(data, "gains", setting),
            0.03,
            source=f"{PAPER}, Prop. 4.1",
            one=False,
        ),
        _equal(
            f"{words}: mean sampling map",
            "end of training: element u·Au of the map from x_T to x_0 over its expectation, less one, as above",
            deviation_of_mean(data, "maps", setting),
            0.03,
            source=f"{PAPER}, Prop. 5.1",
            one=False,
        ),
        _less(
            f"{words}: few data overshrink",
            "fewest points: gain over λ/(λ + σ²), less one, of the third of the modes with the least variance: below "
            "-.05",
            weak,
            -0.05,
        ),
        _less(
            f"{words}: directions of low variance most",
            "the same less that of the third of the modes with the most variance: below -.05",
            weak - strong,
            -0.05,
        ),
    ]


def _pairs(data: Arrays, setting: str) -> list[Claim]:
    words = WORDS[setting]
    return [
        _equal(
            f"{words}: agreement",
            "end of training: E x·x'/E|x|² of samples from the same noise by models of disjoint data, less the "
            "prediction, mean over sizes",
            pairs_less_theory(data, setting),
            0.03,
            one=False,
        ),
        _less(
            f"{words}: more data, more agreement",
            "ln of the disagreement 1 - E x·x'/E|x|² that is left at the most points of that at the fewest: below -1",
            gained_agreement(data, setting),
            -1.0,
        ),
    ]


def _spreads_of_gaussian(data: Arrays) -> list[Claim]:
    words = WORDS["gaussian"]
    wick = mean_over(diagonal_spread(data, "gaussian")).minus(1.5)
    return [
        _equal(
            f"{words}: variance of the denoiser",
            "end of training: variance of elements over data sets, trained/theory, mean over elements and sizes",
            spread(data, "gains", "gaussian"),
            0.1,
            source=f"{PAPER}, Prop. 4.2, with the Wick term",
        ),
        _equal(
            f"{words}: variance of the sampling map",
            "the same of the map from x_T to x_0",
            spread(data, "maps", "gaussian"),
            0.1,
            source=f"{PAPER}, Prop. 5.2, with the Wick term",
        ),
        Claim.from_estimate(
            f"{words}: the Wick term",
            "variance of the gains along modes over that of the law without the Wick term, which is two: above 1.5",
            wick,
            source=OURS,
            tests="theory",
            bound=1.5,
            relation="greater",
        ),
        _equal(
            f"{words}: distance of samples",
            "end of training: E|x - x'|² of the same pairs over the prediction, less one, mean over sizes",
            distance_over_theory(data, "gaussian"),
            0.15,
            one=False,
        ),
    ]


def _in_training(data: Arrays) -> list[Claim]:
    words, early = "Gaussian data, in training", 0
    return [
        _equal(
            f"{words}: mean sampling map",
            "ητ = 1: element u·Au of the map over its expectation, less one, mean over data sets, sizes and modes",
            deviation_of_mean(data, "maps", "gaussian", early),
            0.03,
            one=False,
        ),
        _equal(
            f"{words}: variance of the sampling map",
            "ητ = 1: variance of elements over data sets, trained/theory, mean over elements and sizes",
            spread(data, "maps", "gaussian", early),
            0.1,
        ),
        _equal(
            f"{words}: agreement",
            "ητ = 1: agreement of the samples of a pair less the prediction, mean over sizes",
            pairs_less_theory(data, "gaussian", early),
            0.03,
            one=False,
        ),
    ]


def _spreads_of_photographs(data: Arrays) -> list[Claim]:
    words, where = WORDS["photographs"], "photographs"
    tails = mean_over(spread(data, "maps", where)).minus(1.2)
    return [
        Claim.from_estimate(
            f"{words}: variance beyond that of Gaussian data",
            "end of training: variance of elements of the map over data sets, trained/theory of Gaussian data: above "
            "1.2",
            tails,
            source=OURS,
            tests="theory",
            bound=1.2,
            relation="greater",
        ),
        _equal(
            f"{words}: variance of the denoiser by fourth moments",
            "most points: variance of elements over data sets, trained/theory with the data's fourth moments",
            spread_with_fourth_moments(data, "gains", where),
            0.2,
        ),
        _equal(
            f"{words}: variance of the sampling map by fourth moments",
            "the same of the map from x_T to x_0",
            spread_with_fourth_moments(data, "maps", where),
            0.2,
        ),
        _equal(
            f"{words}: distance of samples by fourth moments",
            "end of training: E|x - x'|² over the prediction with the data's fourth moments, less one, mean over sizes",
            distance_over_theory(data, where, "fourth"),
            0.15,
            one=False,
        ),
    ]
