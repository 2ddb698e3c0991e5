"""How straight the flows of networks in training are, and what they generate in few of Euler's steps.

One matrix per time t learns the velocity of flow matching by full-batch gradient descent from zero, on Gaussian data
and on patches of photographs. Paths and samples follow from the matrices without sampling: by Heun's method through all
times, and by Euler's through some. At the end of training a second flow learns the pairs that the first one makes.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.photograph_modes import patches_in_modes
from sims.experiments.linear import curvature_of_levels, descend_every_level
from sims.sampling.schedules import uniform_schedule
from sims.training.pairs import PairCoefficients, SecondMoments, moments_of_pairs, pair_statistics, pairs_of
from sims.training.training_sets import gaussian_training_sets, training_sets_from_samples
from theory.definitions.objectives import Objective
from theory.definitions.processes import FlowMatching
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import FlowTarget
from theory.sampling_questions.straightness import euler_variance, straightness
from theory.spectral_law.parametrisations.one_layer import OneLayer

PROCESS = FlowMatching()
NOISE_REPEATS = 16


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times of training are ητ with η = 1."""

    variances: tuple[float, float, int] = (10.0, 0.1, 7)  # of the Gaussian: first, last, number
    training_samples: int = 131072  # of each network on Gaussian data, and of each second flow
    modes: int = 7  # of the photographs
    patches: int = 16384
    patch_size: int = 8
    first_time: float = 1e-2
    last_time: float = 100.0
    snapshots: int = 20
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)  # of Euler, divisors of the last, one network for each
    networks: int = 8
    smallest_steps: int = 500  # of gradient descent between two snapshots


