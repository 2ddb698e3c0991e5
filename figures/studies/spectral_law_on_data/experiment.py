"""The spectral law on a data set: linear denoisers trained by SGD on samples, beside the closed form.

Shared by the figures on photographs and on users' data: they differ only in where the samples come from.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.finite_steps import with_finite_steps
from figures.studies.trained_modes.lag import without_lag
from sims.experiments.linear import generated_mode_variances, mode_gains, train_seeds_minibatch
from sims.networks.linear import linear_denoiser
from sims.sampling.linear_flow import flow_of, sample_linear_networks
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import Clock, common_clock
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.targets import DenoiserTarget
from theory.spectral_law.emergence import emergence_level, emergence_time
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.one_layer import OneLayer


@dataclass(frozen=True)
class ExperimentConfig:
    """Sizes of the experiment. Times are ητ with η = 1."""

    modes: int  # data of more dimensions are projected on their leading principal components
    initial_gain: float
    first_time: float
    last_time: float
    snapshots: int
    noise_levels: int
    seeds: int
    batch_per_effective_mode: int  # samples per step for each of the tr Σ/λ_1 effective modes
    small_batch_per_effective_mode: int  # the same for a second set of networks
    small_batch_seeds: int

    @property
    def small(self) -> "ExperimentConfig":
        """The same with the small batches."""
        return replace(self, batch_per_effective_mode=self.small_batch_per_effective_mode)

    def batch_size(self, variance: np.ndarray) -> int:
        """Samples per step. The noise of SGD leaks variance ∝ tr Σ/(λ_1 B) into modes that have not emerged."""
        return int(np.ceil(self.batch_per_effective_mode * variance.sum() / variance.max()))


# Sizes of the presets, for a spectrum whose largest variance is of order ten.
QUICK = ExperimentConfig(
    modes=64,
    initial_gain=0.1,
    first_time=1e-3,
    last_time=10.0,
    snapshots=24,
    noise_levels=28,
    seeds=8,
    batch_per_effective_mode=240,
    small_batch_per_effective_mode=30,
    small_batch_seeds=6,
)
# Ten times as long a run would take forty minutes a denoiser, and no stage should take more than five.
PAPER = replace(
    QUICK,
    modes=192,
    last_time=30.0,
    snapshots=32,
    noise_levels=48,
    batch_per_effective_mode=960,
    small_batch_per_effective_mode=120,
)
TINY = replace(
    QUICK,
    modes=3,
    last_time=1.0,
    snapshots=6,
    noise_levels=8,
    seeds=2,
    batch_per_effective_mode=16,
    small_batch_per_effective_mode=4,
    small_batch_seeds=2,
)

SHOWN_SAMPLES = (16, 9, 4, 1)  # as many as fit into
LARGEST_PICTURE = 1 << 20  # numbers
SHOWN_TIMES = 6
LINE_POINTS = 160  # of the closed form's lines


@dataclass(frozen=True)
class ImagesInModes:
    """What makes images of modes again, the shape of one, and some of the data."""

    mean: Float[np.ndarray, " d"]
    basis: Float[np.ndarray, "d k"]
    shape: tuple[int, ...]
    examples: Float[np.ndarray, "m d"]


@dataclass(frozen=True)
class DataInModes:
    """Samples of `dimension` d as they are trained on: in the leading modes of their covariance."""

    dimension: int
    variance: Float[np.ndarray, " k"]
    coordinates: Float[np.ndarray, "n k"]
    images: ImagesInModes | None = None


class StageSeconds(NamedTuple):
    """What every stage is expected to take, on one core."""

    theory: float
    large_batches: float  # one denoiser
    small_batches: float
    samples: float


def stage_seconds(config: ExperimentConfig, variance: Float[np.ndarray, " k"]) -> StageSeconds:
    """For data of these variances, by how much is multiplied: good to a factor of two or so, for shares and time left.

    A step multiplies a batch by itself and, for every noise level, maps by moments; the number of steps grows with the
    spread of the variances. Compilation is shared out over all denoisers.
    """

    def of_denoiser(sizes: ExperimentConfig) -> float:
        steps, modes = float(_clock(sizes, variance).steps.sum()), variance.size
        return 1.3 + steps * modes**2 * (sizes.batch_size(variance) + sizes.noise_levels * modes) / 6e9

    return StageSeconds(5.0, of_denoiser(config), of_denoiser(config.small), 1.5)


def expected_seconds(config: ExperimentConfig, data: DataInModes) -> float:
    """Of the whole experiment, on two cores."""
    each = stage_seconds(config, data.variance)
    trained = config.seeds * each.large_batches + config.small_batch_seeds * each.small_batches
    return (each.theory + trained) / 2 + each.samples


def data_in_modes(samples: Float[np.ndarray, "n d"], number: int, image_shape: tuple[int, ...]) -> DataInModes:
    """Images (n, d) that fit into memory, in at most `number` modes, those without variance included."""
    full = Spectrum.from_samples(samples)
    assert full.basis is not None
    examples = samples[shown_places(*samples.shape)]
    coordinates = np.asarray(full.to_modes(jnp.asarray(samples))[:, :number], dtype=np.float32)
    images = ImagesInModes(np.asarray(full.mean), np.asarray(full.basis[:, :number]), image_shape, examples)
    return DataInModes(full.dimension, np.asarray(full.variance[:number]), coordinates, images)


def diverges(config: ExperimentConfig, data: DataInModes) -> bool:
    """Whether outliers would make SGD diverge, mode by mode, at the step sizes of `_clock`.

    A step multiplies the error of mode k by 1 - X/(λ_1 + tr Σ/B), where X, of a batch of B, has the mean λ_k and the
    mean square λ_k (λ_k + s_k/B), s_k = E a_k²|a|²/λ_k: about tr Σ of Gaussian data, and as much as |a|² of an outlier.
    The mean square of the error grows from λ_k + s_k/B = 2 (λ_1 + tr Σ/B) on.
    """
    variance, squares = data.variance, np.square(data.coordinates, dtype=np.float64)
    spread = (squares.sum(axis=1) @ squares) / (len(squares) * variance)
    batches = (sizes.batch_size(variance) for sizes in (config, config.small))
    return any(np.any(variance + spread / b > 2 * (variance.max() + variance.sum() / b)) for b in batches)


def shown_places(count: int, dimension: int) -> np.ndarray:
    """Which of `count` samples are shown: a square number of them, spread over all, or all where there are fewer."""
    shown = next((number for number in SHOWN_SAMPLES if number * dimension <= LARGEST_PICTURE), 1)
    return np.arange(0, count, max(1, count // shown))[:shown]


def compute_experiment(config: ExperimentConfig, data: DataInModes, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Spectrum of the samples, closed forms, and SGD-trained networks measured in the data's eigenbasis.

    Raises ValueError where noise levels would lag behind others, see `without_lag`.
    """
    train_key, small_key, shown_key = jax.random.split(key, 3)
    # In its own eigenbasis the data's covariance is diagonal; the rotation changes nothing for W(0) ∝ I.
    spectrum = Spectrum(jnp.zeros(data.variance.size), jnp.asarray(data.variance))
    small = config.small
    for sizes in (config, small):
        clock = _clock(sizes, np.asarray(spectrum.variance))
        without_lag(clock, _denoiser(config, spectrum), _noise_levels(config), _snapshot_times(config))
    keys, small_keys = jax.random.split(train_key, config.seeds), jax.random.split(small_key, config.small_batch_seeds)
    seconds = stage_seconds(config, data.variance)
    denoisers = {
        "SGD": (config, keys, seconds.large_batches),
        "small batches": (small, small_keys, seconds.small_batches),
    }
    total = seconds.theory + seconds.samples + sum(len(run_keys) * each for _, run_keys, each in denoisers.values())
    stages = [Stage("theory", partial(_theory, config, spectrum), seconds.theory / total)]
    # A stage for every denoiser: none takes long, and an interrupted run goes on from the last.
    for words, (sizes, run_keys, each) in denoisers.items():
        for number, run_key in enumerate(run_keys, start=1):
            train = partial(_train, sizes, spectrum, data.coordinates, run_key)
            stages.append(Stage(f"{words}, denoiser {number} of {len(run_keys)}", train, each / total))
    theory, *runs = stage.all(stages)
    trained, trained_small = runs[: config.seeds], runs[config.seeds :]
    pictures = stage(
        "samples", partial(_pictures, config, trained[0], data.images, shown_key), share=seconds.samples / total
    )
    return {
        "variance": np.asarray(spectrum.variance),
        "dimension": np.asarray(data.dimension),
        "sample_count": np.asarray(len(data.coordinates)),
        "times": _snapshot_times(config),
        **theory,
        **{name: np.stack([run[name] for run in trained]) for name in ("gain_trained", "variance_trained")},
        "shown_snapshots": _shown_snapshots(config),
        "variance_small_batch": np.stack([run["variance_trained"] for run in trained_small]),
        "batch_size": np.asarray(config.batch_size(np.asarray(spectrum.variance))),
        "small_batch_size": np.asarray(small.batch_size(np.asarray(spectrum.variance))),
        **pictures,
    }


