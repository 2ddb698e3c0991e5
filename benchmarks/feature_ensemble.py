"""How many times faster than NumPy is the 15-panel ensemble of Vastola 2025, Figure 2: training and sampling?

Run `python -m benchmarks.feature_ensemble [--models N]`. Three values of ε and five of P, 10⁵ samples per model, 30
uniform Euler steps. One reference evaluates the denoiser exactly, as ours does; the other looks it up on a grid of 200
positions, as the published code does. The published figure has 100 models per panel; all three programs take one model
after the other, so the ratio does not depend on that number, and the default is small.
"""

import argparse
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.feature_model import FeatureModel
from sims.sampling.feature_models import sample_ensemble
from sims.sampling.schedules import uniform_schedule
from sims.training.feature_ensembles import train_ensemble
from theory.definitions.features import GaussianFeatures
from theory.definitions.processes import VariancePreserving
from theory.definitions.schedules import LinearSchedule

CUTOFFS = (1e-4, 1e-3, 1e-2)
COUNTS = (64, 128, 256, 512, 1024)
SAMPLES, STEPS, CENTRES, RIDGE = 100_000, 30, 16, 0.1
POINTS = np.array([-1.0, 0.0, 1.0])
BETA_MIN, BETA_SLOPE = 0.1, 19.9


def numpy_panels(models: int, *, on_grid: bool) -> list[np.ndarray]:
    """Gap-relevant output of the straightforward program: the samples of every model of every panel."""
    random = np.random.default_rng(0)
    evaluate = _lookup if on_grid else _exact
    return [
        np.stack([_numpy_model(random, cutoff, count, evaluate) for _ in range(models)])
        for cutoff in CUTOFFS
        for count in COUNTS
    ]


def _numpy_model(random: np.random.Generator, cutoff: float, count: int, evaluate) -> np.ndarray:
    """Train one model and sample it."""
    clean, time = random.choice(POINTS, count), random.uniform(cutoff, 1, count)
    alpha, sigma = _scales(time)
    noisy = alpha * clean + sigma * random.standard_normal(count)
    features = (_bumps(noisy, -1.5)[:, :, None] * _bumps(time, cutoff, 1.0)[:, None, :]).reshape(count, -1)
    weighted = features * (alpha**2 / sigma**2 / count)[:, None]
    weights = np.linalg.solve(weighted.T @ features + RIDGE * np.eye(CENTRES**2), weighted.T @ clean)
    return _numpy_sample(weights, cutoff, _scales(1.0)[1] * random.standard_normal(SAMPLES), evaluate)


def _numpy_sample(weights: np.ndarray, cutoff: float, x: np.ndarray, evaluate) -> np.ndarray:
    """30 Euler steps of one model from the positions x."""
    times = np.linspace(1, cutoff, STEPS + 1)
    coefficients = weights.reshape(CENTRES, CENTRES) @ _bumps(times, cutoff, 1.0).T
    for step, size in enumerate(np.diff(times)):
        alpha, sigma = _scales(times[step])
        beta = BETA_MIN + BETA_SLOPE * times[step]
        score = (alpha * evaluate(x, coefficients[:, step]) - x) / sigma**2
        x = x - size * beta * (x + score)
    return x


def _scales(time):
    alpha = np.exp(-(BETA_MIN * time + BETA_SLOPE * time**2 / 2))
    return alpha, np.sqrt(1 - alpha**2)


def _bumps(x: np.ndarray, low: float, high: float = 1.5) -> np.ndarray:
    width = (high - low) / (CENTRES - 1) / 2
    centres = np.linspace(low, high, CENTRES)
    return np.exp(-(((x[:, None] - centres) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))


def _exact(x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    return _bumps(x, -1.5) @ coefficients


def _lookup(x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    grid = np.linspace(-1.5, 1.5, 200)
    return (_bumps(grid, -1.5) @ coefficients)[np.clip(np.searchsorted(grid, x), None, 199)]


def _our_model(cutoff: float, count: int, models: int, key: jax.Array) -> tuple[FeatureModel, jax.Array, jax.Array]:
    """Trained models of one panel, the positions they start from and the samples they end with."""
    process = VariancePreserving(LinearSchedule(BETA_MIN, BETA_MIN + BETA_SLOPE), end_time=cutoff)
    features = GaussianFeatures(1, CENTRES, CENTRES, positions=(-1.5, 1.5), times=(cutoff, 1.0))
    train_key, sample_key = jax.random.split(key)
    trained = train_ensemble(
        features, jnp.asarray(POINTS)[:, None], process, models=models, samples=count, ridge=RIDGE, key=train_key
    )
    initial = process.noise_scale(jnp.asarray(1.0)) * jax.random.normal(sample_key, (SAMPLES, 1))
    times = uniform_schedule(process, STEPS)
    return trained, initial, sample_ensemble(trained, process, initial, times, method="euler")


def our_panels(models: int) -> list[jax.Array]:
    """The same with this package."""
    panels = [(cutoff, count) for cutoff in CUTOFFS for count in COUNTS]
    keys = jax.random.split(jax.random.key(0), len(panels))
    return [_our_model(*panel, models, key)[2] for panel, key in zip(panels, keys, strict=True)]


def check() -> None:
    """The exact NumPy program carries our trained model's starting positions to our samples."""
    cutoff = CUTOFFS[-1]
    trained, initial, ours = _our_model(cutoff, COUNTS[0], 1, jax.random.key(1))
    reference = _numpy_sample(np.asarray(trained.weight[0, 0]), cutoff, np.asarray(initial[:, 0]), _exact)
    np.testing.assert_allclose(ours[0, :, 0], reference, rtol=1e-6, atol=1e-6)


def main(models: int = 1) -> list[Comparison]:
    with jax.enable_x64(True):
        check()
        return [
            compare(
                f"Fig. 2 ensemble, 15 × {models} models",
                f"NumPy, {words}",
                partial(numpy_panels, models, on_grid=on_grid),
                partial(our_panels, models),
                repetitions=1,
            )
            for words, on_grid in (("exact evaluation", False), ("grid lookup as published", True))
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1, help="models per panel")
    arguments = parser.parse_args()
    print(HEADER, *(comparison.row() for comparison in main(arguments.models)), sep="\n")
