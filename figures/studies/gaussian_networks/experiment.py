"""MLP-UNets on Gaussian data with a log-normal spectrum: what the figures of these networks share.

Every model has data of its own, the same ones whatever the network's width, the optimiser and the spread of ln λ: the
spread multiplies the same normal numbers. Models of one width start from the same weights, up to their scale.
"""

from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage
from figures.studies.trained_networks.architectures import MLP
from figures.studies.trained_networks.closed_form import train_beside_closed_forms
from figures.studies.trained_networks.experiment import NetworkRun, TrainedRun, prefixed
from sims.data.built_in import gaussian_samples

_CLOSED_FORM_SHARE = 0.04


@dataclass(frozen=True)
class Case:
    """Networks of one width on data of one dimension."""

    dimension: int
    width: int
    segments: int = 1
    optimiser: Literal["adam", "sgd"] = "adam"
    log_spread: float = 1.0  # standard deviation of ln λ; λ has the mean one
    output_scale: float = 1.0  # of the output layer's initial weights


@dataclass(frozen=True)
class Config:
    """Sizes of the run; those of the authors where they have them."""

    cases: tuple[Case, ...]
    models: int = 8
    points: int = 10000
    layers: int = 5
    embedding: int = 256
    steps: int = 5000
    records: int = 60
    samples: int = 2048
    batch_size: int = 1024
    learning_rate: float = 1e-4  # of Adam
    sgd_rate: float = 3e-3  # on the loss summed over coordinates
    heun_steps: int = 20
    together: bool = False  # models of one case in one stage

    def network(self, case: Case) -> NetworkRun:
        """How the networks of a case are trained."""
        return NetworkRun(
            MLP(self.layers, case.width, self.embedding, case.output_scale),
            steps=self.steps,
            records=self.records,
            samples=self.samples,
            batch_size=self.batch_size,
            optimiser=case.optimiser,
            learning_rate=self.learning_rate if case.optimiser == "adam" else self.sgd_rate,
            heun_steps=self.heun_steps,
            segments=case.segments,
        )


def tiny(*cases: Case) -> Config:
    """What the tests run."""
    return Config(
        cases,
        models=2,
        points=400,
        layers=2,
        embedding=4,
        steps=300,
        records=6,
        samples=64,
        batch_size=32,
        learning_rate=1e-2,
        heun_steps=6,
        together=True,
    )


def train_cases(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and `closed_form`, for the first case under `case_0_` …; `dimension`, `width` (cases,)."""
    data_key, run_key = jax.random.split(key)
    runs = {_name(case): _runs(config, case, data_key, run_key) for case in config.cases}
    found = train_beside_closed_forms(
        runs, stage=stage, share=1.0, closed_form_share=_CLOSED_FORM_SHARE, together=config.together
    )
    arrays: Arrays = {
        "dimension": np.array([case.dimension for case in config.cases]),
        "width": np.array([case.width for case in config.cases]),
    }
    for index, of_case in enumerate(found.values()):
        arrays |= prefixed(f"case_{index}", of_case)
    return arrays


def _name(case: Case) -> str:
    by = ", by SGD" if case.optimiser == "sgd" else ""
    spread = "" if case.log_spread == 1 else f", ln λ spread by {case.log_spread:g}"
    start = "" if case.output_scale == 1 else f", output × {case.output_scale:g}"
    return f"{case.dimension} dimensions, width {case.width}{by}{spread}{start}"


def _runs(config: Config, case: Case, data_key: PRNGKeyArray, run_key: PRNGKeyArray) -> list[TrainedRun]:
    """Data by dimension and model, whatever the rest; what else is random by width too."""
    data_keys = jax.random.split(jax.random.fold_in(data_key, case.dimension), config.models)
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(run_key, case.dimension), case.width), config.models)
    return [
        TrainedRun(f"{_name(case)}, model {index}", config.network(case), _data(config.points, case, own), key)
        for index, (own, key) in enumerate(zip(data_keys, keys, strict=True))
    ]


def _data(count: int, case: Case, key: PRNGKeyArray) -> Float[np.ndarray, "points dimension"]:
    """Normal points, with a log-normal spectrum of mean one and a random rotation."""
    spectrum_key, point_key = jax.random.split(key)
    generator = numpy_generator(spectrum_key)
    variances = np.exp(case.log_spread * generator.normal(size=case.dimension))
    variances /= variances.mean()
    basis = np.linalg.qr(generator.normal(size=(case.dimension, case.dimension)))[0]
    mean = np.zeros(case.dimension)
    points = gaussian_samples(point_key, count=count, mean=mean, variances=variances, basis=basis)
    return points.astype(np.float32)
