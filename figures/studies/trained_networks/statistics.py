"""What stored records of trained networks say: when modes emerge, and as which power of their variance."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.exponents import fitted_exponent
from sims.measurements.first_passage import (
    MEANS,
    Mean,
    first_passage,
    fraction_levels,
    mean_levels,
    published_emergence,
)
from sims.measurements.gray_zone import outside_gray_zone, outside_scalar_gray_zone

Branch = Literal["rising", "falling"]
BRANCHES: tuple[Branch, ...] = ("rising", "falling")
DECIDING_MODELS = 8  # that a verdict about an exponent by itself takes; differences within a model take fewer
GRAY_ZONE = 2.0  # modes that begin within this factor of the data's variance have no way to go
Zone = Literal["scalar", "mode"]
Level = Mean | float  # a mean of initial and target variance, or a fraction of the way in logarithms
# α of a linear denoiser with EDM's preconditioning, of modes far from the start.
FAR_LIMITS: dict[Level, float] = {"geometric": 0.5, "harmonic": 1.0}


@dataclass(frozen=True)
class ModelExponents:
    """α of every model on one branch, each over its own modes; NaN where a model has too few of them."""

    per_model: Float[np.ndarray, " models"]
    r_squared: Float[np.ndarray, " models"]
    modes: Float[np.ndarray, " models"]  # that entered the fit

    @property
    def undefined(self) -> int:
        """Models without an exponent."""
        return int(np.isnan(self.per_model).sum())

    @property
    def estimate(self) -> Estimate:
        """Mean over the models that have one, with Student's t; NaN where fewer than two have."""
        return mean_of_defined(self.per_model)

    @property
    def defined(self) -> bool:
        """Whether two models or more have an exponent."""
        return len(self.per_model) - self.undefined >= 2


