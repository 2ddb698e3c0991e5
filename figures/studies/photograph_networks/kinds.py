"""Kinds of network side by side on the same photographs: what figures that compare exponents of them compute."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import train_on_photographs
from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.experiment import NetworkRun

# The kinds that more than one figure has.
MLP_ADAM, CNN = "MLP, width 2d, Adam", "CNN, one level, 8 channels, Adam"


@dataclass(frozen=True)
class Kind:
    """Networks of one architecture under one optimiser; `name` is how claims and pictures call them."""

    name: str
    network: NetworkRun


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    kinds: tuple[Kind, ...]


def train_side_by_side(config: Config, names: tuple[str, ...], *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and `closed_form` for every kind, the first under `kind_0_` …; `kinds`, places in `names`.

    Models of one number have the same patches in every kind, so that kinds are compared in pairs.
    """
    networks = {f"kind_{place}": kind.network for place, kind in enumerate(config.kinds)}
    arrays = train_on_photographs(config.photographs, networks, key=key, stage=stage).arrays
    return arrays | {"kinds": np.array([names.index(kind.name) for kind in config.kinds])}
