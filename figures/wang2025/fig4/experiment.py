"""Figures 4, 12 and 13 of Wang & Pehlevan 2025: what convolutional U-Nets learn of photographs, and when.

The U-Net of one level sees every pixel at full resolution only; a second level has half the resolution. Both start
from the same patches. Samples along training, variance of the data's modes, emergence against variance, alignment.
"""

from dataclasses import dataclass

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import train_on_photographs
from figures.studies.photograph_networks.sizes import ONE_LEVEL_RUNS, PHOTOGRAPHS, TWO_LEVEL_RUNS
from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.experiment import NetworkRun

ONE, TWO = "one_level", "two_levels"


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    one_level: NetworkRun
    two_levels: NetworkRun


PRESETS = {
    preset: Config(PHOTOGRAPHS[preset], ONE_LEVEL_RUNS[preset], TWO_LEVEL_RUNS[preset]) for preset in PHOTOGRAPHS
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and of `closed_form`, of both networks, and the first patches of the first model."""
    networks = {ONE: config.one_level, TWO: config.two_levels}
    runs, arrays = train_on_photographs(config.photographs, networks, key=key, stage=stage, also=["pictures"])
    return arrays | {"images": runs[ONE][0].data[: config.photographs.pictures]}
