"""What is read from the records of networks of several widths."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Branch, Reading
from sims.measurements.first_passage import Mean

SMOOTHING = 1.0  # records; of the stored fits. Their programs have 2 unless told otherwise.
# Exponents of the authors' stored fits, by dimension and width.
STORED: dict[tuple[int, int], dict[Branch, float]] = {
    (128, 256): {"rising": 0.76, "falling": 1.64},
    (256, 256): {"rising": 1.08, "falling": 1.08},
}


class Case(NamedTuple):
    """The models of one width on data of one dimension."""

    dimension: int
    width: int
    reading: Reading

    @property
    def name(self) -> str:
        """As claims begin."""
        return f"d = {self.dimension}, width {self.width}"

    @property
    def ratio(self) -> float:
        """Width over dimension."""
        return self.width / self.dimension


class Choices(NamedTuple):
    """What each choice of the published definition adds to α, per model, one after the other on the way to ours."""

    gray_zone: Float[np.ndarray, " models"]  # one for all modes, less each mode's own
    filter: Float[np.ndarray, " models"]  # filtered records without interpolation, less first passage between records
    first_record: Float[np.ndarray, " models"]  # start after step 1, less start at step 0
    longer_filter: Float[np.ndarray, " models"]  # not on the way: of two records, less of one


def cases(data: Arrays) -> list[Case]:
    """In the order of the preset."""
    sizes = zip(data["dimension"].tolist(), data["width"].tolist(), strict=True)
    return [Case(dimension, width, Reading(data, f"case_{index}")) for index, (dimension, width) in enumerate(sizes)]


def narrow_and_wide(found: list[Case]) -> list[tuple[Case, Case]]:
    """The narrowest and the widest networks of every dimension that has several, trained on the same data."""
    pairs = []
    for dimension in sorted({case.dimension for case in found}):
        own = sorted((case for case in found if case.dimension == dimension), key=lambda case: case.width)
        if len(own) > 1:
            pairs.append((own[0], own[-1]))
    return pairs


def choices(reading: Reading, branch: Branch, mean: Mean = "geometric") -> Choices:
    """The first three add up to the published exponent less ours."""
    published = reading.published_exponents(branch, mean, SMOOTHING).per_model
    smoother = reading.published_exponents(branch, mean, 2 * SMOOTHING).per_model
    own_zone = reading.published_exponents(branch, mean, SMOOTHING, "mode").per_model
    after_step_1, ours = (reading.exponents(branch, mean, first).per_model for first in (1, 0))
    return Choices(published - own_zone, own_zone - after_step_1, after_step_1 - ours, smoother - published)
