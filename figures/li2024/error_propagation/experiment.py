"""What is left at the end of an error that is added on a sampler's way, and what errors of the gains do together.

One linear denoiser per noise level, trained by full-batch gradient descent from zero: on Gaussian data with EDM's and
with a variance-preserving process, and on patches of photographs. Their samplers are products of matrices, so that what
is left of an added error, and what is generated, follow from the trained maps without sampling.
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
from sims.sampling.schedules import log_snr_schedule
from sims.training.pairs import SecondMoments, pairs_of
from sims.training.training_sets import gaussian_training_sets, training_sets_from_samples
from theory.definitions.objectives import Objective
from theory.definitions.processes import EDM, AbstractProcess, VariancePreserving
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget
from theory.sampling_questions.error_propagation import log_step_factors, log_variance_of_errors, transmission
from theory.spectral_law.parametrisations.one_layer import OneLayer

PROCESSES: dict[str, AbstractProcess] = {"edm": EDM(), "vp": VariancePreserving()}


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    variances: tuple[float, float, int] = (10.0, 0.1, 7)  # of the Gaussian: first, last, number
    training_samples: int = 8192  # few, so that gains have errors
    modes: int = 12  # of the photographs
    patches: int = 8192
    patch_size: int = 8
    first_time: float = 1e-2
    last_time: float = 200.0
    snapshots: int = 14
    noise_levels: int = 60
    networks: int = 8
    smallest_steps: int = 1000  # of gradient descent between two snapshots


PRESETS = {
    "quick": Config(),
    "paper": Config(
        variances=(10.0, 0.1, 13), modes=40, patches=32768, snapshots=40, noise_levels=160, networks=16, last_time=400.0
    ),
    "tiny": Config(
        variances=(10.0, 1.0, 2),
        training_samples=512,
        modes=2,
        patches=128,
        patch_size=3,
        snapshots=4,
        noise_levels=8,
        networks=2,
        smallest_steps=20,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of three settings, names ending in "edm", "vp" (Gaussian data) and "photographs" (EDM).

    `variance` λ (networks or 1, modes), `ratio` σ/α of the noise levels (levels,), `times` (snapshots,). `left_trained`
    and `left_theory`, what is left of an error that is added at a level, (networks or 1, snapshots, levels, modes), by
    the steps of the sampler; `left_exact` (1, snapshots, levels, modes) without steps, of the Gaussian. At the last
    time `shift_measured`, ln of the generated variance over that without errors of the gains, and `shift_predicted`
    from the errors, (networks, modes). Photographs are held against the variances of patches that were not trained on.
    """
    gaussian_key, photograph_key = jax.random.split(key)
    stages = [
        Stage(f"Gaussian data, {name}", partial(_on_gaussian, config, name, own), 0.35)
        for name, own in zip(PROCESSES, jax.random.split(gaussian_key, len(PROCESSES)), strict=True)
    ]
    for number, own in enumerate(jax.random.split(photograph_key, config.networks), start=1):
        name = f"photographs, network {number} of {config.networks}"
        stages.append(Stage(name, partial(_on_photographs, config, own), 0.3 / config.networks))
    results = stage.all(stages)
    arrays: Arrays = {"times": _times(config)}
    for name, found in zip(PROCESSES, results, strict=False):
        arrays |= {f"{kind}_{name}": value for kind, value in found.items()}
    photographs = results[len(PROCESSES) :]
    arrays |= {f"{kind}_photographs": np.stack([each[kind] for each in photographs]) for kind in photographs[0]}
    return arrays


def _times(config: Config) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _levels(config: Config, process: AbstractProcess) -> jax.Array:
    return log_snr_schedule(process, config.noise_levels - 1)


