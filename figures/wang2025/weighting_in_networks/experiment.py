"""The law of the loss weight in nonlinear networks: MLP-UNets on photographs, by gradient descent and by Adam.

A loss weight σ^-2a gives a linear denoiser with EDM's preconditioning the exponent (1 - a)/2. As a weight it would
train next to nothing where it is small; as a factor of the density of noise levels it is the same in expectation. Adam
divides a gradient by its own size, and with it a weight: it is not expected to follow.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import train_on_photographs
from figures.studies.photograph_networks.sizes import SMALL_MLP_RUNS, SMALL_PHOTOGRAPHS
from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.architectures import MLP
from figures.studies.trained_networks.experiment import NetworkRun

OPTIMISERS = ("sgd", "adam")


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    sgd: NetworkRun
    adam: NetworkRun
    tilts: tuple[float, ...] = (0.0, 0.25, 0.5)  # a


_QUICK, _TINY = SMALL_MLP_RUNS["quick"], SMALL_MLP_RUNS["tiny"]
_PAPER = replace(_QUICK, architecture=MLP(layers=5, width=256, embedding=128), steps=4000, records=40, samples=512)

PRESETS = {
    "quick": Config(
        SMALL_PHOTOGRAPHS["quick"],
        sgd=replace(_QUICK, optimiser="sgd", learning_rate=0.004, steps=1600),
        adam=_QUICK,
        tilts=(0.0, 0.5),
    ),
    "paper": Config(
        SMALL_PHOTOGRAPHS["paper"],
        sgd=replace(_PAPER, optimiser="sgd", learning_rate=0.004, steps=8000),
        adam=replace(_PAPER, learning_rate=3e-4),
    ),
    "tiny": Config(
        SMALL_PHOTOGRAPHS["tiny"],
        sgd=replace(_TINY, optimiser="sgd", learning_rate=0.004),
        adam=_TINY,
        tilts=(0.0, 0.5),
    ),
}


def kind(optimiser: str, index: int) -> str:
    """What names begin with of the networks of one optimiser and one of the tilts."""
    return f"{optimiser}_{index}"


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and of `closed_form` for every optimiser and tilt; `tilt` (tilts,), the values of a."""
    runs = {"sgd": config.sgd, "adam": config.adam}
    networks = {
        kind(optimiser, index): replace(runs[optimiser], tilt=tilt)
        for optimiser in OPTIMISERS
        for index, tilt in enumerate(config.tilts)
    }
    arrays = train_on_photographs(config.photographs, networks, key=key, stage=stage).arrays
    return arrays | {"tilt": np.array(config.tilts)}
