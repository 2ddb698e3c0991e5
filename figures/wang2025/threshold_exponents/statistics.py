"""Exponents of trained networks and of the closed form, by setting, weight and fraction, and by damping."""

from typing import NamedTuple

import numpy as np

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Branch, Reading, mean_of_defined
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.exponents import FEWEST_MODES
from theory.spectral_law.power_law import fit_power_law

_FEWEST_FRACTIONS = 3  # of a line with an error
SETTINGS = ("preconditioned_falling", "preconditioned_rising", "raw_rising", "raw_falling")


class Exponents(NamedTuple):
    """α of every seed and of the closed form, fitted over the same modes; NaN where too few are seen."""

    per_seed: np.ndarray  # (seeds, ...)
    closed_form: np.ndarray  # (...)

    @property
    def trained(self) -> Estimate:
        return mean_over(self.per_seed)

    def deviation(self) -> Estimate:
        """Trained minus closed form, averaged over all but the seeds."""
        return mean_over((self.per_seed - self.closed_form[None]).reshape(len(self.per_seed), -1).mean(axis=1))


class MLPExponents(NamedTuple):
    """α of every MLP and of the closed form beside it, over the modes that emerge in both; NaN where they are few."""

    per_model: np.ndarray  # (models, fractions)
    closed_form: np.ndarray  # the same

    def by_fraction(self) -> list[Estimate]:
        """Mean over the models that have an exponent, at every fraction."""
        return [mean_of_defined(models) for models in self.per_model.T]

    def slope(self, fractions: np.ndarray) -> Estimate:
        """dα/df by least squares over the fractions at which a model has an exponent."""
        return mean_of_defined(np.array([_slope(fractions, exponents) for exponents in self.per_model]))

    def deviation(self) -> Estimate:
        """Trained minus closed form, averaged over the same fractions."""
        differences = self.per_model - self.closed_form
        some = np.isfinite(differences).any(axis=1)
        return mean_of_defined(np.nanmean(differences[some], axis=1))


def mlps(data: Arrays, branch: Branch) -> MLPExponents:
    """Exponents of the MLPs of one branch at the figure's fractions."""
    reading = Reading(data, f"mlp_{branch}")
    pairs = [reading.closed_form_exponents(branch, float(fraction)) for fraction in data["fraction"]]
    return MLPExponents(*(np.stack([each.per_model for each in kind], axis=1) for kind in zip(*pairs, strict=True)))


def mlps_decide(data: Arrays) -> bool:
    """Whether there are MLPs enough for verdicts about their exponents."""
    return Reading(data, "mlp_falling").decides


def by_fraction(data: Arrays, setting: str, weight: int) -> Exponents:
    """Exponents of one setting and weight, (seeds, fractions) and (fractions,)."""
    variance = data[f"variance_{setting.rsplit('_', 1)[-1]}"]
    return _exponents(variance, data[f"linear_{setting}"][weight], data[f"theory_{setting}"][weight])


def by_damping(data: Arrays) -> Exponents:
    """Exponents of the networks trained with momentum, (seeds, dampings) and (dampings,)."""
    return _exponents(data["momentum_variance"], data["momentum_linear"], data["momentum_theory"])


def slopes(data: Arrays, found: Exponents) -> Exponents:
    """dα/df, by least squares over the fractions."""
    fractions = data["fraction"]
    return Exponents(np.polyfit(fractions, found.per_seed.T, 1)[0], np.polyfit(fractions, found.closed_form, 1)[0])


def closed_form_by_damping(data: Arrays) -> np.ndarray:
    """Exponents of the closed form on its curve of dampings."""
    return np.array([fit_power_law(data["momentum_variance"], row).exponent for row in data["momentum_curve"]])


def _slope(fractions: np.ndarray, exponents: np.ndarray) -> float:
    seen = np.isfinite(exponents)
    return float(np.polyfit(fractions[seen], exponents[seen], 1)[0]) if seen.sum() >= _FEWEST_FRACTIONS else np.nan


def _exponents(variance: np.ndarray, emergence: np.ndarray, theory: np.ndarray) -> Exponents:
    """From times (n, seeds, modes) and (n, modes)."""
    fits = [_fitted(variance, *pair) for pair in zip(emergence, theory, strict=True)]
    return Exponents(np.stack([fit.per_seed for fit in fits], axis=1), np.array([fit.closed_form for fit in fits]))


def _fitted(variance: np.ndarray, emergence: np.ndarray, theory: np.ndarray) -> Exponents:
    seen = np.isfinite(emergence).all(axis=0) & np.isfinite(theory)
    if seen.sum() < FEWEST_MODES:
        return Exponents(np.full(len(emergence), np.nan), np.asarray(np.nan))
    per_seed = [fit_power_law(variance[seen], times[seen]).exponent for times in emergence]
    return Exponents(np.array(per_seed), np.asarray(fit_power_law(variance[seen], theory[seen]).exponent))
