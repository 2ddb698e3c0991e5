"""Emergence exponents of many kinds of network on the same photographs: architecture, optimiser and loss weight.

Beside each stands the closed form of a linear denoiser with its start, preconditioning and density of noise levels.
"""

from dataclasses import replace

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.kinds import CNN, MLP_ADAM, Config, Kind, train_side_by_side
from figures.studies.photograph_networks.sizes import SMALL_CNN_RUNS, SMALL_MLP_RUNS, SMALL_PHOTOGRAPHS
from figures.studies.trained_networks.architectures import MLP, Linear, LinearConvolution, ResNet, UNet
from figures.studies.trained_networks.experiment import NetworkRun

LINEAR_SGD, LINEAR_TILTED, LINEAR_ADAM = "linear, SGD", "linear, SGD, density × 1/σ", "linear, Adam"
MLP_SGD, WIDE_SGD = "MLP, width 2d, SGD", "MLP, width 4d, SGD"
LINEAR_CONVOLUTION = "linear convolution, 3 × 3, Adam"

_SHAPE = SMALL_PHOTOGRAPHS["paper"].shape
_DIMENSION = 64
_LINEAR_RATE = 0.05  # of SGD
_SGD_STEPS = {"quick": 1600, "paper": 10_000, "tiny": 20}


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
        Kind(LINEAR_SGD, replace(mlp_sgd, architecture=linear, learning_rate=_LINEAR_RATE)),
        Kind(LINEAR_ADAM, replace(adam, architecture=linear, learning_rate=3 * adam.learning_rate)),
        Kind(MLP_SGD, mlp_sgd),
        Kind(MLP_ADAM, adam),
        Kind(CNN, cnn),
        Kind(LINEAR_CONVOLUTION, _linear_convolution(cnn, 3)),
    )


def _more_kinds(adam: NetworkRun, sgd_steps: int, cnn: NetworkRun) -> tuple[Kind, ...]:
    """The loss weight, depth without nonlinearity, width, and convolutions by channels, levels, blocks and taps."""

    def mlp(times: int) -> MLP:
        return MLP(layers=3, width=times * _DIMENSION, embedding=32)

    sgd = replace(adam, optimiser="sgd", learning_rate=0.004, steps=sgd_steps)
    return (
        Kind(LINEAR_TILTED, replace(sgd, architecture=Linear(layers=1), learning_rate=_LINEAR_RATE, tilt=0.5)),
        *(Kind(f"linear, {depth} layers, Adam", replace(adam, architecture=Linear(layers=depth))) for depth in (2, 3)),
        Kind("MLP, width d, Adam", replace(adam, architecture=mlp(1))),
        Kind("MLP, width 4d, Adam", replace(adam, architecture=mlp(4))),
        Kind("MLP, width d, SGD", replace(sgd, architecture=mlp(1))),
        Kind(WIDE_SGD, replace(sgd, architecture=mlp(4))),
        Kind("CNN, one level, 4 channels, Adam", replace(cnn, architecture=UNet(_SHAPE, 4, (1,)))),
        Kind("CNN, one level, 16 channels, Adam", replace(cnn, architecture=UNet(_SHAPE, 16, (1,)))),
        Kind("CNN, two levels, 8 channels, Adam", replace(cnn, architecture=UNet(_SHAPE, 8, (1, 1)))),
        Kind("ResNet, 8 channels, Adam", replace(cnn, architecture=ResNet(_SHAPE, 8, 2))),
        Kind("linear convolution, 7 × 7, Adam", _linear_convolution(cnn, 7)),
    )


def _config(preset: str) -> Config:
    sizes = SMALL_MLP_RUNS[preset], _SGD_STEPS[preset], SMALL_CNN_RUNS[preset]
    return Config(SMALL_PHOTOGRAPHS[preset], _kinds(*sizes) + (_more_kinds(*sizes) if preset == "paper" else ()))


PRESETS = {preset: _config(preset) for preset in SMALL_PHOTOGRAPHS}

NAMES = tuple(kind.name for kind in PRESETS["paper"].kinds)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `train_side_by_side`; places in NAMES."""
    return train_side_by_side(config, NAMES, key=key, stage=stage)
