"""How large the first noise level should be: of few steps, of networks in training, of networks that saw few samples.

One linear denoiser per noise level, trained by full-batch gradient descent at the levels of each sampler, on Gaussian
data and on patches of photographs. Their samplers are products of matrices, so that what is generated, and what it
costs to begin at N(0, σ_T²), follow from the trained maps without sampling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.integrate import cumulative_trapezoid

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import natural_image_patches
from sims.data.photograph_modes import patches_in_modes
from sims.experiments.linear import curvature_of_levels, descend_every_level
from sims.sampling.linear_ddim import ddim_map
from sims.training.pairs import SecondMoments
from sims.training.training_sets import gaussian_training_sets, training_sets_from_samples
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.sampling_questions.diffusion_time import path_nats_of_start, start_of_least_nats, start_sensitivity
from theory.sampling_questions.schedules import log_ddim_variance
from theory.sampling_questions.tangent_schedules import tangent_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer

PROCESS, INITIAL_GAIN = EDM(), 0.1
Sets = Callable[[jax.Array], SecondMoments]


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1, noise levels in units of √λ of the middle mode."""

    variances: tuple[float, float, int] = (10.0, 0.1, 7)  # of the Gaussian: first, last, number
    training_samples: int = 262144
    modes: int = 12  # of the photographs
    patches: int = 16384
    noise_repeats: int = 8
    patch_size: int = 8
    steps: tuple[int, ...] = (5, 10, 20)
    starts: tuple[float, float, int] = (0.5, 200.0, 17)  # σ_T: first, last, number
    times: int = 4
    fine_levels: tuple[float, float, int] = (100.0, 0.01, 300)
    slopes_every: int = 15  # of the fine levels
    networks: int = 8
    few_samples: tuple[int, int] = (512, 8192)
    few_networks: int = 32
    population: int = 65536  # patches that stand for all
    nats_levels: tuple[float, float, int] = (0.01, 2000.0, 73)
    smallest_steps: int = 1000  # of gradient descent between two times: it is the flow to 1e-3 of τ


