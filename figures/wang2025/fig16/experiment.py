"""Figures 16 to 20 of Wang & Pehlevan 2025: patches of what a convolutional network generates, by size and stride.

A convolution sees patches. The samples of a one-level U-Net are cut into patches of several sizes, all positions
together, and their variance along the modes of the data's own patches is followed over training, as that of whole
images along theirs. Both are of the same samples.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.experiment import train_on_photographs
from figures.studies.photograph_networks.sizes import ONE_LEVEL_RUNS, PHOTOGRAPHS
from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.experiment import NetworkRun, data_modes, patch_variance_of, prefixed
from figures.wang2025.fig16.pooled_modes import pooled_modes
from sims.measurements.patch_statistics import patch_modes, patch_moments

WHOLE = "whole"


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    network: NetworkRun


PRESETS = {preset: Config(PHOTOGRAPHS[preset], ONE_LEVEL_RUNS[preset]) for preset in PHOTOGRAPHS}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`size` and `stride` (kinds,); under `whole_` and `patches_SIZE_STRIDE_` arrays as of `stacked`.

    Those of patches have `variance`, `generated`, `solver` and `closed` along patch modes, and `from_modes`: what
    `generated` would be if the samples had the data's mean and modes.
    """
    shape = config.photographs.shape
    also = [patch_variance_of(*kind) for kind in config.photographs.patches]
    networks = {WHOLE: config.network}
    runs, arrays = train_on_photographs(config.photographs, networks, key=key, stage=stage, also=also)
    whole = {name.removeprefix(f"{WHOLE}_"): array for name, array in arrays.items()}
    sizes, strides = np.transpose(config.photographs.patches)
    found = {"size": sizes, "stride": strides}
    data = [run.data for run in runs[WHOLE]]
    for size, stride in config.photographs.patches:
        measured = whole.pop(patch_variance_of(size, stride))
        found |= prefixed(kind_of(size, stride), _of_patches(data, whole, measured, shape, size, stride))
    return found | prefixed(WHOLE, whole)


def kind_of(size: int, stride: int) -> str:
    """The prefix of what is stored about patches."""
    return f"patches_{size}_{stride}"


def _of_patches(
    data: list[np.ndarray],
    whole: Arrays,
    generated: np.ndarray,
    shape: tuple[int, int, int],
    size: int,
    stride: int,
) -> Arrays:
    """Every model's own patch modes; what whole images have, pooled into them."""
    each: dict[str, list[np.ndarray]] = {name: [] for name in ("variance", "solver", "closed", "from_modes")}
    for model, images in enumerate(data):
        modes = patch_modes(patch_moments(images.reshape(-1, *shape), size, stride))
        pooled = pooled_modes(data_modes(images), modes.basis, shape, size, stride)
        each["variance"].append(modes.variance)
        for name, of_images in (("solver", "solver"), ("closed", "closed"), ("from_modes", "generated")):
            each[name].append(pooled(whole[of_images][model]))
    arrays = {name: np.stack(found) for name, found in each.items()}
    return arrays | {"steps": whole["steps"], "closed_times": whole["closed_times"], "generated": generated}
