"""How much samples prefer the leading mode of the data: in training time, and by the number of steps of a sampler.

One linear denoiser per noise level, trained by full-batch gradient descent from zero, on three Gaussians and on patches
of photographs. What they generate follows from their maps without sampling: by Heun's method through all levels at
every time of training, and by few steps of DDIM at its end. Beside them are networks that learn the velocities of flow
matching on one of the Gaussians.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.photograph_modes import patches_in_modes
from sims.experiments.linear import curvature_of_levels, descend_every_level, generated_mode_variances
from sims.sampling.linear_flow import flow_of
from sims.sampling.schedules import log_snr_schedule, uniform_schedule
from sims.training.pairs import SecondMoments, pairs_of
from sims.training.training_sets import gaussian_training_sets, training_sets_from_samples
from theory.definitions.objectives import Objective
from theory.definitions.processes import EDM, FlowMatching
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget, FlowTarget
from theory.sampling_questions.power_iteration import alignment_peak
from theory.sampling_questions.schedules import ddim_variance
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.one_layer import OneLayer

# From 20: the amplitude of a mode after one step is only as right as its gain is at the first level.
PROCESS = EDM(sigma_max=20.0)
FLOW = FlowMatching()
GAUSSIANS = {
    "apart": np.array([10.0, 1.0, 0.1]),
    "close": np.array([6.0, 5.0, 0.5]),
    "power_law": 10.0 / np.arange(1.0, 9.0),
}
NOISE_REPEATS = 16


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    training_samples: int = 1048576  # of each network on Gaussian data
    modes: int = 8  # of the photographs
    patches: int = 16384
    patch_size: int = 8
    first_time: float = 1e-4
    last_time: float = 100.0
    snapshots: int = 72
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)  # of DDIM, divisors of the last, which is one per noise level
    networks: int = 8
    smallest_steps: int = 500  # of gradient descent between two snapshots


PRESETS = {
    "quick": Config(),
    "paper": Config(
        training_samples=4194304,
        modes=24,
        patches=65536,
        snapshots=144,
        steps=(1, 2, 4, 8, 16, 32, 64, 128),
        networks=16,
        smallest_steps=1000,
    ),
    "tiny": Config(
        training_samples=1024,
        modes=3,
        patches=256,
        patch_size=3,
        snapshots=12,
        steps=(1, 4, 8),
        networks=2,
        smallest_steps=20,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of four data sets, names ending in "apart", "close", "power_law" (Gaussian) and "photographs".

    `times` (snapshots,), `steps` (counts,). `variance` λ (networks or 1, modes), `generated_trained` and
    `generated_theory` λ̃ (networks or 1, snapshots, modes), `peak` (networks or 1, 2), τ and overshoot of theory;
    `few_trained` and `few_theory` (networks or 1, counts, modes), λ̃ by so many steps of DDIM at the last time. Theory
    of photographs has the variances of patches that the network was not trained on. Of "flow", flow matching on the
    Gaussian "apart", the first three alone.
    """
    gaussian_key, photograph_key, flow_key = jax.random.split(key, 3)
    stages = [
        Stage(f"Gaussian data, {name}", partial(_on_gaussian, config, name, own), 0.15)
        for name, own in zip(GAUSSIANS, jax.random.split(gaussian_key, len(GAUSSIANS)), strict=True)
    ]
    stages.append(Stage("Gaussian data, flow matching", partial(_on_flow, config, flow_key), 0.15))
    for number, own in enumerate(jax.random.split(photograph_key, config.networks), start=1):
        name = f"photographs, network {number} of {config.networks}"
        stages.append(Stage(name, partial(_on_photographs, config, own), 0.4 / config.networks))
    results = stage.all(stages)
    arrays: Arrays = {"times": _times(config), "steps": np.asarray(config.steps)}
    names = [*GAUSSIANS, "flow"]
    for name, found in zip(names, results, strict=False):
        arrays |= {f"{kind}_{name}": value for kind, value in found.items()}
    photographs = results[len(names) :]
    return arrays | {f"{kind}_photographs": np.stack([each[kind] for each in photographs]) for kind in photographs[0]}


def _times(config: Config) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _levels(config: Config) -> jax.Array:
    return log_snr_schedule(PROCESS, config.steps[-1])


