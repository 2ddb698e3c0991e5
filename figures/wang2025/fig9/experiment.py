"""Figures 9 and 10 of Wang & Pehlevan 2025: MLP-UNets on Gaussian data, here of several widths.

Stored fits of the authors have the exponents .76 (rising) and 1.64 (falling) in 128 dimensions and 1.08 twice in 256,
with the same width of 256. What differs may be the width over the dimension, the gray zone of modes that a fit leaves
out, which is one for all modes there, or the first record, which is after step 1 there. All are told apart: every model
of a dimension has the same data at every width, and all records are kept.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage
from figures.studies.trained_networks.architectures import MLP
from figures.studies.trained_networks.closed_form import with_closed_forms
from figures.studies.trained_networks.experiment import (
    NetworkRun,
    TrainedRun,
    measure_modes,
    prefixed,
    stacked,
    train,
)
from sims.data.built_in import gaussian_samples


@dataclass(frozen=True)
class Case:
    """Networks of one width on data of one dimension."""

    dimension: int
    width: int
    segments: int = 1


@dataclass(frozen=True)
class Config:
    """Sizes of the run; those of the authors where they have them."""

    cases: tuple[Case, ...]
    models: int = 8
    points: int = 10000
    log_spread: float = 1.0  # standard deviation of ln λ; λ has the mean one
    layers: int = 5
    embedding: int = 256
    steps: int = 5000
    records: int = 60
    samples: int = 2048
    batch_size: int = 1024
    learning_rate: float = 1e-4
    heun_steps: int = 20
    together: bool = False  # models of one case in one stage

    def network(self, case: Case) -> NetworkRun:
        """How the networks of a case are trained."""
        return NetworkRun(
            MLP(self.layers, case.width, self.embedding),
            steps=self.steps,
            records=self.records,
            samples=self.samples,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            heun_steps=self.heun_steps,
            segments=case.segments,
        )


PRESETS = {
    "quick": Config(
        cases=(Case(32, 32), Case(32, 64), Case(32, 128)),
        models=3,
        embedding=64,
        steps=1600,
        records=18,
        samples=512,
        batch_size=128,
        learning_rate=1e-3,
        together=True,
    ),
    "paper": Config(cases=(Case(128, 128, 4), Case(128, 256, 6), Case(128, 512, 16), Case(256, 256, 6))),
    "tiny": Config(
        cases=(Case(6, 6), Case(6, 24)),
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
    ),
}
_CLOSED_FORM_SHARE = 0.04


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `stacked` and `closed_form`, for the first case under `case_0_` …; `dimension`, `width` (cases,)."""
    data_key, run_key = jax.random.split(key)
    runs = [_runs(config, case, data_key, run_key) for case in config.cases]
    every = [run for of_case in runs for run in of_case]
    results = train(every, measure_modes, stage=stage, share=1 - _CLOSED_FORM_SHARE, together=config.together)
    names = [_name(case) for case in config.cases]
    found = {
        name: stacked(of_case, [results.pop(0) for _ in of_case]) for name, of_case in zip(names, runs, strict=True)
    }
    networks = {name: config.network(case) for name, case in zip(names, config.cases, strict=True)}
    both = with_closed_forms(found, networks, stage=stage, share=_CLOSED_FORM_SHARE)
    arrays: Arrays = {
        "dimension": np.array([case.dimension for case in config.cases]),
        "width": np.array([case.width for case in config.cases]),
    }
    for index, of_case in enumerate(both.values()):
        arrays |= prefixed(f"case_{index}", of_case)
    return arrays


def _name(case: Case) -> str:
    return f"{case.dimension} dimensions, width {case.width}"


def _runs(config: Config, case: Case, data_key: PRNGKeyArray, run_key: PRNGKeyArray) -> list[TrainedRun]:
    """Data by dimension and model, whatever the width; everything else is drawn for each network."""
    data_keys = jax.random.split(jax.random.fold_in(data_key, case.dimension), config.models)
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(run_key, case.dimension), case.width), config.models)
    return [
        TrainedRun(f"{_name(case)}, model {index}", config.network(case), _data(config, case.dimension, own), key)
        for index, (own, key) in enumerate(zip(data_keys, keys, strict=True))
    ]


def _data(config: Config, dimension: int, key: PRNGKeyArray) -> Float[np.ndarray, "points dimension"]:
    """Normal points, with a log-normal spectrum of mean one and a random rotation."""
    spectrum_key, point_key = jax.random.split(key)
    generator = numpy_generator(spectrum_key)
    variances = np.exp(config.log_spread * generator.normal(size=dimension))
    variances /= variances.mean()
    basis = np.linalg.qr(generator.normal(size=(dimension, dimension)))[0]
    mean = np.zeros(dimension)
    points = gaussian_samples(point_key, count=config.points, mean=mean, variances=variances, basis=basis)
    return points.astype(np.float32)
