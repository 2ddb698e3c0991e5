"""The spectral law of Wang & Pehlevan 2025 on a data set of your own.

The samples are scaled to a standard deviation of 0.5 per coordinate, the convention of EDM, and projected on their
leading principal components. Without a file the 8×8 handwritten digits that scikit-learn ships are used.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.spectral_law_on_data.experiment import (
    PAPER,
    QUICK,
    TINY,
    DataInModes,
    ExperimentConfig,
    ImagesInModes,
    compute_experiment,
    data_in_modes,
    diverges,
    expected_seconds,
    shown_places,
)
from sims.data.built_in import digits
from sims.data.principal_components import principal_components
from sims.data.user_files import Told, digest_of, load_user_data, tell_nobody

STANDARD_DEVIATION = 0.5


@dataclass(frozen=True)
class Config(ExperimentConfig):
    """Sizes of the run, and the user's data, if any: the file or folder, and how it is to be read."""

    data: str | None = None
    data_key: str | None = None
    data_layout: str | None = None


PRESETS = {"quick": Config(**asdict(QUICK)), "paper": Config(**asdict(PAPER)), "tiny": Config(**asdict(TINY))}


def check(config: Config, told: Told = tell_nobody) -> str:
    """SHA-256 of the user's data, which `config` names. Bad data is refused as far as one can tell without reading all.

    Raises ValueError.
    """
    assert config.data is not None
    options = {"key": config.data_key, "layout": config.data_layout}
    load_user_data(config.data, **options, told=told)
    return digest_of(config.data, **options, told=told)


def prepare(config: Config, told: Told = tell_nobody) -> float:
    """Read the user's data, so that what is wrong with its numbers is said before any network is trained.

    Returns the seconds that the rest is expected to take, on two cores. Raises ValueError.
    """
    data, _ = _users_data(config, told)
    return expected_seconds(config, data)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Spectrum, closed forms, trained networks and, for images, samples.

    Of a user's data also `data_unit`, by which samples are divided, and `variance_of_rest` beyond the modes.
    """
    if config.data is not None:
        data, about = _users_data(config, tell_nobody)
        return compute_experiment(config, data, key=key, stage=stage) | about
    samples = digits()
    scale = np.sqrt(np.mean((samples - samples.mean(axis=0)) ** 2))
    data = data_in_modes(samples * (STANDARD_DEVIATION / scale), config.modes, (8, 8))
    return compute_experiment(config, data, key=key, stage=stage)


# What was read last, by what it was read from: `prepare` and every seed's `compute` ask for the same.
_read: dict[tuple, tuple[DataInModes, Arrays]] = {}


def _users_data(config: Config, told: Told) -> tuple[DataInModes, Arrays]:
    assert config.data is not None
    known = config.data, config.data_key, config.data_layout, config.modes, Path(config.data).stat().st_mtime_ns
    if known not in _read:
        _read.clear()
        _read[known] = _read_users_data(config, told)
    return _read[known]


def _read_users_data(config: Config, told: Told) -> tuple[DataInModes, Arrays]:
    assert config.data is not None
    data = load_user_data(config.data, key=config.data_key, layout=config.data_layout, told=told)
    found = principal_components(
        data,
        config.modes,
        standard_deviation=STANDARD_DEVIATION,
        examples=shown_places(data.count, data.dimension).tolist() if data.image_shape else (),
        told=told,
    )
    rest = max(found.total_variance - float(found.variance.sum()), 0.0)
    about = {"data_unit": np.asarray(found.unit), "variance_of_rest": np.asarray(rest)}
    shape = data.image_shape
    images = None if shape is None else ImagesInModes(found.mean, found.basis, shape, found.examples)
    in_modes = DataInModes(data.dimension, found.variance, found.coordinates, images)
    if diverges(config, in_modes):
        shares = np.sum(np.square(found.coordinates, dtype=np.float64), axis=1) / (data.count * found.total_variance)
        raise ValueError(
            f"{config.data} has outliers, on which training by minibatches diverges; sample {int(np.argmax(shares))} "
            f"(counting from 0) alone has {shares.max():.0%} of the variance; expected data without them"
        )
    return in_modes, about
