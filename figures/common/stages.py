"""Stages: the unit of work that is checkpointed and shown as progress.

A figure's `compute` hands each expensive piece of work to a `RunStage`. The command line passes one that stores
the arrays of every finished stage, so that an interrupted run goes on from there; `run_directly` just computes.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

Arrays = dict[str, np.ndarray]


class RunStage(Protocol):
    """Run `work` (or load its stored result) under a name that is unique within the figure.

    `share` is the fraction of the figure's expected wall time that the stage takes; the shares of a figure add
    up to one.
    """

    def __call__(self, name: str, work: Callable[[], Mapping], *, share: float) -> Arrays: ...


def run_directly(name: str, work: Callable[[], Mapping], *, share: float) -> Arrays:
    """Compute the stage now and keep nothing on disk."""
    del name, share
    return {key: np.asarray(value) for key, value in work().items()}
