"""What the stored variances say: emergence steps and exponents with their errors, and the unit of the closed form."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import digamma

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate
from sims.measurements.exponents import Exponent, fitted_exponent
from sims.measurements.first_passage import first_passage, fraction_levels
from sims.measurements.gray_zone import outside_gray_zone
from sims.measurements.resampling import jackknife_error

FRACTIONS = (0.25, 0.5, 0.75)  # of the way from the first variance to the data's, in logarithms
HALF_WAY = FRACTIONS.index(0.5)  # the geometric mean
GRAY_ZONE = 2.0  # modes that begin within this factor of the data's variance have no way to go
BRANCHES = ("rising", "falling")


class Emergence(NamedTuple):
    """Steps at which modes pass fractions of their way, (fractions, modes); see `first_passage` for what is no step."""

    step: Float[np.ndarray, "fractions modes"]
    without: Float[np.ndarray, "groups fractions modes"]  # with a group of samples left out

    @property
    def log_stderr(self) -> Float[np.ndarray, "fractions modes"]:
        """Standard error of ln step from the number of samples; NaN where without a group there is none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return jackknife_error(np.log(np.where(np.isfinite(self.without), self.without, np.nan)))


class BranchExponent(NamedTuple):
    """The exponent of one branch at one fraction: measured, and the closed form's over the same modes."""

    measured: Estimate  # NaN where too few modes emerged; its error is that of the number of samples
    line: Exponent  # the same fit, with the scatter of the modes about it
    closed_form: float
    modes: Bool[np.ndarray, " modes"]

    @property
    def defined(self) -> bool:
        """Whether there were modes enough."""
        return self.line.defined


@dataclass(frozen=True)
class Reading:
    """What the arrays of a run say about when its modes emerge; each is worked out once."""

    data: Arrays

    @cached_property
    def rising(self) -> Bool[np.ndarray, " modes"]:
        """Modes that the first snapshot has with less variance than the data."""
        return self.data["variance_over_training"][0] < self.data["variance"]

    @cached_property
    def clear(self) -> Bool[np.ndarray, " modes"]:
        """Modes outside the gray zone: their variance has to change by more than a factor of two."""
        return outside_gray_zone(self.data["variance_over_training"][0], self.data["variance"], GRAY_ZONE)

    @cached_property
    def emergence(self) -> Emergence:
        """Of the user's samples: levels between the first snapshot and the data."""
        steps, target = self.data["steps"], self.data["variance"]

        def passage(variances: np.ndarray) -> np.ndarray:
            if np.isnan(variances).any():  # too few samples to leave some out
                return np.full((len(FRACTIONS), target.size), np.nan)
            return first_passage(steps, variances, fraction_levels(variances[0], target, FRACTIONS))

        without = np.stack([passage(each) for each in self.data["variance_without"]])
        return Emergence(passage(self.data["variance_over_training"]), without)

    @cached_property
    def closed_form(self) -> Float[np.ndarray, "fractions modes"]:
        """The same of the closed form, from its own start, in its own time."""
        curves = self.data["variance_closed_form"]
        levels = fraction_levels(curves[0], self.data["variance"], FRACTIONS)
        return first_passage(self.data["times_closed_form"], curves, levels)

    @cached_property
    def steps_per_time(self) -> float:
        """The fitted unit: how many steps one unit of the closed form's time takes.

        The geometric mean over the clear modes that emerge half-way in both; NaN where there is none.
        """
        step, theory = self.emergence.step[HALF_WAY], self.closed_form[HALF_WAY]
        used = self.clear & np.isfinite(step) & np.isfinite(theory)
        return float(np.exp(np.mean(np.log(step[used] / theory[used])))) if used.any() else float("nan")

    def on(self, branch: str) -> Bool[np.ndarray, " modes"]:
        """The modes of a branch."""
        return self.rising if branch == "rising" else ~self.rising

    def exponent(self, branch: str, fraction: int) -> BranchExponent:
        """Least squares over the clear modes of a branch that emerged between two snapshots, in the closed form too."""
        variance, step, theory = self.data["variance"], self.emergence.step[fraction], self.closed_form[fraction]
        used = self.on(branch) & self.clear & np.isfinite(step) & np.isfinite(theory)
        line = fitted_exponent(variance, step, used)
        without = np.array([fitted_exponent(variance, each[fraction], used).value for each in self.emergence.without])
        measured = Estimate(np.asarray(line.value), jackknife_error(without), len(without))
        return BranchExponent(measured, line, fitted_exponent(variance, theory, used).value, used)


def excursions(data: Arrays) -> Float[np.ndarray, " snapshots"]:
    """How many times more variance a snapshot has, along the worst mode, than the first one and than the data."""
    expected = np.maximum(data["variance_over_training"][0], data["variance"])
    return np.max(data["variance_over_training"] / expected, axis=1)


def final_log_ratio(data: Arrays) -> Estimate:
    """Mean over modes of ln(λ̃/λ) in the last snapshot, less what ln of a sample variance is off by for normal ones."""
    kept = int(data["sample_counts"][-1])
    own = _mean_log_ratio(data["variance_over_training"][-1], data, kept)
    parts = len(data["variance_without"])
    without = np.array([_mean_log_ratio(each[-1], data, kept - kept // parts) for each in data["variance_without"]])
    return Estimate(np.asarray(own), jackknife_error(without), parts)


def _mean_log_ratio(variance: np.ndarray, data: Arrays, count: int) -> float:
    half = (count - 1) / 2
    floor = np.finfo(float).tiny
    ratio = np.log(np.maximum(variance, floor) / data["variance"])
    return float(np.mean(ratio) - (digamma(half) - np.log(half))) if half > 0 else float("nan")


def final_alignment(data: Arrays) -> Estimate:
    """χ of the last snapshot."""
    without = data["alignment_without"][:, -1]
    return Estimate(data["alignment"][-1], jackknife_error(without), len(without))


def memorised_excess(data: Arrays, snapshot: int = -1) -> Estimate:
    """Share of samples that are near copies, less the share of the data that would pass for copies of one another."""
    samples, chance = data["memorised"][snapshot], data["memorised_data"]
    stderr = np.sqrt(_share_variance(samples) + _share_variance(chance))
    return Estimate(np.asarray(samples.mean() - chance.mean()), np.asarray(stderr), min(len(samples), len(chance)))


def _share_variance(found: np.ndarray) -> float:
    """Squared error of a share: with one more of either kind, for none of few is not none of all (Laplace's rule)."""
    share = (found.sum() + 1) / (found.size + 2)
    return float(share * (1 - share) / found.size)
