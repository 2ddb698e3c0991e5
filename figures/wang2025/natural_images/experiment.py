"""The spectral law of Wang & Pehlevan 2025 on real photographs.

Patches of two photographs, linear denoisers trained on them by stochastic gradient descent with fresh noise at every
step, and samples at several training times, held against the closed form for the patches' own spectrum.
"""

from dataclasses import asdict, dataclass
from typing import Literal

import jax
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.spectral_law_on_data.experiment import (
    PAPER,
    QUICK,
    TINY,
    ExperimentConfig,
    compute_experiment,
    data_in_modes,
)
from sims.data.built_in import natural_image_patches


@dataclass(frozen=True)
class Config(ExperimentConfig):
    """Sizes of the run."""

    patches: int
    patch_size: int
    channels: Literal["grey", "colour"]


PRESETS = {
    "quick": Config(**asdict(QUICK), patches=16384, patch_size=8, channels="grey"),
    "paper": Config(**asdict(PAPER), patches=65536, patch_size=8, channels="colour"),
    "tiny": Config(**asdict(TINY), patches=64, patch_size=3, channels="grey"),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Spectrum, closed forms, trained networks and sample images of photograph patches."""
    patch_key, run_key = jax.random.split(key)
    samples = natural_image_patches(patch_key, count=config.patches, size=config.patch_size, channels=config.channels)
    shape = (config.patch_size, config.patch_size)
    data = data_in_modes(samples, config.modes, shape if config.channels == "grey" else (*shape, 3))
    return compute_experiment(config, data, key=run_key, stage=stage)
