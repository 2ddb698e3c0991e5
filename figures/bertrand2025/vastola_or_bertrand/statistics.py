"""Effects of target noise, by data set, and what was predicted of them."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from figures.bertrand2025.vastola_or_bertrand.networks import ARMS, SHAPED
from figures.bertrand2025.vastola_or_bertrand.setting import DOSES
from figures.common.stages import Arrays
from figures.common.style import fraction
from sims.measurements.estimates import Estimate, mean_over

Endpoint = Literal["distance", "memorised"]
Kind = Literal["linear", "mlp"]
MISFIT, DESIGN, TARGET = range(3)  # parts of a budget
ASKED_FROM = 0.1  # memorised share under the exact target, from which it can be asked what noise takes of it
MARGINS: dict[Endpoint, float] = {"distance": 0.1, "memorised": 0.05}  # of ln distance; of the share


class Cell(NamedTuple):
    """One kind of model, dimension and ratio P/F."""

    kind: Kind
    dimension: int
    row: int  # of the ratio
    ratio: float

    @property
    def words(self) -> str:
        model = {"linear": "linear", "mlp": "MLP"}[self.kind]
        return f"{model}, D = {self.dimension}, P/F = {fraction(self.ratio)}"


def dimensions(data: Arrays, kind: str) -> list[int]:
    """Of the data that models of this kind were trained on: kinds are linear, mlp and, where there are any, arm."""
    found = {int(name.split("_")[1]) for name in data if name.startswith(f"{kind}_")}
    return sorted(found)


def cells(data: Arrays) -> Iterator[Cell]:
    ratios_of: dict[Kind, np.ndarray] = {"linear": data["ratios"], "mlp": data["network_ratios"]}
    for kind, ratios in ratios_of.items():
        for dimension in dimensions(data, kind):
            for row, ratio in enumerate(ratios):
                yield Cell(kind, dimension, row, float(ratio))


def doses_of(data: Arrays, kind: str) -> list[str]:
    """Names of the targets, in the order of the arrays."""
    names = list(DOSES)
    return names if kind == "linear" else [names[index] for index in data["network_doses"]]


def of_cell(data: Arrays, cell: Cell, endpoint: Endpoint, dose: str) -> Float[np.ndarray, " sets"]:
    """An endpoint under one target: of distances the mean logarithm over the seeds of each data set."""
    values = data[f"{cell.kind}_{cell.dimension}_{endpoint}"][cell.row, doses_of(data, cell.kind).index(dose)]
    return _over_seeds(values, endpoint)


def _over_seeds(values: Float[np.ndarray, "sets seeds"], endpoint: Endpoint) -> Float[np.ndarray, " sets"]:
    return (np.log(values) if endpoint == "distance" else values).mean(axis=-1)


def effect(data: Arrays, cell: Cell, endpoint: Endpoint, dose: str = "DSM") -> Estimate:
    """Of a target's noise: the endpoint less that of the exact target, over data sets."""
    return mean_over(of_cell(data, cell, endpoint, dose) - of_cell(data, cell, endpoint, "exact"))


def log_effects(data: Arrays, chosen: list[Cell]) -> Float[np.ndarray, "cells sets"]:
    """ln distance from the population under DSM less that under the exact target."""
    return np.stack([of_cell(data, c, "distance", "DSM") - of_cell(data, c, "distance", "exact") for c in chosen])


def exact_share(data: Arrays, cell: Cell) -> float:
    """What the exact target memorises."""
    return float(of_cell(data, cell, "memorised", "exact").mean())


def target_ratios(data: Arrays, cell: Cell) -> Float[np.ndarray, " sets"]:
    """T = target noise/(misfit + design noise) of a linear cell, for each data set."""
    budget = data[f"linear_{cell.dimension}_budget"][cell.row]
    return budget[:, TARGET] / (budget[:, MISFIT] + budget[:, DESIGN])


def added_variance(data: Arrays, cell: Cell) -> Estimate:
    """What target noise adds to the variance of linear models, measured over predicted, over data sets."""
    variance = data[f"linear_{cell.dimension}_variance"][cell.row]
    names = list(DOSES)
    added = variance[names.index("DSM")] - variance[names.index("exact")]
    return mean_over(added / data[f"linear_{cell.dimension}_budget"][cell.row, :, TARGET])


def predicted_effects(data: Arrays, cell: Cell) -> Float[np.ndarray, " sets"] | None:
    """Of ln distance, by weights drawn from the predicted law; None where they were not drawn, as for P < F."""
    name = f"linear_{cell.dimension}_distance_predicted"
    if name not in data or cell.ratio < 1:
        return None
    exact, noisy = (_over_seeds(values, "distance") for values in data[name][cell.row])
    return noisy - exact


def order_by_ratio(data: Arrays) -> Estimate:
    """Rank correlation, over all linear cells, of T with the effect on ln distance; data sets are the replicates."""
    linear = [cell for cell in cells(data) if cell.kind == "linear"]
    ratios = np.stack([target_ratios(data, cell) for cell in linear])
    effects = log_effects(data, linear)
    ranks = [np.corrcoef(rankdata(t), rankdata(e))[0, 1] for t, e in zip(ratios.T, effects.T, strict=True)]
    return mean_over(np.array(ranks))


def shaped(data: Arrays, dimension: int, endpoint: Endpoint, name: str) -> Float[np.ndarray, " sets"]:
    """Effect of a target's noise at the reference, P/F = 1, for each data set."""
    values = data[f"shape_{dimension}_{endpoint}"]
    noisy, exact = (_over_seeds(values[SHAPED.index(each)], endpoint) for each in (name, "exact"))
    return noisy - exact


def of_arm(data: Arrays, dimension: int, endpoint: Endpoint, name: str) -> Float[np.ndarray, " sets"]:
    """Effect of DSM's noise where one thing is done otherwise than at the reference."""
    exact, noisy = (_over_seeds(values, endpoint) for values in data[f"arm_{dimension}_{endpoint}"][ARMS.index(name)])
    return noisy - exact


def verdict_words(found: Estimate, endpoint: Endpoint) -> str:
    """What an effect and its 95 % interval say of a region: none, a direction, or open."""
    low, high = found.interval
    margin = MARGINS[endpoint]
    if -margin <= low and high <= margin:
        return "none"
    if low > margin or high < -margin:
        return "more" if low > margin else "less"
    return "open"