def _denoiser(config: ExperimentConfig, spectrum: Spectrum) -> OneLayer:
    return OneLayer(spectrum, EDM(), config.initial_gain, learning_rate=1.0)


def _snapshot_times(config: ExperimentConfig) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _noise_levels(config: ExperimentConfig) -> jnp.ndarray:
    return log_snr_schedule(EDM(), config.noise_levels - 1)


def _clock(config: ExperimentConfig, variance: np.ndarray) -> Clock:
    """Steps that are stable for minibatches: the gradient noise adds the trace over the batch size."""
    levels = np.asarray(_noise_levels(config))
    largest = variance.max() + levels**2
    trace = variance.sum() + variance.size * levels**2
    noise = trace / config.batch_size(variance)
    return common_clock(_snapshot_times(config), 2 * (largest + noise), smallest_steps=12, safety=0.5)


def _theory(config: ExperimentConfig, spectrum: Spectrum) -> Arrays:
    denoiser = _denoiser(config, spectrum)
    times, levels = _snapshot_times(config), _noise_levels(config)
    clock = _clock(config, np.asarray(spectrum.variance))
    finite_steps = with_finite_steps(denoiser, levels, clock, times)
    fine = np.geomspace(config.first_time, config.last_time, LINE_POINTS)
    variance = np.asarray(generated_variance(denoiser, np.concatenate([times, fine])))
    return {
        "fine_times": fine,
        "variance_curve": variance[times.size :],
        "variance_closed_form": variance[: times.size],
        "variance_finite_steps": finite_steps.variance,
        "gain_finite_steps": finite_steps.gain,
        "emergence_theory": np.asarray(emergence_time(denoiser)),
        "level": np.asarray(emergence_level(denoiser)),
    }


