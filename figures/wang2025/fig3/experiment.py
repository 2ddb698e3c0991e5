"""Figures 3, 10 and 11 of Wang & Pehlevan 2025: what an MLP-UNet learns of photographs, and when.

Samples along training, variance of the data's modes, emergence against variance by two definitions, alignment.
"""

from dataclasses import dataclass
from functools import partial

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import (
    MLP_RUNS,
    PHOTOGRAPHS,
    Photographs,
    train_on_photographs,
)
from figures.studies.trained_networks.experiment import NetworkRun, measure_modes

KIND = "mlp"


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    network: NetworkRun
    pictures: int = 9  # samples that are shown at every record


PRESETS = {preset: Config(PHOTOGRAPHS[preset], MLP_RUNS[preset]) for preset in PHOTOGRAPHS}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and of `closed_form`, and the first patches of the first model."""
    prepare = partial(measure_modes, pictures=config.pictures)
    runs, arrays = train_on_photographs(config.photographs, {KIND: config.network}, prepare, key=key, stage=stage)
    return arrays | {"images": runs[KIND][0].data[: config.pictures]}
