"""Classifier-free guidance of networks in training: how far it narrows each mode of a class, and when.

Two linear denoisers per noise level, one of a class and one of all classes, trained by full-batch gradient descent from
zero, and samples of (1 + w) D_c - w D_u by their maps. On Gaussian classes whose means scatter along the modes; on
handwritten digits, whose class means do not; on patches of two photographs, of which one is the class. There theory has
the two whole covariances, and beside it the formula for modes that commute. Then two clusters with exact scores:
entropy and confidence of guided samples.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float, PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import digit_classes, digits, natural_image_patches
from sims.experiments.linear import curvature_of_levels, descend_every_level, generated_mode_variances
from sims.sampling.linear_flow import flow_of
from sims.sampling.schedules import log_snr_schedule
from sims.sampling.solvers import heun
from sims.training.training_sets import training_sets_from_samples
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget
from theory.sampling_questions.guidance import guided_clusters
from theory.spectral_law.generation import generated_variance_on_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer

# Modes that are not learned are generated with the variance σ_0². From training sets of P samples others leak about λ/P
# into them: a smallest level that a million samples resolve.
PROCESS = EDM(sigma_min=0.01)
CLASSES = 8  # Gaussian ones: their means are columns of a Hadamard matrix, uncorrelated between modes
MEAN, WIDTH = 1.0, 0.25  # μ and s_0² of the two clusters


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    strength: float = 2.0  # w
    variances: tuple[float, float, int] = (10.0, 0.1, 7)  # of a Gaussian class: first, last, number (at most 7)
    between: float = 0.5  # m²/λ, the same for all modes
    training_samples: int = 1048576
    digit_modes: int = 12
    digits_of_a_network: int = 900
    patch_modes: int = 12
    patches: int = 4096  # of each photograph
    patch_size: int = 8
    noise_repeats: int = 64
    first_time: float = 1e-3
    last_time: float = 100.0
    snapshots: int = 41
    noise_levels: int = 48
    networks: int = 8
    smallest_steps: int = 1000  # of gradient descent between two snapshots: it is the flow to 1e-3 of τ
    cluster_strengths: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)
    cluster_samples: int = 4096
    cluster_steps: int = 300


PRESETS = {
    "quick": Config(),
    "paper": Config(
        training_samples=4194304,
        digit_modes=40,
        patch_modes=40,
        patches=32768,
        noise_repeats=512,
        last_time=300.0,
        snapshots=81,
        noise_levels=96,
        networks=16,
        cluster_samples=32768,
        cluster_steps=1000,
    ),
    "tiny": Config(
        variances=(10.0, 1.0, 3),
        training_samples=1024,
        digit_modes=3,
        patch_modes=3,
        patches=64,
        patch_size=3,
        noise_repeats=2,
        last_time=10.0,
        snapshots=8,
        noise_levels=8,
        networks=2,
        smallest_steps=20,
        cluster_strengths=(0.0, 1.0),
        cluster_samples=64,
        cluster_steps=20,
    ),
}


class ClassData(NamedTuple):
    """What two networks are trained on, in coordinates along the modes of a class, and what theory knows of it."""

    about_class: Float[np.ndarray, "n d"]
    about_all: Float[np.ndarray, "n d"]
    within: Float[np.ndarray, " d"]  # λ
    total: Float[np.ndarray, "d d"]  # covariance of all classes together


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Variances (networks, sampler, snapshots, modes) of three samplers: the class alone, guided, and all classes.

    Names end in the data set's: `generated_trained`; `generated_theory`, of the whole covariances, by the same steps of
    the sampler; `generated_commuting`, of their diagonals. `variance` λ and `between` m² are (networks, modes), `times`
    (snapshots,). Of two clusters, for every strength, entropy changes and confidences by theory (strengths,) and of
    samples (networks, strengths).
    """
    gaussian_key, digit_key, cluster_key = jax.random.split(key, 3)
    draws = {
        "gaussian": (_gaussian_classes, gaussian_key),
        "digits": (_digits, digit_key),
        "photographs": (_photographs, jax.random.fold_in(key, 3)),
    }
    stages = []
    for name, (data, data_key) in draws.items():
        for number, own in enumerate(jax.random.split(data_key, config.networks), start=1):
            work = partial(_networks, config, data, own)
            stages.append(Stage(f"{name}, pair {number} of {config.networks}", work, 0.3 / config.networks))
    stages.append(Stage("two clusters", partial(_clusters, config, cluster_key), 0.1))
    *runs, clusters = stage.all(stages)
    arrays: Arrays = {"times": _times(config), "strength": np.asarray(config.strength)}
    for place, name in enumerate(draws):
        found = runs[place * config.networks : (place + 1) * config.networks]
        arrays |= {f"{kind}_{name}": np.stack([each[kind] for each in found]) for kind in found[0]}
    return arrays | clusters


