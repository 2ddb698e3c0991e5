"""Areas, ratios, and which references are worth their cost."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from figures.common.stages import Arrays
from figures.common.target_nats import ratio_of_means, target_nats
from sims.measurements.estimates import Estimate

WEIGHTS = 1_000_000  # of the network beside which references are judged: a small one, and so a strict judge
WELL_BELOW = 0.5
LEAST = 0.01  # of the most that σ²V_DSM is: below, there is no variance to speak of


def nats(data: Arrays) -> list[Estimate]:
    """∫σV dσ for every number of references, the first without any."""
    return target_nats(data["levels"], data["measured"], data["posterior"])


def variance_left(data: Arrays, index: int, level: int) -> Estimate:
    """V_STF/V_DSM, for the number of references and the noise level of these places."""
    return ratio_of_means(data["measured"][:, index, level], data["measured"][:, 0, level])


def cost(data: Arrays) -> Float[np.ndarray, " n"]:
    """How many times larger a batch without references is that costs as much.

    For each of a batch n shared references take 4nd operations (two products of matrices), a network of W weights 6W
    (forwards once, backwards twice): 1 + 2nd/3W. One reference is denoising score matching and costs nothing.
    """
    extra = 4 * data["references"] * float(data["dimension"]) / (6 * WEIGHTS)
    return np.where(data["references"] > 1, 1 + extra, 1.0)


def levels_with_variance(data: Arrays) -> Bool[np.ndarray, " levels"]:
    """Where σ²V_DSM is more than a hundredth of its most."""
    known = data["posterior"].mean(axis=0)
    return known > LEAST * known.max()


@dataclass(frozen=True)
class Advice:
    """A number of references, and the noise levels at which it is worth its cost."""

    references: int
    cost: float  # as a batch so many times larger
    first: float
    last: float
    to_the_end: bool  # up to where there is no variance to speak of
    least: float  # of what is left, V_STF/V_DSM
    most: float
    below: float  # share of the nats of denoising score matching at smaller noise levels


class _Stretch(NamedTuple):
    start: int
    stop: int  # the first place after it


def advice(data: Arrays) -> Advice | None:
    """The rule: references pay where, with 95 % certainty, V_STF/V_DSM is below half of what a larger batch leaves.

    A batch that is `cost` times larger divides the variance of a step by that number. Levels without variance to speak
    of do not count; of a number of references its longest stretch of levels does. Of all numbers the one is advised
    that takes the most nats there at equal cost, from a batch that is smaller by its cost. None where none pays.
    """
    costs, counted = cost(data), levels_with_variance(data)
    logs, dsm, known = np.log(data["levels"]), data["measured"][:, 0].mean(axis=0), data["posterior"].mean(axis=0)
    best, found = 0.0, None
    for index in range(1, len(costs)):
        left = [variance_left(data, index, level) if counted[level] else None for level in range(len(logs))]
        pays = np.array([one is not None and one.interval[1] < WELL_BELOW / costs[index] for one in left])
        stretch = _longest(pays)
        if stretch is None:
            continue
        inside = slice(*stretch)
        won = dsm - costs[index] * data["measured"][:, index].mean(axis=0)
        taken = float(np.trapezoid(won[inside], logs[inside])) if stretch.stop - stretch.start > 1 else 0.0
        if taken > best:
            values = [one.centre for one in left[inside] if one is not None]
            below = np.trapezoid(known[: stretch.start + 1], logs[: stretch.start + 1]) / float(nats(data)[0].value)
            best, found = taken, Advice(
                int(data["references"][index]),
                float(costs[index]),
                float(data["levels"][stretch.start]),
                float(data["levels"][stretch.stop - 1]),
                not counted[stretch.stop :].any(),
                min(values),
                max(values),
                float(below),
            )  # fmt: skip
    return found


def _longest(wanted: Bool[np.ndarray, " levels"]) -> _Stretch | None:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.astype(int), [0]])))
    stretches = [_Stretch(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
    return max(stretches, key=lambda each: each.stop - each.start, default=None)