@dataclass(frozen=True)
class Reading:
    """What the arrays that `stacked` made say; `name` is the prefix of the kind of model, if there is one."""

    data: Arrays
    name: str = ""

    def __getitem__(self, key: str) -> np.ndarray:
        """An array of these models."""
        return self.data[f"{self.name}_{key}" if self.name else key]

    def __contains__(self, key: str) -> bool:
        """Whether there is such an array."""
        return (f"{self.name}_{key}" if self.name else key) in self.data

    @property
    def models(self) -> int:
        """How many there are."""
        return len(self["variance"])

    @property
    def decides(self) -> bool:
        """Whether there are models enough for a verdict about an exponent."""
        return self.models >= DECIDING_MODELS

    @cached_property
    def initial(self) -> Float[np.ndarray, "models modes"]:
        """What the untrained networks generate."""
        return self["generated"][:, 0]

    @cached_property
    def target(self) -> Float[np.ndarray, "models modes"]:
        """Where variances go: what the exact denoiser makes with the same Heun steps, λ but for the solver's error."""
        return self["solver"]

    def on(self, branch: Branch, first: int = 0) -> Bool[np.ndarray, "models modes"]:
        """The modes that rise to their variance, or fall to it, from the record `first`."""
        rising = self["generated"][:, first] < self.target
        return rising if branch == "rising" else ~rising

    def clear(self, first: int = 0, factor: float = GRAY_ZONE) -> Bool[np.ndarray, "models modes"]:
        """Modes outside their own gray zone, of that factor, at the record `first`."""
        return outside_gray_zone(self["generated"][:, first], self.target, factor)

    def emergence(self, level: Level = "geometric", first: int = 0) -> Float[np.ndarray, "models modes"]:
        """First passage on the way from the record `first`; see `first_passage` for what is no step."""
        times = [
            first_passage(self["steps"][first:], curves[first:], _level(curves[first], target, level))[0]
            for curves, target in zip(self["generated"], self.target, strict=True)
        ]
        return np.stack(times)

    def exponents(
        self, branch: Branch, level: Level = "geometric", first: int = 0, factor: float = GRAY_ZONE
    ) -> ModelExponents:
        """Ours: first passage on the way from the record `first`, step 0, of modes outside their own gray zone."""
        used = self.on(branch, first) & self.clear(first, factor)
        return exponents_of(self["variance"], self.emergence(level, first), used)

    def gray_zone_effect(self, branch: Branch, factor: float) -> Float[np.ndarray, " models"]:
        """α of modes outside a gray zone of another factor, less ours; NaN for a model of too few modes."""
        return self.exponents(branch, factor=factor).per_model - self.exponents(branch).per_model

    def published(self, mean: Mean = "geometric", smoothing: float = 2.0) -> Float[np.ndarray, "models modes"]:
        """As the published analysis has it: from the first record after step 0, towards λ, smoothed over records."""
        times = [
            published_emergence(self["steps"], curves, variance, smoothing=smoothing, mean=mean)
            for curves, variance in zip(self["generated"], self["variance"], strict=True)
        ]
        return np.stack(times)

    def closed_form(self, level: Level = "geometric") -> Float[np.ndarray, "models modes"]:
        """The closed form's first passage, from its own start to λ, in its own time."""
        found = zip(self["closed_times"], self["closed"], self["variance"], strict=True)
        return np.stack([first_passage(times, curves, _level(curves[0], v, level))[0] for times, curves, v in found])

    def published_exponents(
        self, branch: Branch, mean: Mean = "geometric", smoothing: float = 2.0, zone: Zone = "scalar"
    ) -> ModelExponents:
        """The authors': their emergence steps, modes by λ over one number for all, the mean first record after step 0.

        With `zone` "mode" each mode by its own first record.
        """
        first = self["generated"][:, 1]
        outside = outside_scalar_gray_zone if zone == "scalar" else outside_gray_zone
        start = np.broadcast_to(first.mean(axis=-1, keepdims=True), first.shape) if zone == "scalar" else first
        rising = self["variance"] > start
        used = outside(first, self["variance"], GRAY_ZONE) & (rising if branch == "rising" else ~rising)
        return exponents_of(self["variance"], self.published(mean, smoothing), used)

    def closed_form_exponents(
        self, branch: Branch, level: Level = "geometric"
    ) -> tuple[ModelExponents, ModelExponents]:
        """Ours and the closed form's, over the modes of each model that emerge in both."""
        trained, theory = self.emergence(level), self.closed_form(level)
        used = self.on(branch) & self.clear() & np.isfinite(trained) & np.isfinite(theory)
        return exponents_of(self["variance"], trained, used), exponents_of(self["variance"], theory, used)

    def steps_per_time(self) -> Float[np.ndarray, " models"]:
        """Steps per unit of the closed form's time: geometric mean over clear modes that emerge in both, or NaN."""
        trained, theory = self.emergence(), self.closed_form()
        used = self.clear() & np.isfinite(trained) & np.isfinite(theory)
        ratios = [np.log(t[u] / c[u]) for t, c, u in zip(trained, theory, used, strict=True)]
        return np.array([np.exp(each.mean()) if each.size else np.nan for each in ratios])


def exponents_of(
    variance: Float[np.ndarray, "models modes"],
    emergence: Float[np.ndarray, "models modes"],
    among: Bool[np.ndarray, "models modes"],
) -> ModelExponents:
    """Least squares in logarithms for every model, see `fitted_exponent`."""
    fits = [fitted_exponent(*each) for each in zip(variance, emergence, among, strict=True)]
    return ModelExponents(
        *(np.array([float(getattr(fit, key)) for fit in fits]) for key in ("value", "r_squared", "modes"))
    )


def mean_of_defined(per_model: Float[np.ndarray, " models"]) -> Estimate:
    """Mean over the models that have a number, and its error; NaN where fewer than two have."""
    defined = per_model[np.isfinite(per_model)]
    if defined.size < 2:
        return Estimate(np.asarray(np.nan), np.asarray(np.nan), max(defined.size, 1))
    return mean_over(defined)


def _level(initial: np.ndarray, target: np.ndarray, level: Level) -> Float[np.ndarray, "1 modes"]:
    if isinstance(level, str):
        return mean_levels(initial, target)[MEANS.index(level)][None]
    return fraction_levels(initial, target, level)