def _times(config: Config) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _levels(config: Config) -> jax.Array:
    return log_snr_schedule(PROCESS, config.noise_levels - 1)


def _gaussian_classes(config: Config, key: PRNGKeyArray) -> ClassData:
    """Class means and their scatter are known; a network's samples are its own."""
    within = np.geomspace(*config.variances)
    means = scipy.linalg.hadamard(CLASSES)[:, 1 : 1 + within.size] * np.sqrt(config.between * within)
    label = np.arange(config.training_samples) % CLASSES
    about_class = numpy_generator(key).normal(size=(label.size, within.size)) * np.sqrt(within)
    return ClassData(about_class, about_class + means[label], within, np.diag(within * (1 + config.between)))


def _digits(config: Config, key: PRNGKeyArray) -> ClassData:
    """Some of the digits, about the means of their classes and about the mean of all, in the leading modes within."""
    chosen = numpy_generator(key).permutation(len(digits()))[: config.digits_of_a_network]
    pixels, label = digits()[chosen], digit_classes()[chosen]
    means = np.stack([pixels[label == digit].mean(axis=0) for digit in range(10)])
    spectrum = Spectrum.from_samples(pixels - means[label])
    basis = np.asarray(spectrum.basis)[:, : config.digit_modes]
    about_class, about_all = (pixels - means[label]) @ basis, (pixels - pixels.mean(axis=0)) @ basis
    within = np.asarray(spectrum.variance)[: config.digit_modes]
    return ClassData(about_class, about_all, within, about_all.T @ about_all / len(about_all))


def _photographs(config: Config, key: PRNGKeyArray) -> ClassData:
    """Patches of the flower, and of both photographs, each about their mean, in the leading modes of the flower's."""
    flower, temple = (
        natural_image_patches(own, count=config.patches, size=config.patch_size, of=name)
        for own, name in zip(jax.random.split(key), ("flower", "temple"), strict=True)
    )
    spectrum, every = Spectrum.from_samples(flower), np.concatenate([flower, temple])
    basis = np.asarray(spectrum.basis)[:, : config.patch_modes]
    about_class, about_all = ((pixels - pixels.mean(axis=0)) @ basis for pixels in (flower, every))
    within = np.asarray(spectrum.variance)[: config.patch_modes]
    return ClassData(about_class, about_all, within, about_all.T @ about_all / len(about_all))


def _networks(config: Config, draw, key: PRNGKeyArray) -> Arrays:
    """One pair of networks, and the theory of its data."""
    data_key, own_key, every_key = jax.random.split(key, 3)
    data = draw(config, data_key)
    repeats = 1 if draw is _gaussian_classes else config.noise_repeats
    own, every = (
        _trained(config, clean, repeats, each)
        for clean, each in ((data.about_class, own_key), (data.about_all, every_key))
    )
    return {
        "variance": data.within,
        "between": np.diagonal(data.total) - data.within,
        "generated_trained": _generated(config, own, every),
        "generated_theory": _generated(config, _ideal(config, np.diag(data.within)), _ideal(config, data.total)),
        "generated_commuting": _commuting(config, data.within, np.diagonal(data.total)),
    }