def _on_gaussian(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    spectrum, process = Spectrum.from_variances(np.geomspace(*config.variances)), PROCESSES[name]
    levels = _levels(config, process)
    pairs = pairs_of(Objective(DenoiserTarget()), process, levels)
    sets = gaussian_training_sets(spectrum, pairs, seeds=config.networks, samples=config.training_samples, key=key)
    maps = _trained(config, process, float(spectrum.variance[0]), sets)
    denoiser = _denoiser(spectrum.variance, process)
    exact = [np.asarray(transmission(denoiser, _times(config), level)) for level in levels]
    shifts = [_shifts(config, denoiser, each) for each in maps]
    return {
        "variance": np.asarray(spectrum.variance)[None],
        "ratio": _ratio(process, levels),
        "left_trained": np.stack([_left(process, levels, each) for each in maps]),
        "left_theory": _left_in_theory(config, denoiser)[None],
        "left_exact": np.stack(exact, axis=1)[None],
        "shift_measured": np.stack([measured for measured, _ in shifts]),
        "shift_predicted": np.stack([predicted for _, predicted in shifts]),
    }


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    """One network."""
    process, (seen_key, unseen_key, noise_key) = PROCESSES["edm"], jax.random.split(key, 3)
    clean, others, variance = patches_in_modes(
        seen_key, unseen_key, count=config.patches, size=config.patch_size, modes=config.modes
    )
    levels = _levels(config, process)
    pairs = pairs_of(Objective(DenoiserTarget()), process, levels)
    sets = training_sets_from_samples(clean.astype(jnp.float32), pairs, seeds=1, noise_repeats=8, key=noise_key)
    (maps,) = _trained(config, process, float(variance[0]), sets)
    measured, predicted = _shifts(config, _denoiser(jnp.mean(others**2, axis=0), process), maps)
    return {
        "variance": np.asarray(variance),
        "left_trained": _left(process, levels, maps),
        "left_theory": _left_in_theory(config, _denoiser(variance, process)),
        "shift_measured": measured,
        "shift_predicted": predicted,
    }


def _denoiser(variance: jax.Array, process: AbstractProcess) -> OneLayer:
    return OneLayer(Spectrum(jnp.zeros_like(variance), variance), process, 0.0, 1.0)


def _ratio(process: AbstractProcess, levels: jax.Array) -> np.ndarray:
    return np.asarray(jnp.exp(-process.log_snr(levels) / 2))


def _trained(config: Config, process: AbstractProcess, largest: float, sets: SecondMoments) -> np.ndarray:
    """Maps (networks, levels, snapshots, modes, modes) of the denoised data on x."""
    curvature = curvature_of_levels(process, _levels(config, process), largest)
    return descend_every_level(sets, curvature, _times(config), smallest_steps=config.smallest_steps)


def _steps(process: AbstractProcess, levels: jax.Array, maps: np.ndarray) -> np.ndarray:
    """What every step multiplies x/α by, 1 - h (1 - αW): (steps, snapshots, modes, modes)."""
    ratio, alpha = _ratio(process, levels), np.asarray(process.signal_scale(levels))
    shrink = (1 - ratio[1:] / ratio[:-1])[:, None, None, None]
    identity = np.eye(maps.shape[-1])
    return identity - shrink * (identity - alpha[:-1, None, None, None] * maps[:-1])


def _left(process: AbstractProcess, levels: jax.Array, maps: np.ndarray) -> np.ndarray:
    """Diagonal of the product of all steps from a level on, in x: (snapshots, levels, modes); 1 at the last level."""
    alpha, product = np.asarray(process.signal_scale(levels)), np.eye(maps.shape[-1])
    products = [np.broadcast_to(product, maps.shape[1:])]
    for step in _steps(process, levels, maps)[::-1]:
        products.append(products[-1] @ step)
    diagonals = np.diagonal(np.stack(products[::-1]), axis1=-2, axis2=-1)
    return np.swapaxes(diagonals * (alpha[-1] / alpha)[:, None, None], 0, 1)


def _left_in_theory(config: Config, denoiser: OneLayer) -> np.ndarray:
    levels = _levels(config, denoiser.process)
    alpha = np.asarray(denoiser.process.signal_scale(levels))
    factors = np.asarray(log_step_factors(denoiser, _times(config), levels))
    after = np.concatenate([np.cumsum(factors[::-1], axis=0)[::-1], np.zeros_like(factors[:1])])
    return np.swapaxes(np.exp(after) * (alpha[-1] / alpha)[:, None, None], 0, 1)


def _shifts(config: Config, denoiser: OneLayer, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At the last time: ln of the generated variance over theory's, measured, and predicted from errors of gains."""
    process, tau = denoiser.process, config.last_time
    levels, product = _levels(config, process), np.eye(maps.shape[-1])
    for step in _steps(process, levels, maps[:, -1:])[:, 0]:
        product = step @ product
    expected = 2 * np.asarray(log_step_factors(denoiser, tau, levels)).sum(axis=0)
    alpha = np.asarray(process.signal_scale(levels))[:, None]
    gains = np.diagonal(maps[:, -1], axis1=-2, axis2=-1)
    errors = alpha * (gains - np.asarray(jax.vmap(lambda level: denoiser.gain(jnp.asarray(tau), level))(levels)))
    predicted = log_variance_of_errors(denoiser, tau, levels, jnp.asarray(errors[:-1]))
    return np.log(np.sum(product**2, axis=1)) - expected, np.asarray(predicted).sum(axis=0)