PRESETS = {
    "quick": Config(),
    "paper": Config(
        variances=(10.0, 0.1, 13),
        training_samples=1048576,
        modes=32,
        patches=65536,
        starts=(0.5, 200.0, 33),
        times=7,
        fine_levels=(100.0, 0.01, 600),
        slopes_every=30,
        networks=16,
        few_networks=128,
        population=262144,
    ),
    "tiny": Config(
        variances=(10.0, 0.1, 3),
        training_samples=512,
        modes=3,
        patches=128,
        noise_repeats=2,
        patch_size=3,
        steps=(3,),
        starts=(0.5, 50.0, 5),
        times=2,
        fine_levels=(10.0, 0.1, 12),
        slopes_every=3,
        networks=2,
        few_samples=(32, 128),
        few_networks=2,
        population=1024,
        nats_levels=(0.1, 200.0, 12),
        smallest_steps=20,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of both data sets, names ending in "gaussian" and "photographs".

    `variance` λ (networks or 1, modes), `times` (networks or 1, times), `starts` σ_T (networks or 1, starts), and of N
    steps `log_trained_N` and `log_theory_N`, ln λ̃ (networks or 1, times, starts, modes); `divergence_trained_N` and
    `divergence_theory_N`, KL to the data, of photographs to held-back patches, (networks or 1, times, starts);
    `log_matched_N`, ln λ̃ of trained networks from N(0, Σ + σ_T²) at the last time, (networks, starts, modes).
    `slope_levels`, `slope_trained` and `slope_theory`, ∂ ln λ̃/∂ ln σ_T in fine steps, (networks or 1, times, levels,
    modes).

    Of networks trained on P samples, names ending in "gaussian_P" and "photographs_P": `nats_levels` (levels,),
    `nats_trained` (networks, levels) and `nats_theory` (levels,) by σ_T, and `best_start`, that of theory.
    """
    keys = jax.random.split(key, 5)
    few, more = config.few_samples
    stages = [
        Stage("Gaussian data", partial(_on_gaussian, config, keys[0]), 0.2),
        Stage(f"Gaussian data, {few} samples", partial(_few_gaussian, config, few, keys[1]), 0.05),
        Stage(f"Gaussian data, {more} samples", partial(_few_gaussian, config, more, keys[2]), 0.05),
        Stage(f"photographs, {few} samples", partial(_few_photographs, config, few, keys[3]), 0.1),
    ]
    for number, own in enumerate(jax.random.split(keys[4], config.networks), start=1):
        name = f"photographs, network {number} of {config.networks}"
        stages.append(Stage(name, partial(_on_photographs, config, own), 0.6 / config.networks))
    results = stage.all(stages)
    arrays: Arrays = {"steps": np.array(config.steps), "few_samples": np.array(config.few_samples)}
    ends = ("gaussian", f"gaussian_{few}", f"gaussian_{more}", f"photographs_{few}")
    for end, found in zip(ends, results, strict=False):
        arrays |= {f"{name}_{end}": value for name, value in found.items()}
    photographs = results[len(ends) :]
    return arrays | {f"{name}_photographs": np.concatenate([each[name] for each in photographs]) for name in results[0]}


# --- Few steps, and training ---


def _on_gaussian(config: Config, key: PRNGKeyArray) -> Arrays:
    spectrum = Spectrum.from_variances(np.geomspace(*config.variances))
    sets = partial(gaussian_training_sets, spectrum, seeds=config.networks, samples=config.training_samples, key=key)
    return _measured(config, spectrum.variance, sets, np.diag(spectrum.variance))


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    """One network, against patches that it has not seen."""
    seen_key, unseen_key, noise_key = jax.random.split(key, 3)
    clean, others, variance = patches_in_modes(
        seen_key, unseen_key, count=config.patches, size=config.patch_size, modes=config.modes
    )
    sets = partial(training_sets_from_samples, clean, seeds=1, noise_repeats=config.noise_repeats, key=noise_key)
    unseen = np.asarray(others)
    return _measured(config, variance, sets, unseen.T @ unseen / len(unseen))


def _measured(config: Config, variance: Array, sets: Sets, target: np.ndarray) -> Arrays:
    """What networks of these training sets generate from every start, and theory of this spectrum."""
    scale = float(jnp.sqrt(variance[variance.size // 2]))
    starts, fine = (scale * np.geomspace(*ends) for ends in (config.starts, config.fine_levels))
    schedules = {
        steps: np.stack([np.asarray(tangent_schedule(steps, scale, start)) for start in starts])
        for steps in config.steps
    }
    times = np.geomspace(1 / float(variance[0]), 10 / float(variance[-1]), config.times)
    levels = np.concatenate([*(schedule[:, :-1].ravel() for schedule in schedules.values()), fine])
    maps = _trained(config, variance, sets, levels, times)
    denoiser = OneLayer(Spectrum(jnp.zeros_like(variance), variance), PROCESS, INITIAL_GAIN, 1.0)
    found: Arrays = {"variance": np.asarray(variance)[None], "times": times[None], "starts": starts[None]}
    for steps, schedule in schedules.items():
        own, maps = np.split(maps, [len(starts) * steps], axis=1)
        own = own.reshape(len(own), len(starts), steps, *own.shape[2:])
        found |= {f"{name}_{steps}": value for name, value in _few_steps(schedule, own, variance, target).items()}
        theory = np.asarray(_log_variances(denoiser, jnp.asarray(times), jnp.asarray(schedule)))
        log_ratio = theory - np.log(variance)
        found[f"log_theory_{steps}"] = theory[None]
        found[f"divergence_theory_{steps}"] = np.sum(np.expm1(log_ratio) - log_ratio, axis=-1)[None] / 2
    return found | _slopes(config, denoiser, maps, fine, times)


def _trained(
    config: Config, variance: Array, sets: Sets, levels: np.ndarray, times: np.ndarray
) -> Float[np.ndarray, "networks levels times modes modes"]:
    curvature = curvature_of_levels(PROCESS, jnp.asarray(levels), float(variance[0]))
    return descend_every_level(
        sets(jnp.asarray(levels)), curvature, times, initial_gain=INITIAL_GAIN, smallest_steps=config.smallest_steps
    )


@eqx.filter_jit
def _log_variances(denoiser: OneLayer, times: Array, schedules: Array) -> Float[Array, "times starts modes"]:
    """By the same steps of the sampler, from N(0, σ_T²)."""

    def of(tau: Array, levels: Array) -> Array:
        return log_ddim_variance(levels, denoiser.gain, tau, PROCESS, None)

    return jax.vmap(jax.vmap(of, (None, 0)), (0, None))(times, schedules)


@eqx.filter_jit
def _ddim_maps(maps: Array, schedules: Array) -> Float[Array, "networks times starts modes modes"]:
    """Of `maps` (networks, starts, steps, times, modes, modes)."""
    of_starts = jax.vmap(ddim_map)
    return jax.vmap(jax.vmap(of_starts, (2, None)), (0, None))(maps, schedules)


def _few_steps(schedule: np.ndarray, maps: np.ndarray, variance: Array, target: np.ndarray) -> Arrays:
    transport, starts = np.asarray(_ddim_maps(jnp.asarray(maps), jnp.asarray(schedule))), schedule[:, 0]
    factor = starts[:, None, None] * transport
    root = np.sqrt(np.asarray(variance) + starts[:, None] ** 2)
    # KL(N(0, F Fᵀ)‖N(0, S)) from the singular values of S^-½ F.
    singular = np.linalg.svd(np.linalg.solve(np.linalg.cholesky(target), factor), compute_uv=False)
    return {
        "log_trained": np.log(np.sum(factor**2, axis=-1)),
        "log_matched": np.log(np.sum((transport[:, -1] * root[:, None, :]) ** 2, axis=-1)),
        "divergence_trained": np.sum(singular**2 - 1 - 2 * np.log(singular), axis=-1) / 2,
    }


def _slopes(config: Config, denoiser: OneLayer, maps: np.ndarray, levels: np.ndarray, times: np.ndarray) -> Arrays:
    """Finite differences in the first of the fine levels: one step of the sampler more."""
    later = np.append(levels[1:], 0.0) / levels
    identity, product, logs = np.eye(maps.shape[-1]), np.eye(maps.shape[-1]), []
    for level, share, each in zip(levels[::-1], later[::-1], np.moveaxis(maps, 1, 0)[::-1], strict=True):
        product = product @ (share * identity + (1 - share) * each)
        logs.append(2 * np.log(level) + np.log(np.sum(product**2, axis=-1)))
    rises = np.diff(np.stack(logs[::-1]), axis=0) / np.diff(np.log(levels))[:, None, None, None]
    chosen = slice(config.slopes_every // 2, None, config.slopes_every)
    shown = levels[:-1][chosen]
    return {
        "slope_levels": shown[None],
        "slope_trained": np.moveaxis(rises[chosen], 0, 2),
        "slope_theory": np.asarray(
            start_sensitivity(denoiser.gain, jnp.asarray(times)[:, None], jnp.asarray(shown)[None])
        )[None],
    }


# --- Few samples ---


def _few_gaussian(config: Config, samples: int, key: PRNGKeyArray) -> Arrays:
    spectrum = Spectrum.from_variances(np.geomspace(*config.variances))
    sets = partial(gaussian_training_sets, spectrum, seeds=config.few_networks, samples=samples, key=key)
    return _nats(config, spectrum.variance, sets, samples)


def _few_photographs(config: Config, samples: int, key: PRNGKeyArray) -> Arrays:
    """Every network draws patches and noise of its own; the population is a far larger number of patches."""
    population_key, *keys = jax.random.split(key, 1 + config.few_networks)
    full = Spectrum.from_samples(natural_image_patches(population_key, count=config.population, size=config.patch_size))

    def drawn(levels: jax.Array, key: PRNGKeyArray) -> SecondMoments:
        patch_key, noise_key = jax.random.split(key)
        patches = natural_image_patches(patch_key, count=samples, size=config.patch_size)
        clean = full.to_modes(jnp.asarray(patches))[:, : config.modes]
        return training_sets_from_samples(clean, levels, seeds=1, noise_repeats=1, key=noise_key)

    def sets(levels: jax.Array) -> SecondMoments:
        return jax.tree.map(lambda *each: jnp.concatenate(each), *(drawn(levels, own) for own in keys))

    return _nats(config, full.variance[: config.modes], sets, samples)


def _nats(config: Config, variance: Array, sets: Sets, samples: int) -> Arrays:
    """∫E|D - D*|²σ^-3 dσ up to σ_T, and KL of the data's second moments at σ_T from N(0, σ_T²)."""
    spectrum = Spectrum(jnp.zeros_like(variance), variance)
    levels = float(jnp.sqrt(variance[variance.size // 2])) * np.geomspace(*config.nats_levels)
    maps = _trained(config, variance, sets, levels, np.array([20 / float(variance[-1])]))[:, :, 0]
    power = np.asarray(variance) + levels[:, None] ** 2
    wrong = maps - (np.asarray(variance) / power)[:, None, :] * np.eye(variance.size)
    rate = np.einsum("nlij,lj->nl", wrong**2, power) / levels**2
    ratio = np.asarray(variance) / levels[:, None] ** 2
    mismatch = np.sum(ratio - np.log1p(ratio), axis=1) / 2
    return {
        "nats_levels": levels,
        "nats_trained": cumulative_trapezoid(rate, np.log(levels), axis=1, initial=0.0) + mismatch,
        "nats_theory": np.asarray(path_nats_of_start(spectrum, samples, levels, levels[0])),
        "best_start": np.asarray(start_of_least_nats(spectrum, samples)),
    }
