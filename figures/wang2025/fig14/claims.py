"""What is claimed of the Jacobians of denoisers. Margins were set before the first run."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.wang2025.fig14.statistics import (
    WORDS,
    error_beyond_linear,
    imaginary_share,
    log_distance,
    rank_correlation,
)
from sims.measurements.estimates import mean_over

SOURCE = "Wang & Pehlevan 2025, Fig. 14, in our words"
OURS = "this project"

_HALF = float(np.log(2))  # of a mean logarithm of distances
_NEARLY_SYMMETRIC = 0.05  # of Σ|eigenvalue|²
_ORDERED = 0.8  # Spearman's correlation
_BETTER = 0.02  # of an error over σ², which lies between 0 and 1


def claims(data: Arrays) -> list[Claim]:
    return [claim for kind in WORDS for claim in _of_kind(data, kind)]


def _of_kind(data: Arrays, kind: str) -> list[Claim]:
    return [_nearer(data, kind), _ordered(data, kind), _real(data, kind), _better_than_linear(data, kind)]


def _nearer(data: Arrays, kind: str) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[kind]}: eigenvalues become those of a Gaussian's denoiser",
        "ln of the root mean square distance of eigenvalues from λ/(λ + σ²), over σ from 0.1 to 1, falls by over ln 2 "
        "from step 0 to the end",
        mean_over(log_distance(data, kind, -1) - log_distance(data, kind, 0)).minus(-_HALF),
        source=SOURCE,
        tests="paper",
        relation="less",
        bound=-_HALF,
    )


def _ordered(data: Arrays, kind: str) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[kind]}: modes of large variance pass",
        "at the end the rank correlation of local gains u_kᵀ J u_k with λ_k is above 0.8, mean over σ from 0.1 to 1",
        mean_over(rank_correlation(data, kind, -1)).minus(_ORDERED),
        source=SOURCE,
        tests="paper",
        relation="greater",
        bound=_ORDERED,
    )


def _real(data: Arrays, kind: str) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[kind]}: eigenvalues are nearly real",
        "at the end imaginary parts make up less than 0.05 of Σ|eigenvalue|², over σ from 0.1 to 1",
        mean_over(imaginary_share(data, kind, -1)).minus(_NEARLY_SYMMETRIC),
        source=OURS,
        tests="control",
        relation="less",
        bound=_NEARLY_SYMMETRIC,
    )


def _better_than_linear(data: Arrays, kind: str) -> Claim:
    """On average over patches and noises the mean eigenvalue of an exact denoiser is its error over σ²."""
    return Claim.from_estimate(
        f"{WORDS[kind]}: better than a linear denoiser",
        "at the end the denoising error over σ² lies below that of the best linear denoiser on the same patches, which "
        "is the mean of λ/(λ + σ²), by over 0.02, mean over σ from 0.1 to 1",
        mean_over(error_beyond_linear(data, kind, -1)).minus(-_BETTER),
        source=OURS,
        tests="theory",
        relation="less",
        bound=-_BETTER,
    )
