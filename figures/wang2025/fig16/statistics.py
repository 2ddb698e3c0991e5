"""Exponents over the modes of patches, beside those over the modes of whole images, of the same samples."""

from typing import NamedTuple

import numpy as np

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Level, Reading, mean_of_defined
from figures.wang2025.fig16.experiment import WHOLE, kind_of
from sims.measurements.estimates import Estimate


class Patches(NamedTuple):
    """Patches of one size and stride."""

    size: int
    stride: int
    reading: Reading

    @property
    def name(self) -> str:
        """As claims begin."""
        return f"patches {self.size}/{self.stride}"


def patches_of(data: Arrays) -> list[Patches]:
    """By increasing size."""
    kinds = zip(data["size"].tolist(), data["stride"].tolist(), strict=True)
    return [Patches(size, stride, Reading(data, kind_of(size, stride))) for size, stride in kinds]


def whole_images(data: Arrays) -> Reading:
    """The same samples along the modes of whole images."""
    return Reading(data, WHOLE)


def beyond_in_closed_form(first: Reading, second: Reading, level: Level = "geometric") -> Estimate:
    """α of falling modes in the closed form, first less second, over the modes that emerge in training too."""
    own, other = (each.closed_form_exponents("falling", level)[1].per_model for each in (first, second))
    return mean_of_defined(own - other)


def beyond_aligned(reading: Reading) -> Estimate:
    """ln of the patches' variance over what the variances along image modes make it: mean over records and modes."""
    return mean_of_defined(np.log(reading["generated"] / reading["from_modes"]).mean(axis=(1, 2)))
