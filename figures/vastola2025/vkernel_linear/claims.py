"""Claims of the figure `vkernel_linear`.

How well a prediction fits is its relative distance |V measured - V predicted|/|V| over all pairs of places, estimated
without the noise of few models. A perfect scale provided, it is √(1 - r²) for a correlation r. Which of two predictions
fits better is asked of their squared distances, model by model.
"""

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.stages import Arrays
from figures.vastola2025.vkernel_linear.statistics import case_words, contest_of, distance_of, estimate_of

SOURCE = "this project, from Vastola 2025, Prop. 5.1"
BEST = "local_equivalent"
# The correlations that were asked for: of Gaussian features at the two smallest F/P, and of Fourier features.
CORRELATIONS = {0: 0.97, 1: 0.75, -1: 0.95}
VARIANCE = 0.05  # of a ratio of variances
SMALLEST_EFFECT = 0.01  # of a squared distance, over |V|²: a tenth of V in norm


def claims(data: Arrays) -> list[Claim]:
    return [*_distance_claims(data), *_variance_claims(data), *_contests(data), *_reason_claims(data)]


def _equivalence(
    name: str, statement: str, estimate: Evidence, margin: float, source: str = SOURCE, *, headline: bool = False
) -> Claim:
    about = {"source": source, "tests": "theory", "theory": 0.0, "margin": margin, "headline": headline}
    return Claim.from_estimate(name, statement, estimate, **about)


def _distance_claims(data: Arrays) -> list[Claim]:
    """Of V, and of the bare covariance of the score, in which small times weigh more.

    The latter is asked at the smallest F/P only: later a few models decide it, however many are trained.
    """
    asked = [("all_pairs", *pair) for pair in CORRELATIONS.items()] + [("bare", 0, CORRELATIONS[0])]
    objects = {"all_pairs": ("V-kernel", "V = D Cov[s, s'] D'"), "bare": ("bare covariance", "Cov[s, s']")}
    return [
        _equivalence(
            f"{objects[pairs][0]}, {case_words(data, case)}",
            f"relative distance of predicted (own leverage) and measured {objects[pairs][1]} over all pairs (as a "
            f"correlation of {correlation} has)",
            distance_of(data, pairs, case, BEST),
            round(float(np.sqrt(1 - correlation**2)), 3),
            headline=pairs == "all_pairs" and case == 0,
        )
        for pairs, case, correlation in asked
    ]


def _variance_claims(data: Arrays) -> list[Claim]:
    """Measured over predicted variance, median over places, by the best order and by Eq. 13 with its missing factor."""
    left = 1 - float(data["feature_ratio"][1])
    return [
        _equivalence(
            f"variance of the score, {case_words(data, 0)}",
            "measured over predicted variance (own leverage), median over places, less 1",
            estimate_of(data, "median_ratio", 0, BEST).minus(1.0),
            VARIANCE,
        ),
        _equivalence(
            f"Eq. 13 over 1 - F/P, {case_words(data, 1)}",
            "with this factor, measured over predicted variance, median over places, less 1",
            estimate_of(data, "median_ratio", 1, "leading", left).minus(1.0),
            VARIANCE,
            source="Vastola 2025, Eq. 13",
        ),
    ]


def _contests(data: Arrays) -> list[Claim]:
    """Own leverage against Eq. 13 as printed and against equal leverage."""
    others = {
        "leading": ("Eq. 13", "Vastola 2025, Eq. 13"),
        "deterministic_equivalent": ("equal leverage", SOURCE),
    }
    return [
        Claim.from_estimate(
            f"own leverage is closer to V than {words}, {case_words(data, case)}",
            f"squared distance of measured V from the prediction of {words} less that from own leverage's, over |V|²",
            contest_of(data, case, order),
            source=source,
            tests="theory",
            bound=0.0,
            relation="greater",
            margin=SMALLEST_EFFECT,
        )
        for order, (words, source) in others.items()
        for case in range(1, len(data["fourier"]))
    ]


def _reason_claims(data: Arrays) -> list[Claim]:
    """Why equal leverage fails as F/P grows: at some places single samples decide."""
    cases, largest = len(data["fourier"]), len(data["fourier"]) - 2
    excess = (
        "equal leverage underestimates most where a sample's own leverage is large: mean ln(measured/predicted "
        "variance) at the tenth of places of largest leverage, minus that elsewhere"
    )
    half = "that excess with own leverage, minus half of the one with equal leverage"
    about = {"source": SOURCE, "tests": "theory", "bound": 0.0}
    return [
        *(
            Claim.from_estimate(
                f"few samples decide, {case_words(data, case)}",
                excess,
                estimate_of(data, "excess", case, "deterministic_equivalent"),
                relation="greater",
                margin=VARIANCE,
                **about,
            )
            for case in range(1, cases)
        ),
        Claim.from_estimate(
            f"own leverage removes most of it, {case_words(data, largest)}",
            half,
            estimate_of(data, "excess_left", largest, BEST),
            relation="less",
            **about,
        ),
        *(
            _equivalence(
                f"all but the most exposed places, {case_words(data, case)}",
                "relative distance (own leverage) without the tenth of places of largest leverage (as a correlation of "
                "0.95 has)",
                distance_of(data, "calm", case, BEST),
                round(float(np.sqrt(1 - 0.95**2)), 3),
            )
            for case in range(1, cases)
        ),
    ]
