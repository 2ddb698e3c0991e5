"""Stages: the unit of work that is checkpointed, shown as progress, and computed wherever there is a core for it.

A figure's `compute` hands each expensive piece of work to a `RunStage`; pieces that do not need each other's results
are handed over together. The command line passes one that stores the arrays of every finished stage, so that an
interrupted run goes on from there; `run_directly` just computes.

What several figures need, such as trained networks of which each measures something else, is computed by the first that
asks for it and kept as `SharedWork`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Stage:
    """A piece of work under a name that is unique within the figure.

    `work` takes no argument and returns arrays; it may be computed by another process, so it is a function of a module
    or a `functools.partial` of one with arrays, numbers and dataclasses as arguments. `share` is the fraction of the
    figure's expected wall time that the stage takes; the shares of a figure add up to one.
    """

    name: str
    work: Callable[[], Mapping]
    share: float


@dataclass(frozen=True)
class SharedWork:
    """Work whose arrays several figures need, known by all that decides them."""

    name: str  # of this kind of work; no figure's
    decided_by: Mapping[str, Any]  # whatever decides the numbers but the code: JSON, random keys among it
    module: str  # whose imports, at any depth, are all code that decides them


class RunStage(Protocol):
    """Runs stages, or loads their stored results."""

    def __call__(self, name: str, work: Callable[[], Mapping], *, share: float) -> Arrays:
        """The arrays of one stage; see `Stage` for the arguments."""
        ...

    def all(self, stages: Sequence[Stage]) -> list[Arrays]:
        """The arrays of stages that do not need each other's results, in their order; computed at the same time."""
        ...

    def shared(self, works: Sequence[SharedWork], compute: Callable[[Sequence[int]], Sequence[Arrays]]) -> list[Arrays]:
        """The arrays of each work: stored ones, or what `compute` gives for the places of those that are missing.

        `compute` runs stages of the figure that asks. What another figure is computing is waited for.
        """
        ...


class _RunDirectly:
    """Compute every stage now, one after the other, and keep nothing on disk."""

    def __call__(self, name: str, work: Callable[[], Mapping], *, share: float) -> Arrays:
        del name, share
        return {key: np.asarray(value) for key, value in work().items()}

    def all(self, stages: Sequence[Stage]) -> list[Arrays]:
        return [self(stage.name, stage.work, share=stage.share) for stage in stages]

    def shared(self, works: Sequence[SharedWork], compute: Callable[[Sequence[int]], Sequence[Arrays]]) -> list[Arrays]:
        return list(compute(range(len(works))))


run_directly: RunStage = _RunDirectly()
