"""The spectral law on the user's data as a picture."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.plots import draw_experiment
from figures.studies.spectral_law_on_data.statistics import exponent, rising_modes


def draw(data: Arrays) -> Figure:
    return draw_experiment(data)


def notes(data: Arrays) -> list[str]:
    """What a reader of the user's own picture has to know of these data; nothing for the digits."""
    if "data_unit" not in data:
        return []
    return [_of_units(data), _of_modes(data), *_of_exponents(data), _of_controls(data)]


def _of_units(data: Arrays) -> str:
    unit = float(data["data_unit"])
    return (
        f"For a standard deviation of 0.5 per coordinate, samples were divided by {unit:.4g} and variances by "
        f"{unit**2:.4g}."
    )


def _of_modes(data: Arrays) -> str:
    modes, dimension = data["variance"].size, int(data["dimension"])
    rest = float(data["variance_of_rest"])
    share = rest / (rest + float(data["variance"].sum()))
    others = f"; the rest has {share:.2g} of the variance" if share > 1e-6 else ""
    others = others or ("; the other directions have no variance" if modes < dimension else "")
    return (
        "Only mean and covariance of the data enter the theory. "
        f"Shown and trained: {modes} of {dimension} modes of these data{others}."
    )


def _of_exponents(data: Arrays) -> list[str]:
    found = []
    falling = int(np.sum(~rising_modes(data)))
    if falling:
        found.append(
            f"Of the modes, {falling} begin with more variance than they have in the data, or too little for the "
            "sampler to resolve; emergence times and exponents are those of the others."
        )
    if not exponent(data).defined:
        found.append(
            "There is no exponent: it takes three modes that emerge well within the run, of variances that are not "
            "alike."
        )
    return found


def _of_controls(data: Arrays) -> str:
    return (
        "SGD's weights, its generated variance and the variance of all modes are controls of the training, as is all "
        f"that is said of batches of {int(data['small_batch_size'])}: where one differs, minibatches are noisy, and "
        "these data do not contradict the law."
    )
