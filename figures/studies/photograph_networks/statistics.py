"""Comparisons of exponents within the models of networks on photographs."""

from collections.abc import Mapping

import numpy as np

from figures.common.stages import Arrays
from figures.studies.trained_networks.statistics import Branch, Level, Reading, mean_of_defined
from sims.measurements.estimates import Estimate


def exponent(reading: Reading, level: Level = "geometric", branch: Branch = "falling") -> Estimate:
    """α over models; most modes of photographs fall from what untrained networks generate."""
    return reading.exponents(branch, level).estimate


def harmonic_excess(reading: Reading) -> Estimate:
    """α of falling modes at the harmonic mean less α at the geometric mean, in every model."""
    harmonic, geometric = (reading.exponents("falling", level).per_model for level in ("harmonic", "geometric"))
    return mean_of_defined(harmonic - geometric)


def beyond_closed_form(reading: Reading, branch: Branch = "falling", level: Level = "geometric") -> Estimate:
    """α less that of the closed form over the same modes, in every model."""
    trained, theory = reading.closed_form_exponents(branch, level)
    return mean_of_defined(trained.per_model - theory.per_model)


def beyond(first: Reading, second: Reading, level: Level = "geometric") -> Estimate:
    """α of falling modes of one kind less that of another, of the same patches."""
    own, other = (each.exponents("falling", level).per_model for each in (first, second))
    return mean_of_defined(own - other)


def solver_effect(data: Arrays, kind: str) -> Estimate:
    """By how much α of falling modes changes where the data's own variance is what a mode tends to.

    Otherwise it is what the sampler's steps make of the exact denoiser.
    """
    told_apart, not_told = Reading(data, kind), Reading(_without_solver(data, kind), kind)
    return mean_of_defined(not_told.exponents("falling").per_model - told_apart.exponents("falling").per_model)


def final_log_ratio(reading: Reading) -> Estimate:
    """ln of what the last record generates over its target, mean over modes."""
    return mean_of_defined(np.log(reading["generated"][:, -1] / reading.target).mean(axis=-1))


def mean_alignment(reading: Reading) -> Estimate:
    """χ over training: its mean over the records."""
    return mean_of_defined(reading["alignment_unbiased"].mean(axis=-1))


def _without_solver(data: Mapping[str, np.ndarray], kind: str) -> Arrays:
    return {**data, f"{kind}_solver": data[f"{kind}_variance"]}
