"""What is claimed of patches of a convolutional network's samples. Margins were set before the first run."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.photograph_networks.claims import exponent_claim
from figures.studies.photograph_networks.statistics import beyond, exponent, final_log_ratio, solver_effect
from figures.wang2025.fig16.experiment import kind_of
from figures.wang2025.fig16.statistics import (
    Patches,
    beyond_aligned,
    beyond_in_closed_form,
    patches_of,
    whole_images,
)

SOURCE = "Wang & Pehlevan 2025, Figs. 16-20"
TABLE = "Wang & Pehlevan 2025, version 3, Tab. 2"
OURS = "this project"

_MORE = 0.1  # of an exponent, by which patches exceed whole images
_WITH_SIZE = 0.05  # of an exponent, from the smallest patches to the largest
_POOLING = 0.1  # of an exponent of the closed form
_ALIGNED = 0.1  # of a mean logarithm of variances
_ARRIVED = 0.22  # the same: 25 per cent
_SOLVER = 0.05  # of an exponent
_ABOUT_ZERO = 0.15


def claims(data: Arrays) -> list[Claim]:
    """Exponents by themselves, and in other patches than the smallest, are asked with many models only."""
    found, whole = patches_of(data), whole_images(data)
    asked = [_more_than_whole(each, data) for each in (found if whole.decides else found[:1])]
    asked += [claim for each in found for claim in (_pooling(each, data), _aligned(each))]
    if whole.decides:
        asked += [_shallower(found[0], found[-1]), _whole_about_zero(data)]
        asked += [claim for each in found for claim in (_solver(each, data), _arrived(each))]
    return asked


def _more_than_whole(each: Patches, data: Arrays) -> Claim:
    return Claim.from_estimate(
        f"{each.name}: more spectral bias than in whole images",
        "falling modes, geometric mean: α over patch modes exceeds α over modes of whole images by over 0.1",
        beyond(each.reading, whole_images(data)).minus(_MORE),
        source=f"{SOURCE}, in our words",
        tests="paper",
        relation="greater",
        bound=_MORE,
    )


def _shallower(smallest: Patches, largest: Patches) -> Claim:
    return Claim.from_estimate(
        "patches: the smallest have the shallowest law",
        f"falling modes, geometric mean: α of {largest.name} exceeds α of {smallest.name} by over 0.05",
        beyond(largest.reading, smallest.reading).minus(_WITH_SIZE),
        source=f"{TABLE}, in our words",
        tests="paper",
        relation="greater",
        bound=_WITH_SIZE,
    )


def _pooling(each: Patches, data: Arrays) -> Claim:
    return Claim.from_estimate(
        f"{each.name}: pooling alone",
        "closed form of a linear network: α over patch modes is that over modes of whole images, within 0.1",
        beyond_in_closed_form(each.reading, whole_images(data)),
        source=OURS,
        tests="theory",
        bound=0.0,
        margin=_POOLING,
    )


def _aligned(each: Patches) -> Claim:
    return Claim.from_estimate(
        f"{each.name}: variances of whole images say it all",
        "patch variances are those that the samples' variances along image modes make, within 10 %: mean ln ratio",
        beyond_aligned(each.reading),
        source=OURS,
        tests="control",
        bound=0.0,
        margin=_ALIGNED,
    )


def _solver(each: Patches, data: Arrays) -> Claim:
    return Claim.from_estimate(
        f"{each.name}: the sampler's own error",
        "falling modes: α is the same where Heun's own error is not told apart, within 0.05",
        solver_effect(data, kind_of(each.size, each.stride)),
        source=OURS,
        tests="control",
        bound=0.0,
        margin=_SOLVER,
    )


def _arrived(each: Patches) -> Claim:
    return Claim.from_estimate(
        f"{each.name}: variance at the end",
        "the networks are trained: the mean over patch modes of ln(λ̃/target) at the end is zero, within 25 %",
        final_log_ratio(each.reading),
        source=OURS,
        tests="control",
        bound=0.0,
        margin=_ARRIVED,
    )


def _whole_about_zero(data: Arrays) -> Claim:
    return exponent_claim(
        "whole images: exponent",
        "falling modes, geometric mean: α ≈ 0, within 0.15",
        exponent(whole_images(data)),
        source="Wang & Pehlevan 2025, Sec. 6 (CNN-UNet)",
        paper=0.0,
        margin=_ABOUT_ZERO,
    )
