"""What is claimed of linear filters in the place of a denoiser. Margins were set before the first run.

The untrained network hands on its input and is linear whatever is measured: early is within a tenth of the training.
"""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import DECIDING_MODELS
from figures.wang2025.fig15.statistics import early_record, exact_share, log_distance, share_explained
from sims.measurements.estimates import mean_over

SOURCE = "Wang & Pehlevan 2025, Fig. 15, in our words"
OURS = "this project"

_NEARLY_ALL = 0.9
_LESS = 0.02  # of a share
_HALF = float(np.log(2))  # of a mean logarithm of distances
_EXACT = 0.95


def claims(data: Arrays) -> list[Claim]:
    early, last = early_record(data), len(data["steps"]) - 1
    asked = [
        _early_is_linear(data, early),
        _late_is_less(data, early, last),
        _nearer(data, early, "early"),
        _nearer(data, last, "at the end"),
    ]
    # Three models do not decide it.
    return [*asked, _exact(data)] if len(data["r_squared"]) >= DECIDING_MODELS else asked


def _early_is_linear(data: Arrays, early: int) -> Claim:
    return Claim.from_estimate(
        "early denoiser: a linear convolution",
        "within a tenth of training the widest filter explains over 0.9 of the variance, mean over σ from 0.1 to 1",
        mean_over(share_explained(data, early)).minus(_NEARLY_ALL),
        source=SOURCE,
        tests="paper",
        relation="greater",
        bound=_NEARLY_ALL,
    )


def _late_is_less(data: Arrays, early: int, last: int) -> Claim:
    return Claim.from_estimate(
        "late denoiser: less linear",
        "at the end the widest filter explains less than within its first tenth, by over 0.02, mean over the same σ",
        mean_over(share_explained(data, early) - share_explained(data, last)).minus(_LESS),
        source=SOURCE,
        tests="paper",
        relation="greater",
        bound=_LESS,
    )


def _nearer(data: Arrays, record: int, when: str) -> Claim:
    width = int(data["compared"])
    return Claim.from_estimate(
        f"filter {when}: the centre row of the patch covariance",
        f"ln of the distance of the {width} × {width} filter from that of Σ_P(Σ_P + σ²)⁻¹ falls by over ln 2 from step "
        "0, root mean square over σ from 0.1 to 1",
        mean_over(log_distance(data, record) - log_distance(data, 0)).minus(-_HALF),
        source=SOURCE,
        tests="paper",
        relation="less",
        bound=-_HALF,
    )


def _exact(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "exact denoiser of a Gaussian: a convolution but for edges",
        "the widest filter explains over 0.95 of what the exact linear denoiser does, mean over the same σ",
        mean_over(exact_share(data)).minus(_EXACT),
        source=OURS,
        tests="control",
        relation="greater",
        bound=_EXACT,
    )
