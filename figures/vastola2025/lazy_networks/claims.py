"""Claims of the figure `lazy_networks`."""

from functools import partial

import numpy as np
from jaxtyping import Float

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.vastola2025.lazy_networks.statistics import (
    emergence_times,
    has_mean,
    member_moments,
    network_agreement,
    predicted_variance,
    variance_of,
)
from sims.measurements.estimates import Estimate
from sims.measurements.resampling import jackknife

# What was demanded before the first run: relative deviation of a variance, deviation of an exponent, of a correlation.
RATIO_TOLERANCE, EXPONENT_TOLERANCE, CORRELATION_TOLERANCE = 0.1, 0.1, 0.05
_claim = partial(estimated_claim, source="Vastola 2025, Prop. 5.2")


def _exponent(rates: np.ndarray, times: np.ndarray) -> float:
    """α of times ∝ rates^-α by least squares in logarithms."""
    x = np.log(rates) - np.log(rates).mean()
    return float(-np.sum(x * np.log(times)) / np.sum(x**2))


def _over_members(data: Arrays, row: int, statistic) -> Estimate:
    """A function of the variances and means, [times and end, mode], and its jackknife error over members."""
    moments = member_moments(data, row)
    return jackknife(lambda mean: statistic(variance_of(mean, len(moments)), np.abs(mean[0])), moments)


def claims(data: Arrays) -> list[Claim]:
    return [*_ratio_claims(data), *_printed_claims(data), *_emergence_claims(data), *_network_claims(data)]


def _pooled(variance: np.ndarray, predicted: np.ndarray) -> Float[np.ndarray, " modes"]:
    return np.mean(variance[:-1] / predicted[:-1], axis=0)


def _ratio_claims(data: Arrays) -> list[Claim]:
    """First order in 1/P with the design variance: the typical mode, and the one that it fits worst."""
    statements = []
    for row, draws in enumerate(data["draws"]):
        predicted = predicted_variance(data, "first_order", row)
        worst = _worst_mode(data, row)
        typical = _over_members(data, row, lambda v, _, p=predicted: float(np.median(_pooled(v, p))))
        extreme = _over_members(data, row, lambda v, _, p=predicted, k=worst: float(_pooled(v, p)[k]))
        to_one = partial(_claim, theory=1.0, tolerance=RATIO_TOLERANCE)
        words = f"measured over predicted variance of the weights, averaged over training times, P = {draws}"
        statements += [
            to_one(f"first order, typical mode, P = {draws}", f"{words}: median over modes", typical),
            to_one(f"first order, worst mode, P = {draws}", f"{words}: mode {worst + 1}", extreme),
        ]
    return statements


def _worst_mode(data: Arrays, row: int) -> int:
    variance = np.var(data["weights"][row], axis=0, ddof=1)
    ratio = np.mean(variance / predicted_variance(data, "first_order", row)[:-1], axis=0)
    return int(np.argmax(np.abs(np.log(ratio))))


def _printed_claims(data: Arrays) -> list[Claim]:
    """Eq. 16 as printed, the variance at fixed (x, t), at both ends of training and for the largest P."""
    row = len(data["draws"]) - 1
    predicted = predicted_variance(data, "fixed_design", row)
    corrected = predicted[-1] / (1 - data["final_freedom"] / data["draws"][row])
    early = _over_members(data, row, lambda v, _: float(np.median(v[0] / predicted[0])))
    late = _over_members(data, row, lambda v, _: float(np.median(v[-1] / corrected)))
    return [
        _claim(
            "Eq. 16 early in training",
            "Eq. 16 alone predicts too little: measured variance over it at the first training time, median over modes",
            early,
            paper=1.0,
            relation="greater",
        ),
        _claim(
            "Eq. 16 at the end of training",
            "measured variance of least squares over Eq. 16/(1 - F/P), median over modes: the rest is misfit",
            late,
            paper=1.0,
            tolerance=RATIO_TOLERANCE,
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
        _claim(
            "emergence of the mean",
            "time to half of the final mean ∝ eigenvalue^-1 (modes with a mean)",
            _over_members(data, row, lambda _, mean: exponent_of_mean(mean)),
            theory=1.0,
            tolerance=EXPONENT_TOLERANCE,
        )
    ]
    for level, words in (("end", "final"), ("peak", "largest")):
        expected = _exponent(rates, emergence_times(times, predicted, level))
        exponent = _over_members(data, row, lambda v, _, at=level: _exponent(rates, emergence_times(times, v, at)))
        difference = _over_members(
            data,
            row,
            lambda v, mean, at=level: (
                _exponent(rates[odd], emergence_times(times, v[:, odd], at)) - exponent_of_mean(mean)
            ),
        )
        half = f"half of its {words} value"
        statements += [
            _claim(
                f"emergence of the variance to {half}",
                f"time to {half} ∝ eigenvalue^-1, as in Eq. 16",
                exponent,
                paper=1.0,
                tolerance=EXPONENT_TOLERANCE,
            ),
            _claim(
                f"emergence of the variance to {half}, first order",
                "the same exponent against that of Cov[G]/P, design variance included",
                exponent,
                theory=expected,
                tolerance=EXPONENT_TOLERANCE,
            ),
            _claim(
                f"variance to {half} and mean share an exponent",
                "exponent of the variance less that of the mean, over the modes that have a mean",
                difference,
                paper=0.0,
                tolerance=EXPONENT_TOLERANCE,
            ),
        ]
    return statements


def _network_claims(data: Arrays) -> list[Claim]:
    statements = []
    tolerance = {"correlation": CORRELATION_TOLERANCE, "ratio": RATIO_TOLERANCE}
    words = {
        "correlation": "predicted and measured covariance of the score over pairs of points of p(x, t): correlation",
        "ratio": "measured over predicted covariance of the score: median over the larger half of the pairs",
    }
    for run, (width, time) in enumerate(zip(data["network_width"], data["network_time"], strict=True)):
        for name, estimate in network_agreement(data, run).items():
            label = f"network of width {width}, τ = {time:g}: {name}"
            statements.append(_claim(label, words[name], estimate, theory=1.0, tolerance=tolerance[name]))
    return statements