def _shown_snapshots(config: ExperimentConfig) -> np.ndarray:
    return np.linspace(0, config.snapshots - 1, SHOWN_TIMES).round().astype(int)


def _train(config: ExperimentConfig, spectrum: Spectrum, coordinates: np.ndarray, key: PRNGKeyArray) -> Arrays:
    """Gains (snapshots, levels, modes) and generated variances (snapshots, modes) of one denoiser, and shown maps."""
    clock = _clock(config, np.asarray(spectrum.variance))
    network = linear_denoiser(spectrum.dimension, config.initial_gain)
    trained = train_seeds_minibatch(
        network,
        jnp.asarray(coordinates, jnp.float32),
        _noise_levels(config),
        clock,
        seeds=1,
        batch_size=config.batch_size(np.asarray(spectrum.variance)),
        key=key,
    )
    flow = flow_of(DenoiserTarget(), EDM(), _noise_levels(config))
    return {
        "gain_trained": np.asarray(mode_gains(trained.weight, None))[0],
        "variance_trained": generated_mode_variances(trained.weight, flow, None)[0],
        "shown_maps": np.asarray(trained.weight[0, _shown_snapshots(config)]),
    }


def _pictures(config: ExperimentConfig, trained: Arrays, data: ImagesInModes | None, key: PRNGKeyArray) -> Arrays:
    """Samples of one denoiser at a few training times, from the same initial noise, and real data."""
    if data is None:
        return {}
    shown = len(shown_places(max(SHOWN_SAMPLES), data.mean.size))
    levels = _noise_levels(config).astype(jnp.float32)
    initial = levels[0] * jax.random.normal(key, (shown, data.basis.shape[1]), jnp.float32)
    generated = [sample_linear_networks(jnp.asarray(maps), levels, initial) for maps in trained["shown_maps"]]
    images = jnp.stack(generated) @ jnp.asarray(data.basis).T
    images = images + jnp.broadcast_to(jnp.asarray(data.mean), images.shape)
    return {
        "images_generated": np.asarray(images).reshape(SHOWN_TIMES, shown, *data.shape),
        "images_real": data.examples.reshape(-1, *data.shape),
    }
