"""The misprints of both papers: what is printed, what is correct, and what an experiment measures.

Printed and corrected forms come from the derivations (`python -m theory.derivations`), evaluated at a point where they
part; the measured values from trained networks, samplers and Monte Carlo that know neither form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.experiments import misprints as experiments
from theory.derivations.table import get


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    repetitions: int = 16
    samples: int = 65536  # training samples, or paths, of each repetition
    models: int = 8192  # fitted models of each repetition


PRESETS = {
    "quick": Config(),
    "paper": Config(repetitions=64, samples=262144, models=32768),
    "tiny": Config(repetitions=2, samples=256, models=64),
}

# derivation: where, what is wrong, how it is measured
ROWS: dict[str, tuple[str, str, str]] = {
    "bias_gradient": ("W&P App. C.1.1, Eq. 13", "bias counted twice in the flow of W", "gradient of the loss"),
    "sampling_propagator": ("W&P Lemma 4.1", "sign of the exponent of A", "sampler with fitted networks"),
    "full_width_convolution": ("W&P Prop. 5.3", "γ(τ) for γ(0) in the bracket", "trained convolution"),
    "forward_variance": ("Vastola Sec. 2", "powers of α in the forward variance", "Euler-Maruyama"),
    "coloured_noise_mean": ("Vastola Prop. 3.1", "mean of coloured noise is not zero", "paths with one draw each"),
    "finite_feature_variance": ("Vastola Eq. 13", "F/P taken as small", "least squares, P = 4"),
    "complete_basis_kernel": ("Vastola Eq. 17", "density of inputs left out", "least squares, rare cell"),
    "design_variance": ("Vastola Eq. 16", "variance of the design left out", "trained denoisers"),
    "semiclassical": ("Vastola Eq. 18", "fluctuations counted twice", "naive sampler"),
}


def _experiments(config: Config) -> dict[str, Callable[..., np.ndarray]]:
    """At the points of the derivations."""
    repetitions, samples, models = config.repetitions, config.samples, config.models
    return {
        "bias_gradient": partial(
            experiments.pull_on_the_weights, np.array([1.0, 0.0]), samples=samples, repetitions=repetitions
        ),
        "sampling_propagator": partial(
            experiments.contraction_of_sampling, 80.0, 0.002, levels=200, samples=samples, repetitions=repetitions
        ),
        "full_width_convolution": partial(
            experiments.trained_full_width_gain, 8, 0.01, steps=200, samples=samples, repetitions=repetitions
        ),
        "forward_variance": partial(
            experiments.noising_variance, (0.2, 3.0), 0.8, steps=800, paths=samples // 16, repetitions=repetitions
        ),
        "coloured_noise_mean": partial(
            experiments.mean_under_coloured_noise, 1.0, 2.0, steps=200, paths=samples, repetitions=repetitions
        ),
        "finite_feature_variance": partial(
            experiments.weight_variance_of_least_squares, 4, models=16 * models, repetitions=repetitions
        ),
        "complete_basis_kernel": partial(
            experiments.variance_in_first_cell, (0.05, 0.45, 0.5), 100, models=models, repetitions=repetitions
        ),
        "design_variance": partial(
            experiments.weight_variance_during_training,
            1.0,
            0.5,
            0.1,
            pairs=256,
            steps=100,
            models=models // 4,
            repetitions=repetitions,
        ),
        "semiclassical": partial(
            experiments.density_of_the_naive_sampler,
            1e-3,
            10.0,
            0.01,
            steps=400,
            paths=samples // 16,
            repetitions=repetitions,
        ),
    }


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Printed and corrected values, (rows,), and repetitions of the measured one, (rows, repetitions)."""
    keys = jax.random.split(key, len(ROWS))
    experiments_of = _experiments(config)
    stages = [
        Stage(ROWS[name][2], partial(_repeat, experiments_of[name], run_key), 1 / len(ROWS))
        for name, run_key in zip(ROWS, keys, strict=True)
    ]
    measured = [run["measured"] for run in stage.all(stages)]
    values = []
    for name in ROWS:
        misprint = get(name).misprint
        assert misprint is not None
        values.append(misprint.values()[:2])
    printed, corrected = np.asarray(values).T
    return {"printed": printed, "corrected": corrected, "measured": np.stack(measured)}


def _repeat(experiment: Callable[..., np.ndarray], key: PRNGKeyArray) -> Arrays:
    return {"measured": experiment(key=key)}
