"""Figures 3, 10 and 11 of Wang & Pehlevan 2025: what an MLP-UNet learns of photographs, and when.

Samples along training, variance of the data's modes, emergence against variance by two definitions, alignment.
"""

from dataclasses import dataclass

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import train_on_photographs
from figures.studies.photograph_networks.sizes import MLP_RUNS, PHOTOGRAPHS
from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.experiment import NetworkRun

KIND = "mlp"


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    network: NetworkRun


PRESETS = {preset: Config(PHOTOGRAPHS[preset], MLP_RUNS[preset]) for preset in PHOTOGRAPHS}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and of `closed_form`, and the first patches of the first model."""
    runs, arrays = train_on_photographs(
        config.photographs, {KIND: config.network}, key=key, stage=stage, also=["pictures"]
    )
    return arrays | {"images": runs[KIND][0].data[: config.photographs.pictures]}