def _on_gaussian(config: Config, name: str, key: PRNGKeyArray) -> Arrays:
    spectrum = Spectrum.from_variances(GAUSSIANS[name])
    sets = gaussian_training_sets(
        spectrum, _levels(config), seeds=config.networks, samples=config.training_samples, key=key
    )
    theory = {kind: value[None] for kind, value in _theory(config, spectrum.variance).items()}
    return theory | _trained(config, float(spectrum.variance[0]), sets)


def _on_flow(config: Config, key: PRNGKeyArray) -> Arrays:
    variance, target = jnp.asarray(GAUSSIANS["apart"]), FlowTarget()
    spectrum, times = Spectrum.from_variances(variance), uniform_schedule(FLOW, config.steps[-1])
    pairs = pairs_of(Objective(target), FLOW, times)
    sets = gaussian_training_sets(spectrum, pairs, seeds=config.networks, samples=config.training_samples, key=key)
    curvature = curvature_of_levels(FLOW, times, float(variance[0]))
    maps = descend_every_level(sets, curvature, _times(config), smallest_steps=config.smallest_steps)
    theory = generated_variance(OneLayer(spectrum, FLOW, 0.0, 1.0), _times(config))
    return {
        "variance": np.asarray(variance)[None],
        "generated_theory": np.asarray(theory)[None],
        "generated_trained": generated_mode_variances(
            jnp.asarray(np.swapaxes(maps, 1, 2)), flow_of(target, FLOW, times), None
        ),
    }


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    """One network."""
    seen_key, unseen_key, noise_key = jax.random.split(key, 3)
    clean, others, variance = patches_in_modes(
        seen_key, unseen_key, count=config.patches, size=config.patch_size, modes=config.modes
    )
    sets = training_sets_from_samples(
        clean.astype(jnp.float32), _levels(config), seeds=1, noise_repeats=NOISE_REPEATS, key=noise_key
    )
    trained = {kind: value[0] for kind, value in _trained(config, float(variance[0]), sets).items()}
    return trained | _theory(config, jnp.mean(others**2, axis=0))


def _theory(config: Config, variance: jax.Array) -> Arrays:
    denoiser = OneLayer(Spectrum(jnp.zeros_like(variance), variance), PROCESS, 0.0, 1.0)
    peak = alignment_peak(denoiser)
    few = [
        ddim_variance(jnp.append(_levels(config)[chosen], 0.0), denoiser.gain, config.last_time, process=PROCESS)
        for chosen in _chosen(config)
    ]
    return {
        "variance": np.asarray(variance),
        "generated_theory": np.asarray(generated_variance(denoiser, _times(config))),
        "peak": np.asarray([peak.time, peak.overshoot]),
        "few_theory": np.stack([np.asarray(each) for each in few]),
    }


def _chosen(config: Config) -> list[np.ndarray]:
    """Indices of the levels from which every number of steps goes; the last step goes to zero."""
    return [np.arange(count) * (config.steps[-1] // count) for count in config.steps]


def _trained(config: Config, largest: float, sets: SecondMoments) -> Arrays:
    levels = _levels(config)
    curvature = curvature_of_levels(PROCESS, levels, largest)
    maps = descend_every_level(sets, curvature, _times(config), smallest_steps=config.smallest_steps)
    by_snapshot = jnp.asarray(np.swapaxes(maps, 1, 2))
    few = [_by_ddim(np.asarray(levels)[chosen], maps[:, chosen, -1]) for chosen in _chosen(config)]
    return {
        "generated_trained": generated_mode_variances(by_snapshot, flow_of(DenoiserTarget(), PROCESS, levels), None),
        "few_trained": np.stack(few, axis=1),
    }


def _by_ddim(levels: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """λ̃ by steps x + (σ' - σ)(x - Wx)/σ through these levels and to zero; maps are (networks, levels, modes, modes)."""
    identity = np.eye(maps.shape[-1])
    carried = np.broadcast_to(levels[0] * identity, maps[:, 0].shape)
    for number, after in enumerate((*levels[1:], 0.0)):
        shrink = 1 - after / levels[number]
        carried = (identity - shrink * (identity - maps[:, number])) @ carried
    return np.sum(carried**2, axis=-1)
