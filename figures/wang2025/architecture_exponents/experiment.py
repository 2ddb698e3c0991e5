"""Emergence exponents of many kinds of network on the same photographs, by gradient descent and by Adam.

Models of one number have the same patches in every kind, so that kinds are compared in pairs. Beside each stands the
closed form of a linear denoiser with its start, preconditioning and density of noise levels.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import train_on_photographs
from figures.studies.photograph_networks.sizes import ONE_LEVEL_RUNS, PHOTOGRAPHS, SMALL_MLP_RUNS
from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.architectures import MLP, Linear, LinearConvolution, ResNet, UNet
from figures.studies.trained_networks.experiment import NetworkRun


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


LINEAR_SGD, LINEAR_ADAM = "linear, SGD", "linear, Adam"
MLP_SGD, MLP_ADAM, WIDE_SGD = "MLP, width 2d, SGD", "MLP, width 2d, Adam", "MLP, width 4d, SGD"
CNN, LINEAR_CONVOLUTION = "CNN, one level, 8 channels, Adam", "linear convolution, 3 × 3, Adam"

# An MLP-UNet starts as a random function, a U-Net with almost no output: here each as the other does.
MLP_FROM_ZERO, CNN_FULL = "MLP, width 2d, from no output, Adam", "CNN, one level, from full output, Adam"
# The published MLP-UNet of images has eight layers of width d.
MLP_NARROW, MLP_DEEP = "MLP, width d, 3 layers, Adam", "MLP, width d, 8 layers, Adam"

_SHAPE = (8, 8, 1)
_DIMENSION = 64
_QUICK, _TINY = SMALL_MLP_RUNS["quick"], SMALL_MLP_RUNS["tiny"]
_QUICK_CNN = ONE_LEVEL_RUNS["quick"]
# Compiling a U-Net would take most of the tests' time.
_TINY_CNN = replace(_TINY, architecture=ResNet((4, 4, 1), 4, 1))
_PAPER = replace(_QUICK, steps=5000, records=40, samples=512, learning_rate=3e-4)
_PAPER_CNN = replace(_PAPER, architecture=UNet(_SHAPE, 8, (1,)), steps=10_000, batch_size=64, segments=4)


def _linear_convolution(cnn: NetworkRun, taps: int) -> NetworkRun:
    """Locality and weight sharing without nonlinearity, trained as the CNN is, at the rate of linear networks."""
    assert isinstance(cnn.architecture, UNet | ResNet)
    convolution = LinearConvolution(cnn.architecture.shape, taps)
    return replace(cnn, architecture=convolution, learning_rate=3 * cnn.learning_rate, kept=0)


def _kinds(adam: NetworkRun, sgd_steps: int, cnn: NetworkRun) -> tuple[Kind, ...]:
    """Those of every preset. Rates of SGD are near the largest that are stable."""
    mlp_sgd = replace(adam, optimiser="sgd", learning_rate=0.004, steps=sgd_steps)
    linear = Linear(layers=1)
    return (
        Kind(LINEAR_SGD, replace(mlp_sgd, architecture=linear, learning_rate=0.05)),
        Kind(LINEAR_ADAM, replace(adam, architecture=linear, learning_rate=3 * adam.learning_rate)),
        Kind(MLP_SGD, mlp_sgd),
        Kind(MLP_ADAM, adam),
        Kind(CNN, cnn),
        Kind(LINEAR_CONVOLUTION, _linear_convolution(cnn, 3)),
        Kind(MLP_FROM_ZERO, replace(adam, architecture=replace(adam.architecture, output_scale=0.0))),
        Kind(CNN_FULL, replace(cnn, architecture=replace(cnn.architecture, output_scale=1.0), kept=0)),
        Kind(MLP_NARROW, replace(adam, architecture=replace(adam.architecture, width=_DIMENSION))),
        Kind(MLP_DEEP, replace(adam, architecture=replace(adam.architecture, width=_DIMENSION, layers=8))),
    )


def _more_kinds(adam: NetworkRun, sgd_steps: int, cnn: NetworkRun) -> tuple[Kind, ...]:
    """Depth without nonlinearity, width, and convolutions by channels, levels, blocks and, linear ones, by taps."""

    def mlp(times: int) -> MLP:
        return MLP(layers=3, width=times * _DIMENSION, embedding=32)

    sgd = replace(adam, optimiser="sgd", learning_rate=0.004, steps=sgd_steps)
    return (
        *(Kind(f"linear, {depth} layers, Adam", replace(adam, architecture=Linear(layers=depth))) for depth in (2, 3)),
        Kind("MLP, width 4d, Adam", replace(adam, architecture=mlp(4))),
        Kind("MLP, width d, SGD", replace(sgd, architecture=mlp(1))),
        Kind(WIDE_SGD, replace(sgd, architecture=mlp(4))),
        Kind("CNN, one level, 4 channels, Adam", replace(cnn, architecture=UNet(_SHAPE, 4, (1,)))),
        Kind("CNN, one level, 16 channels, Adam", replace(cnn, architecture=UNet(_SHAPE, 16, (1,)))),
        Kind("CNN, two levels, 8 channels, Adam", replace(cnn, architecture=UNet(_SHAPE, 8, (1, 1)))),
        Kind("ResNet, 8 channels, Adam", replace(cnn, architecture=ResNet(_SHAPE, 8, 2))),
        Kind("linear convolution, 7 × 7, Adam", _linear_convolution(cnn, 7)),
    )


PRESETS = {
    "quick": Config(PHOTOGRAPHS["quick"], kinds=_kinds(_QUICK, 1600, _QUICK_CNN)),
    "paper": Config(
        Photographs(size=8, count=32768, models=8),
        kinds=_kinds(_PAPER, 10_000, _PAPER_CNN) + _more_kinds(_PAPER, 10_000, _PAPER_CNN),
    ),
    "tiny": Config(
        PHOTOGRAPHS["tiny"],
        kinds=_kinds(_TINY, 20, _TINY_CNN),
    ),
}

NAMES = tuple(kind.name for kind in PRESETS["paper"].kinds)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and `closed_form` for every kind, the first under `kind_0_` …; `kinds`, places in NAMES."""
    networks = {f"kind_{place}": kind.network for place, kind in enumerate(config.kinds)}
    arrays = train_on_photographs(config.photographs, networks, key=key, stage=stage).arrays
    return arrays | {"kinds": np.array([NAMES.index(kind.name) for kind in config.kinds])}
