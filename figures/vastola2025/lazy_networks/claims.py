"""Claims of the figure `lazy_networks`."""

from collections.abc import Callable
from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.vastola2025.lazy_networks.statistics import (
    deviation_of_variances,
    distance_of_covariances,
    emergence_times,
    has_mean,
    median_covariance_ratio,
    member_moments,
    predicted_variance,
    variance_of,
)
from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife

# What was demanded before the first run: relative deviation of a variance, deviation of an exponent.
RATIO, EXPONENT = 0.1, 0.1
# Relative distance of matrices that a correlation of 0.95 has.
DISTANCE = round(float(np.sqrt(1 - 0.95**2)), 3)
_equals = partial(Claim.from_estimate, source="Vastola 2025, Prop. 5.2", tests="theory")


def claims(data: Arrays) -> list[Claim]:
    return [*_ratio_claims(data), *_printed_claims(data), *_emergence_claims(data), *_network_claims(data)]


def _exponent(rates: np.ndarray, times: np.ndarray) -> float:
    """α of times ∝ rates^-α by least squares in logarithms."""
    x = np.log(rates) - np.log(rates).mean()
    return float(-np.sum(x * np.log(times)) / np.sum(x**2))


def _over_members(data: Arrays, row: int, statistic: Callable[[np.ndarray, np.ndarray], float]) -> Estimate:
    """A function of the variances and means, [times and end, mode], and its jackknife error over members."""
    moments = member_moments(data, row)
    return jackknife(lambda mean: statistic(variance_of(mean, len(moments)), np.abs(mean[0])), moments)


def _ratio_claims(data: Arrays) -> list[Claim]:
    """First order in 1/P with the design variance."""
    return [
        _equals(
            f"first order, P = {draws}",
            "measured over predicted variance of the weights: systematic deviation from 1 over all modes and times",
            deviation_of_variances(data, row),
            theory=0.0,
            margin=RATIO,
        )
        for row, draws in enumerate(data["draws"])
    ]


def _printed_claims(data: Arrays) -> list[Claim]:
    """Eq. 16 as printed, the variance at fixed (x, t), at both ends of training and for the largest P."""
    row = len(data["draws"]) - 1
    fixed, first_order = (predicted_variance(data, order, row) for order in ("fixed_design", "first_order"))
    corrected = fixed[-1] / (1 - data["final_freedom"] / data["draws"][row])
    late = _over_members(data, row, lambda v, _: float(np.median(v[-1] / corrected)))
    return [
        Claim.check(
            "Eq. 16 early in training",
            "Eq. 16 alone predicts too little: first order with the design variance over it, first time, median over "
            "modes",
            float(np.median(first_order[0] / fixed[0])),
            source="Vastola 2025, Prop. 5.2",
            tests="theory",
            bound=1.0,
            relation="greater",
        ),
        _equals(
            "Eq. 16 at the end of training",
            "measured variance of least squares over Eq. 16/(1 - F/P), median over modes, less 1: the rest is misfit",
            late.minus(1.0),
            tests="paper",
            theory=0.0,
            margin=RATIO,
        ),
    ]


def _emergence_claims(data: Arrays) -> list[Claim]:
    """Exponents of the times at which variance and mean emerge, for the largest P."""
    row, times, rates = len(data["draws"]) - 1, data["times"], data["rates"]
    odd = has_mean(data, row)
    predicted = predicted_variance(data, "first_order", row)

    def exponent_of_mean(mean: np.ndarray) -> float:
        return _exponent(rates[odd], emergence_times(times, mean[:, odd], "end"))

    statements = [
        _equals(
            "emergence of the mean",
            "time to half of the final mean ∝ eigenvalue^-1 (modes with a mean): exponent",
            _over_members(data, row, lambda _, mean: exponent_of_mean(mean)).minus(1.0),
            theory=1.0,
            margin=EXPONENT,
        )
    ]
    for level, words in (("end", "final"), ("peak", "largest")):
        half = f"half of its {words} value"
        expected = _exponent(rates, emergence_times(times, predicted, level))
        exponent = _over_members(data, row, lambda v, _, at=level: _exponent(rates, emergence_times(times, v, at)))
        difference = _over_members(
            data,
            row,
            lambda v, mean, at=level: (
                _exponent(rates[odd], emergence_times(times, v[:, odd], at)) - exponent_of_mean(mean)
            ),
        )
        statements += [
            _equals(
                f"emergence of the variance to {half}",
                f"time to {half} ∝ eigenvalue^-1, as in Eq. 16: exponent",
                exponent.minus(1.0),
                tests="paper",
                theory=1.0,
                margin=EXPONENT,
            ),
            _equals(
                f"emergence of the variance to {half}, first order",
                "the same exponent against that of Cov[G]/P, design variance included",
                exponent.minus(expected),
                theory=expected,
                margin=EXPONENT,
            ),
            _equals(
                f"variance to {half} and mean share an exponent",
                "exponent of the variance less that of the mean, over the modes that have a mean",
                difference,
                tests="paper",
                theory=0.0,
                margin=EXPONENT,
            ),
        ]
    return statements


def _network_claims(data: Arrays) -> list[Claim]:
    statements = []
    for run, (width, time) in enumerate(zip(data["network_width"], data["network_time"], strict=True)):
        where = f"network of width {width}, τ = {time:g}"
        statements += [
            _equals(
                f"{where}: covariance",
                "relative distance of predicted and measured covariance of the score over pairs of points of p(x, t) "
                "(as a correlation of 0.95 has)",
                distance_of_covariances(data, run),
                theory=0.0,
                margin=DISTANCE,
            ),
            _equals(
                f"{where}: ratio",
                "measured over predicted covariance of the score, median over the larger half of the pairs, less 1",
                median_covariance_ratio(data, run).minus(1.0),
                theory=0.0,
                margin=RATIO,
            ),
        ]
    return statements
