"""Emergence exponents of MLPs and U-Nets on the same photographs, by what they start from, and of MLPs by depth.

An MLP-UNet starts as a random function, a U-Net with almost no output: here each as the other does. The published
MLP-UNet of images has eight layers as wide as the images have numbers: here such ones, and of three layers.
"""

from dataclasses import replace

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.kinds import CNN, MLP_ADAM, Config, Kind, train_side_by_side
from figures.studies.photograph_networks.sizes import SMALL_CNN_RUNS, SMALL_MLP_RUNS, SMALL_PHOTOGRAPHS
from figures.studies.trained_networks.experiment import NetworkRun

MLP_FROM_ZERO, CNN_FULL = "MLP, width 2d, from no output, Adam", "CNN, one level, from full output, Adam"
MLP_NARROW, MLP_DEEP = "MLP, width d, 3 layers, Adam", "MLP, width d, 8 layers, Adam"

_DIMENSION = 64


def _kinds(mlp: NetworkRun, cnn: NetworkRun) -> tuple[Kind, ...]:
    def other_mlp(**fields) -> NetworkRun:
        return replace(mlp, architecture=replace(mlp.architecture, **fields))

    return (
        Kind(MLP_ADAM, mlp),
        Kind(MLP_FROM_ZERO, other_mlp(output_scale=0.0)),
        Kind(CNN, cnn),
        Kind(CNN_FULL, replace(cnn, architecture=replace(cnn.architecture, output_scale=1.0), kept=0)),
        Kind(MLP_NARROW, other_mlp(width=_DIMENSION)),
        Kind(MLP_DEEP, other_mlp(width=_DIMENSION, layers=8)),
    )


PRESETS = {
    preset: Config(photographs, _kinds(SMALL_MLP_RUNS[preset], SMALL_CNN_RUNS[preset]))
    for preset, photographs in SMALL_PHOTOGRAPHS.items()
}

NAMES = tuple(kind.name for kind in PRESETS["quick"].kinds)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `train_side_by_side`; places in NAMES."""
    return train_side_by_side(config, NAMES, key=key, stage=stage)