PRESETS = {
    "quick": Config(),
    "paper": Config(
        variances=(10.0, 0.1, 13),
        training_samples=1048576,
        modes=24,
        patches=65536,
        snapshots=40,
        steps=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        networks=16,
        smallest_steps=1000,
    ),
    "tiny": Config(
        variances=(10.0, 0.1, 3),
        training_samples=1024,
        modes=3,
        patches=256,
        patch_size=3,
        snapshots=4,
        steps=(1, 4, 8),
        networks=2,
        smallest_steps=20,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of both data sets, names ending in "gaussian" and "photographs".

    `times` (snapshots,), `steps` (counts,). `variance` λ (networks or 1, modes); `straight_trained`, `straight_theory`
    S and `fine_trained` λ̃ by Heun's method (networks or 1, snapshots, modes); `euler_trained`, `euler_theory` λ̃ by
    Euler's (networks or 1, snapshots, counts, modes). At the end of training `cost` (networks, 2), E|Z_1 - Z_0|² of the
    first flow and of the Monge map between the same ends, and of the second flow `second_straight` and `second_step`, λ̃
    by one step, (networks, modes). Theory of photographs has the variances of patches that were not trained on.
    """
    gaussian_key, photograph_key = jax.random.split(key)
    stages = [Stage("Gaussian data", partial(_on_gaussian, config, gaussian_key), 0.5)]
    for number, own in enumerate(jax.random.split(photograph_key, config.networks), start=1):
        name = f"photographs, network {number} of {config.networks}"
        stages.append(Stage(name, partial(_on_photographs, config, own), 0.5 / config.networks))
    gaussian, *photographs = stage.all(stages)
    arrays = {f"{name}_gaussian": value for name, value in gaussian.items()}
    arrays |= {f"{name}_photographs": np.stack([each[name] for each in photographs]) for name in photographs[0]}
    return arrays | {"times": _times(config), "steps": np.asarray(config.steps)}


def _times(config: Config) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _places(config: Config) -> jax.Array:
    """The times t of the process at which there are networks."""
    return uniform_schedule(PROCESS, config.steps[-1])


def _pairs(config: Config) -> PairCoefficients:
    return pairs_of(Objective(FlowTarget()), PROCESS, _places(config))


def _on_gaussian(config: Config, key: PRNGKeyArray) -> Arrays:
    first_key, second_key = jax.random.split(key)
    spectrum = Spectrum.from_variances(np.geomspace(*config.variances))
    sets = gaussian_training_sets(
        spectrum, _pairs(config), seeds=config.networks, samples=config.training_samples, key=first_key
    )
    theory = {kind: value[None] for kind, value in _theory(config, spectrum.variance).items()}
    return theory | _trained(config, float(spectrum.variance[0]), sets, second_key)


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    """One network."""
    seen_key, unseen_key, noise_key, second_key = jax.random.split(key, 4)
    clean, others, variance = patches_in_modes(
        seen_key, unseen_key, count=config.patches, size=config.patch_size, modes=config.modes
    )
    sets = training_sets_from_samples(
        clean.astype(jnp.float32), _pairs(config), seeds=1, noise_repeats=NOISE_REPEATS, key=noise_key
    )
    trained = _trained(config, float(variance[0]), sets, second_key)
    return {kind: value[0] for kind, value in trained.items()} | _theory(config, jnp.mean(others**2, axis=0))


def _theory(config: Config, variance: jax.Array) -> Arrays:
    denoiser, times = OneLayer(Spectrum(jnp.zeros_like(variance), variance), PROCESS, 0.0, 1.0), _times(config)
    few = [euler_variance(denoiser, times, jnp.linspace(0.0, 1.0, count + 1)) for count in config.steps]
    return {
        "variance": np.asarray(variance),
        "straight_theory": np.asarray(straightness(denoiser, times)),
        "euler_theory": np.stack([np.asarray(each) for each in few], axis=1),
    }


def _trained(config: Config, largest: float, sets: SecondMoments, key: PRNGKeyArray) -> Arrays:
    curvature = curvature_of_levels(PROCESS, _places(config), largest)
    maps = descend_every_level(sets, curvature, _times(config), smallest_steps=config.smallest_steps)
    velocities = np.moveaxis(maps, 1, 0)  # (places, networks, snapshots, modes, modes)
    straight, ends = _path(velocities)
    few = [_by_euler(velocities, count) for count in config.steps]
    second = _second(config, ends[:, -1], key)
    return {
        "straight_trained": straight,
        "fine_trained": _variance(ends),
        "euler_trained": np.stack([_variance(each) for each in few], axis=2),
        "cost": _costs(ends[:, -1]),
        "second_straight": _path(second)[0],
        "second_step": _variance(_by_euler(second, 1)),
    }


def _second(config: Config, ends: np.ndarray, key: PRNGKeyArray) -> np.ndarray:
    """Maps (places, networks, modes, modes) that have learned the pairs (z, A z) of fresh noise z, one A a network."""
    moments = [
        _moments_of_coupling(config, jnp.asarray(end), own)
        for end, own in zip(ends, jax.random.split(key, len(ends)), strict=True)
    ]
    sets = jax.tree.map(lambda *each: jnp.stack(each), *moments)
    largest = float(np.linalg.norm(ends, ord=2, axis=(1, 2)).max()) ** 2
    curvature = curvature_of_levels(PROCESS, _places(config), largest)
    # Noise and data of a pair have one direction here: x has up to the square of the sum of both scales.
    maps = descend_every_level(sets, 2 * curvature, _times(config)[-1:], smallest_steps=config.smallest_steps)
    return np.moveaxis(maps[:, :, -1], 1, 0)


def _moments_of_coupling(config: Config, end: jax.Array, key: PRNGKeyArray) -> SecondMoments:
    noise = jax.random.normal(key, (config.training_samples, len(end)), end.dtype)
    return moments_of_pairs(pair_statistics(noise @ end.T, noise), _pairs(config))


def _path(velocities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Straightness per mode, and the map from noise to data, of flows by Heun's method through all places.

    `velocities` are (places, ..., modes, modes), at an odd number of equal steps' ends, for Simpson's rule.
    """
    identity, step = np.eye(velocities.shape[-1]), 1 / (len(velocities) - 1)
    here, speeds = np.broadcast_to(identity, velocities[0].shape), []
    for now, after in zip(velocities[:-1], velocities[1:], strict=True):
        speeds.append(now @ here)
        here = here + step / 2 * (speeds[-1] + after @ (here + step * speeds[-1]))
    speeds.append(velocities[-1] @ here)
    weights = np.full(len(velocities), 2.0)
    weights[1::2], weights[[0, -1]] = 4.0, 1.0
    squares = np.stack([np.sum((here - identity - speed) ** 2, axis=-1) for speed in speeds])
    return np.tensordot(weights * step / 3, squares, 1), here


def _by_euler(velocities: np.ndarray, count: int) -> np.ndarray:
    """The map from noise to data by so many equal steps."""
    stride = (len(velocities) - 1) // count
    here = np.broadcast_to(np.eye(velocities.shape[-1]), velocities[0].shape)
    for now in velocities[:-1:stride]:
        here = here + now @ here / count
    return here


def _variance(ends: np.ndarray) -> np.ndarray:
    return np.sum(ends**2, axis=-1)


def _costs(ends: np.ndarray) -> np.ndarray:
    """E|Az - z|², and the least for ends of the same laws, Σ(s - 1)² over singular values: (networks, 2)."""
    singular = np.linalg.svd(ends, compute_uv=False)
    own = np.sum((ends - np.eye(ends.shape[-1])) ** 2, axis=(1, 2))
    return np.stack([own, np.sum((singular - 1) ** 2, axis=-1)], axis=1)
