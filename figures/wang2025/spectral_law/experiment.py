"""The spectral law of Wang & Pehlevan 2025 on a data set of your own.

The samples are scaled to a standard deviation of 0.5 per coordinate, the convention of EDM, and projected on their
leading principal components. Without a file the 8×8 handwritten digits that scikit-learn ships are used.
"""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.spectral_law_on_data.experiment import (
    PAPER,
    QUICK,
    TINY,
    ExperimentConfig,
    ImageData,
    compute_experiment,
)
from sims.data.built_in import digits
from sims.data.user_files import load_user_data

_STANDARD_DEVIATION = 0.5


@dataclass(frozen=True)
class Config(ExperimentConfig):
    """Sizes of the run and the user's file, if any."""

    data: str | None = None


PRESETS = {"quick": Config(**asdict(QUICK)), "paper": Config(**asdict(PAPER)), "tiny": Config(**asdict(TINY))}


def check(config: Config) -> None:
    """Read the user's file, so that bad data is refused before anything is computed. Raises ValueError."""
    _read(config)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Spectrum, closed forms, trained networks and, for images, samples."""
    return compute_experiment(config, _read(config), key=key, stage=stage)


def _read(config: Config) -> ImageData:
    if config.data is None:
        samples, shape = digits(), (8, 8)
    else:
        loaded = load_user_data(config.data)
        samples, shape = loaded.samples, loaded.image_shape
    scale = np.sqrt(np.mean((samples - samples.mean(axis=0)) ** 2))
    return ImageData(samples * (_STANDARD_DEVIATION / scale), shape)
