"""What is claimed of guidance; every statement and margin was written before the first run.

That run had the overshoot on digits over w ln(1 + m²/λ), which is not where perfect denoisers end if modes do not
commute; the ratio was 1.03. It is now over what theory of the whole covariances gives at the end of training.
Photographs came later, with their margins.
"""

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.stages import Arrays
from figures.wu2024.guidance.statistics import GUIDED, at_end, begins, exponent, log_peak, narrowing, overshoot
from sims.measurements.agreement import Agreement, agreement
from sims.measurements.estimates import mean_over

OURS, PAPER = "this project", "Wu et al. 2024, in our words"
WORDS = {"gaussian": "Gaussian classes", "digits": "linear denoisers on digits"}
LARGEST = 0.05  # of ln λ̃ where w = 2 multiplies what both networks are wrong by five
TWICE = float(np.log(2.0))


def claims(data: Arrays) -> list[Claim]:
    everywhere = [claim for where in WORDS for claim in _of_data(data, where)]
    return [*everywhere, *_order(data), *_commuting(data), *_photographs(data), *_clusters(data)]


def _equal(name: str, statement: str, estimate: Evidence, margin: float, theory: float = 0.0) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=OURS, tests="theory", theory=theory, margin=margin)


def _log(ratio: np.ndarray) -> np.ndarray:
    """NaN for what is not positive: a narrowing may be a widening."""
    return np.log(np.where(ratio > 0, ratio, np.nan))


def _deviation(data: Arrays, theory: str, where: str) -> Agreement:
    guided = (data[f"generated_{which}_{where}"][:, GUIDED] for which in ("trained", theory))
    trained, expected = guided
    return agreement(np.log(trained / expected))


def _of_data(data: Arrays, where: str) -> list[Claim]:
    peak, expected = (log_peak(data, which, where) for which in ("trained", "theory"))
    beyond = _log(overshoot(data, "trained", where)).mean(axis=1)
    return [
        _equal(
            f"{WORDS[where]}: guided variance",
            "systematic deviation of ln λ̃_w from theory (root mean square over modes and times)",
            _deviation(data, "theory", where),
            LARGEST,
        ),
        _equal(
            f"{WORDS[where]}: largest narrowing",
            "mean over modes of ln(largest narrowing in training/theory's)",
            mean_over(peak - expected),
            LARGEST,
        ),
        Claim.from_estimate(
            f"{WORDS[where]}: guidance overshoots",
            "in training guidance narrows modes more than twice as far as when both networks have learned, in ln λ̃: "
            "mean over modes of ln of the ratio",
            mean_over(beyond).minus(TWICE),
            source=OURS,
            tests="theory",
            bound=TWICE,
            relation="greater",
        ),
    ]


def _order(data: Arrays) -> list[Claim]:
    """Of Gaussian classes, whose means scatter by the same share along all modes."""
    where = "gaussian"
    when, expected = (begins(data, which, where) for which in ("trained", "theory"))
    slope, law = (exponent(data, which, where) for which in ("trained", "theory"))
    end = narrowing(data, "trained", where)[:, -1] - at_end(data, where)
    return [
        _equal(
            "guidance begins with the spectral law: times",
            "mean over modes of ln(τ trained/τ theory), τ the first time at which the narrowing is what it is in the "
            "end",
            mean_over(np.log(when / expected).mean(axis=1)),
            LARGEST,
        ),
        _equal(
            "guidance begins with the spectral law: exponent",
            "α of τ ∝ (λ + m²)^-α, of the same times, equals theory's",
            mean_over(slope - law),
            0.02,
            float(law.mean()),
        ),
        _equal(
            "narrowing at the end",
            "mean over modes of the narrowing at the end of training less w ln(1 + m²/λ)",
            mean_over(end.mean(axis=1)),
            LARGEST,
        ),
    ]


def _commuting(data: Arrays) -> list[Claim]:
    """Digits, whose class means do not scatter along the modes of a class."""
    where = "digits"
    end = narrowing(data, "trained", where)[:, -1] - narrowing(data, "commuting", where)[:, -1]
    return [
        _equal(
            "digits: as if modes commuted",
            "systematic deviation of ln λ̃_w from (1 + w) ln λ̃(λ) - w ln λ̃(λ + m²), with m² the diagonal of the means' "
            "covariance",
            _deviation(data, "commuting", where),
            LARGEST,
        ),
        _equal(
            "digits: narrowing at the end, as if modes commuted",
            "mean over modes of the narrowing at the end of training less that formula's",
            mean_over(end.mean(axis=1)),
            LARGEST,
        ),
    ]


def _photographs(data: Arrays) -> list[Claim]:
    """Patches of one photograph against those of both: classes of other covariances, not of other means alone."""
    where = "photographs"
    end = (narrowing(data, "trained", where) - narrowing(data, "theory", where))[:, -1]
    return [
        _equal(
            "linear denoisers on photographs: guided variance",
            "systematic deviation of ln λ̃_w from theory (root mean square over modes and times)",
            _deviation(data, "theory", where),
            LARGEST,
        ),
        _equal(
            "photographs: narrowing at the end",
            "mean over modes of the narrowing at the end of training less theory's",
            mean_over(end.mean(axis=1)),
            LARGEST,
        ),
        _equal(
            "photographs: as if modes commuted",
            "systematic deviation of ln λ̃_w from (1 + w) ln λ̃ - w ln λ̃_u, λ_u the diagonal of the covariance of all",
            _deviation(data, "commuting", where),
            LARGEST,
        ),
    ]


def _clusters(data: Arrays) -> list[Claim]:
    entropy, confidence = (
        mean_over((data[f"{what}_samples"] - data[f"{what}_theory"])[:, 1:].mean(axis=1))
        for what in ("entropy", "confidence")
    )
    weakest = data["entropy_samples"][:, 1], data["confidence_samples"][:, 1] - data["confidence_samples"][:, 0]
    return [
        _equal(
            "two clusters: entropy",
            "mean over strengths of H_w - H_0 of samples less the integral of the proxy score's covariance between "
            "the clusters, in nats",
            entropy,
            0.01,
        ),
        _equal(
            "two clusters: confidence",
            "mean over strengths of p(+μ | x) of samples less theory's",
            confidence,
            0.005,
        ),
        Claim.from_estimate(
            "guidance lowers entropy",
            "guidance reduces the differential entropy of what is generated: H_w - H_0 at the weakest strength",
            mean_over(weakest[0]),
            source=PAPER,
            tests="paper",
            bound=0.0,
            margin=0.01,
            relation="less",
        ),
        Claim.from_estimate(
            "guidance raises confidence",
            "guidance raises the classification confidence: p(+μ | x) of samples at the weakest strength less without",
            mean_over(weakest[1]),
            source=PAPER,
            tests="paper",
            bound=0.0,
            margin=0.005,
            relation="greater",
        ),
    ]
