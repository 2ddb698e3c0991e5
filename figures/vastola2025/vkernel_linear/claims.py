"""Claims of the figure `vkernel_linear`."""

from dataclasses import replace
from typing import Any

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.vastola2025.vkernel_linear.statistics import case_words, estimate_of
from sims.measurements.estimates import Estimate

_ONE = {"theory": 1.0, "tolerance": 0.05, "relation": "equal"}  # what median ratios are held against


def _claim(data: Arrays, name: str, case: int, statement: str, estimate: Estimate, **held: Any) -> Claim:
    """A claim on one case."""
    defaults: dict[str, Any] = {"source": "this project, from Vastola 2025, Prop. 5.1", "relation": "greater"}
    return estimated_claim(f"{name}, {case_words(data, case)}", statement, estimate, **(defaults | held))


def _correlation_claim(data: Arrays, name: str, case: int, statement: str, estimate: Estimate, **held: Any) -> Claim:
    """A claim on a correlation, whose interval ends at 1 or at the estimate itself."""
    claim = _claim(data, name, case, statement, estimate, **held)
    low, high = claim.interval
    return replace(claim, interval=(low, min(high, max(claim.measured, 1.0))))


def _unattenuated(data: Arrays, name: str, case: int, order: str) -> Estimate:
    """A correlation over the one that a perfect prediction would have with so few models."""
    return estimate_of(data, name, case, order, 1 / float(data[f"{name}_ceiling"][case]))


def claims(data: Arrays) -> list[Claim]:
    return [*_own_leverage_claims(data), *_paper_claims(data), *_reason_claims(data)]


def _own_leverage_claims(data: Arrays) -> list[Claim]:
    """Correlation of predicted and measured V over all pairs, and the median ratio where F/P is smallest."""
    bounds = {0: 0.97, 1: 0.75, len(data["fourier"]) - 1: 0.95}
    objects = {
        "correlation": ("V-kernel", "V = D Cov[s, s'] D'"),
        "score_correlation": ("bare covariance of the score", "Cov[s, s'], in which small times weigh more,"),
    }
    correlations = [
        _correlation_claim(
            data,
            name,
            case,
            f"predicted (own leverage) and measured {words} over all pairs correlate by {bound} or more, of what a "
            "perfect prediction would with so few models",
            _unattenuated(data, statistic, case, "local_equivalent"),
            theory=bound,
        )
        for statistic, (name, words) in objects.items()
        for case, bound in bounds.items()
    ]
    plain = [
        _correlation_claim(
            data,
            "V-kernel, plain correlation",
            case,
            f"predicted (own leverage) and measured V correlate by {bound} or more, with the noise of so few models",
            estimate_of(data, "correlation", case, "local_equivalent"),
            theory=bound,
        )
        for case, bound in bounds.items()
    ]
    statement = "measured over predicted variance (own leverage), median over places, is 1 within 5 %"
    estimate = estimate_of(data, "median_ratio", 0, "local_equivalent")
    return [*correlations, *plain, _claim(data, "variance of the score", 0, statement, estimate, **_ONE)]


def _paper_claims(data: Arrays) -> list[Claim]:
    """Eq. 13 as printed, and with the factor that it lacks for Gaussian features without a ridge."""
    largest, source = len(data["fourier"]) - 2, {"source": "Vastola 2025, Eq. 13"}
    left = 1 - float(data["feature_ratio"][1])
    return [
        _correlation_claim(
            data,
            "Eq. 13 at all but the most exposed places",
            largest,
            "the leading order's and the measured V correlate by 0.95 or more, of what a perfect prediction would",
            _unattenuated(data, "calm_correlation", largest, "leading"),
            theory=0.95,
            **source,
        ),
        _claim(
            data,
            "Eq. 13 over 1 - F/P",
            1,
            "with this factor, measured over predicted variance, median over places, is 1 within 5 %",
            estimate_of(data, "median_ratio", 1, "leading", left),
            **(_ONE | source),
        ),
    ]


def _reason_claims(data: Arrays) -> list[Claim]:
    """Why equal leverage fails as F/P grows: at some places single samples decide."""
    cases, largest = len(data["fourier"]), len(data["fourier"]) - 2
    excess = (
        "equal leverage underestimates most where a sample's own leverage is large: mean ln(measured/predicted "
        "variance) at the tenth of places of largest leverage, minus that elsewhere, is above 0"
    )
    half = "that excess with own leverage is less than half of the one with equal leverage (difference below 0)"
    calm = (
        "pairs without the tenth of places of largest leverage: correlation (own leverage) of 0.95 or more, of what a "
        "perfect prediction would have"
    )
    left, equal = estimate_of(data, "excess_left", largest, "local_equivalent"), "deterministic_equivalent"
    return [
        *(
            _claim(data, "few samples decide", case, excess, estimate_of(data, "excess", case, equal), theory=0.0)
            for case in range(1, cases)
        ),
        _claim(data, "own leverage removes most of it", largest, half, left, theory=0.0, relation="less"),
        *(
            _correlation_claim(
                data,
                "all but the most exposed places",
                case,
                calm,
                _unattenuated(data, "calm_correlation", case, "local_equivalent"),
                theory=0.95,
            )
            for case in range(1, cases)
        ),
    ]