def _trained(config: Config, clean: np.ndarray, repeats: int, key: PRNGKeyArray) -> np.ndarray:
    """Maps (levels, snapshots, d, d)."""
    levels, samples = _levels(config), jnp.asarray(clean, jnp.float32)
    sets = training_sets_from_samples(samples, levels, seeds=1, noise_repeats=repeats, key=key)
    curvature = curvature_of_levels(PROCESS, levels, float(np.linalg.norm(clean.T @ clean / len(clean), 2)))
    return descend_every_level(sets, curvature, _times(config), smallest_steps=config.smallest_steps)[0]


def _ideal(config: Config, covariance: np.ndarray) -> np.ndarray:
    """The same maps by gradient flow on data of this covariance."""
    variance, basis = np.linalg.eigh(covariance)
    denoiser = _denoiser(jnp.asarray(variance), jnp.asarray(basis))
    return np.asarray(denoiser.weights(jnp.asarray(_times(config))[None], _levels(config)[:, None]))


def _denoiser(variance: jax.Array, basis: jax.Array | None = None) -> OneLayer:
    return OneLayer(Spectrum(jnp.zeros_like(variance), variance, basis), PROCESS, 0.0, 1.0)


def _generated(config: Config, own: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Variances (sampler, snapshots, d) of the class alone, guided, and all classes."""
    maps = np.stack([own + w * (own - every) for w in _samplers(config)])
    flow = flow_of(DenoiserTarget(), PROCESS, _levels(config))
    return generated_mode_variances(jnp.asarray(np.swapaxes(maps, 1, 2)), flow, None)


def _samplers(config: Config) -> tuple[float, ...]:
    return 0.0, config.strength, -1.0


def _commuting(config: Config, within: np.ndarray, total: np.ndarray) -> np.ndarray:
    times, levels = jnp.asarray(_times(config)), _levels(config)
    alone, every = (_denoiser(jnp.asarray(variance)) for variance in (within, total))
    own, other = (each.gain(times[None], levels[:, None]) for each in (alone, every))
    variances = [
        generated_variance_on_schedule(alone, times, levels, own + w * (own - other)) for w in _samplers(config)
    ]
    return np.stack([np.asarray(each) for each in variances])


def _clusters(config: Config, key: PRNGKeyArray) -> Arrays:
    strengths = np.array(config.cluster_strengths)
    expected = [guided_clusters(MEAN, WIDTH, float(strength), PROCESS) for strength in strengths]
    levels = log_snr_schedule(PROCESS, config.cluster_steps)
    start = jax.random.normal(key, (config.networks, config.cluster_samples), dtype=float)
    start = MEAN + jnp.sqrt(WIDTH + PROCESS.sigma_max**2) * start
    ends = [np.asarray(_guided_samples(start, strength, levels)) for strength in strengths]
    confidences = [(1 / (1 + np.exp(-2 * MEAN * x / (WIDTH + PROCESS.sigma_min**2)))).mean(axis=1) for x in ends]
    # Entropies by the spacings of neighbours, which the same noise has in every sampler: the flow keeps their order.
    spacings = [np.log(np.diff(np.sort(x, axis=1), axis=1)).mean(axis=1) for x in ends]
    return {
        "cluster_strengths": strengths,
        "entropy_theory": np.array([float(each.entropy_change) for each in expected]),
        "confidence_theory": np.array([float(each.confidence) for each in expected]),
        "entropy_samples": np.stack([each - spacings[0] for each in spacings], axis=1),
        "confidence_samples": np.stack(confidences, axis=1),
    }


@jax.jit
def _guided_samples(start: jax.Array, strength: jax.Array, levels: jax.Array) -> jax.Array:
    """dx/dσ = -σ s_w by Heun's method, with the scores of both clusters written out."""

    def drift(_, level: jax.Array, x: jax.Array) -> jax.Array:
        total = WIDTH + level**2
        own = (MEAN - x) / total
        every = (MEAN * jnp.tanh(MEAN * x / total) - x) / total
        return -level * (own + strength * (own - every))

    return heun(drift, start, levels)
