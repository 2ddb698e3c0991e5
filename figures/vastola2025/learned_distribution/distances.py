"""Distances between the average distributions of ensembles of models, with every block of models left out in turn."""

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.distances import cumulative, wasserstein1_between, wasserstein1_permutations

GRID = np.linspace(-4.0, 4.0, 3201)  # of the distribution functions; beyond it hardly any model has mass
BLOCKS = 10  # of models, each left out in turn


def learned_distances(samples: dict[str, np.ndarray], ensembles: int, random: np.random.Generator) -> Arrays:
    """W_1 to the average of a trained ensemble and of all trained models, and the same without a block of models.

    Entry 0 is for all models, entry 1 + b leaves block b of every ensemble out.
    """
    cumulatives = {name: cumulative(each, GRID) for name, each in samples.items()}
    kept = [np.full(BLOCKS, True), *~np.eye(BLOCKS, dtype=bool)]
    rows = [_distances_of(cumulatives, ensembles, keep, random) for keep in kept]
    return {f"wasserstein1_{name}": np.asarray([row[name] for row in rows]) for name in rows[0]}


def _distances_of(
    cumulatives: dict[str, np.ndarray], ensembles: int, keep: np.ndarray, random: np.random.Generator
) -> dict[str, float]:
    """Distances over the models whose block is kept, as means over the trained ensembles and over pairs of them."""

    def without_block(each: np.ndarray) -> np.ndarray:
        return each if len(each) == 1 else each[keep[np.arange(len(each)) % BLOCKS]]

    parts = [without_block(part) for part in np.array_split(cumulatives["trained"], ensembles)]
    trained = np.concatenate(parts)
    others = {name: without_block(each) for name, each in cumulatives.items() if name != "trained"}
    references = {"": [part.mean(axis=0) for part in parts], "_of_all": [trained.mean(axis=0)]}
    distances = {
        f"{name}{which}": float(np.mean([wasserstein1_between(each.mean(axis=0), one, GRID) for one in averages]))
        for name, each in others.items()
        for which, averages in references.items()
    }
    # Any split of two ensembles into halves is as good as the one into these two: the mean of many has less noise.
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    options = {"repetitions": max(40 // len(pairs), 1), "random": random}
    splits = [wasserstein1_permutations(first, second, GRID, **options) for first, second in pairs]
    return distances | {"trained": float(np.mean(splits))}
