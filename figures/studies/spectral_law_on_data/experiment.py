"""The spectral law on a data set: linear denoisers trained by SGD on samples, beside the closed form.

Shared by the figures on photographs and on users' data: they differ only in where the samples come from.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.panels import draw_emergence, draw_mode_curves, exponents
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLUE, label_panels, plt, styled
from sims.experiments.linear import generated_mode_variances, mode_gains, train_seeds_minibatch
from sims.measurements.estimates import mean_over
from sims.measurements.modes import first_crossing, variance_over_seeds
from sims.networks.linear import linear_denoiser
from sims.sampling.linear_flow import sample_linear_networks
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import Clock, common_clock
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import regression_at
from theory.spectral_law.emergence import emergence_level, emergence_time
from theory.spectral_law.generation import generated_variance, generated_variance_on_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.power_law import fit_power_law
from theory.spectral_law.regression import gradient_descent


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
    generated_samples: int

    def batch_size(self, variance: np.ndarray) -> int:
        """Samples per step. The noise of SGD leaks variance ∝ tr Σ/(λ_1 B) into modes that have not emerged."""
        return int(np.ceil(self.batch_per_effective_mode * variance.sum() / variance.max()))


# Sizes of the two presets, for a spectrum whose largest variance is of order ten.
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
    small_batch_seeds=4,
    generated_samples=512,
)
PAPER = replace(
    QUICK,
    modes=192,
    last_time=300.0,
    snapshots=40,
    noise_levels=48,
    batch_per_effective_mode=960,
    small_batch_per_effective_mode=120,
    generated_samples=2048,
)

SHOWN_SAMPLES = 16
SHOWN_TIMES = 6


@dataclass(frozen=True)
class ImageData:
    """Samples (n, d) and, where they are images, the shape of one."""

    samples: Float[np.ndarray, "n d"]
    image_shape: tuple[int, ...] | None


def compute_experiment(config: ExperimentConfig, data: ImageData, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Spectrum of the samples, closed forms, and SGD-trained networks measured in the data's eigenbasis."""
    train_key, small_key, shown_key = jax.random.split(key, 3)
    full = Spectrum.from_samples(data.samples)
    modes = min(config.modes, full.dimension)
    # In its own eigenbasis the data's covariance is diagonal; the rotation changes nothing for W(0) ∝ I.
    spectrum = Spectrum(jnp.zeros(modes), full.variance[:modes])
    coordinates = np.asarray(full.to_modes(jnp.asarray(data.samples)))[:, :modes]
    theory = stage("theory", partial(_theory, config, spectrum), share=0.15)
    train = partial(_train, config, spectrum, coordinates, train_key)
    trained = stage("linear denoisers trained by SGD", train, share=0.6)
    small = replace(
        config,
        seeds=config.small_batch_seeds,
        batch_per_effective_mode=config.small_batch_per_effective_mode,
    )
    train_small = partial(_train, small, spectrum, coordinates, small_key)
    trained_small = stage("the same with small batches", train_small, share=0.2)
    pictures = stage("samples", partial(_pictures, config, trained, data, full, shown_key), share=0.05)
    measured = {name: value for name, value in trained.items() if name != "shown_maps"}
    return {
        "variance": np.asarray(spectrum.variance),
        "dimension": np.asarray(full.dimension),
        "sample_count": np.asarray(len(data.samples)),
        "times": _snapshot_times(config),
        **theory,
        **measured,
        "variance_small_batch": trained_small["variance_trained"],
        "small_batch_size": np.asarray(small.batch_size(np.asarray(spectrum.variance))),
        **pictures,
    }


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
    denoiser = OneLayer(spectrum, EDM(), config.initial_gain, learning_rate=1.0)
    times, levels = _snapshot_times(config), _noise_levels(config)
    clock = _clock(config, np.asarray(spectrum.variance))
    regression = regression_at(denoiser, levels)
    start = jnp.broadcast_to(denoiser.initial_gain, regression.optimal_gain.shape)
    gains = gradient_descent(regression, start, jnp.asarray(clock.step_sizes)[:, :, None], jnp.asarray(clock.steps))
    return {
        "variance_closed_form": np.asarray(generated_variance(denoiser, times)),
        "variance_finite_steps": np.asarray(
            generated_variance_on_schedule(denoiser, times, levels, jnp.swapaxes(gains, 0, 1))
        ),
        "gain_finite_steps": np.asarray(gains),
        "emergence_theory": np.asarray(emergence_time(denoiser)),
        "level": np.asarray(emergence_level(denoiser)),
    }


def _train(config: ExperimentConfig, spectrum: Spectrum, coordinates: np.ndarray, key: PRNGKeyArray) -> Arrays:
    sgd_key, sample_key = jax.random.split(key)
    clock = _clock(config, np.asarray(spectrum.variance))
    network = linear_denoiser(spectrum.dimension, config.initial_gain)
    trained = train_seeds_minibatch(
        network,
        jnp.asarray(coordinates, jnp.float32),
        _noise_levels(config),
        clock,
        seeds=config.seeds,
        batch_size=config.batch_size(np.asarray(spectrum.variance)),
        key=sgd_key,
    )
    variances = generated_mode_variances(
        trained.weight, _noise_levels(config), None, samples=config.generated_samples, key=sample_key
    )
    shown = np.linspace(0, config.snapshots - 1, SHOWN_TIMES).round().astype(int)
    return {
        "gain_trained": np.asarray(mode_gains(trained.weight, None)),
        "variance_trained": variances,
        "shown_snapshots": shown,
        "shown_maps": np.asarray(trained.weight[0, shown]),
    }


def _pictures(config: ExperimentConfig, trained: Arrays, data: ImageData, full: Spectrum, key: PRNGKeyArray) -> Arrays:
    """Samples of the first seed's networks at a few training times, from the same initial noise, and real data."""
    if data.image_shape is None:
        return {}
    modes = trained["shown_maps"].shape[-1]
    levels = _noise_levels(config).astype(jnp.float32)
    initial = levels[0] * jax.random.normal(key, (SHOWN_SAMPLES, modes), jnp.float32)
    generated = [sample_linear_networks(jnp.asarray(maps), levels, initial) for maps in trained["shown_maps"]]
    rest = ((0, 0), (0, 0), (0, full.dimension - modes))
    images = full.from_modes(jnp.pad(jnp.stack(generated), rest))
    return {
        "images_generated": np.asarray(images).reshape(SHOWN_TIMES, SHOWN_SAMPLES, *data.image_shape),
        "images_real": data.samples[:: max(1, len(data.samples) // SHOWN_SAMPLES)][:SHOWN_SAMPLES].reshape(
            SHOWN_SAMPLES, *data.image_shape
        ),
    }


def gain_deviations(data: Arrays) -> np.ndarray:
    """(measured - theory)/standard error of every gain, (snapshots, levels, modes), theory with the same steps.

    The mean weight under SGD on fresh noise follows gradient descent on the expected loss exactly.
    """
    measured = mean_over(data["gain_trained"])
    # At the first times of small noise levels the gain has hardly moved: its error is float32 round-off.
    round_off = 8 * np.finfo(np.float32).eps * np.maximum(np.abs(data["gain_finite_steps"]), 0.1)
    return (measured.value - data["gain_finite_steps"]) / np.hypot(measured.stderr, round_off)


def emergence(data: Arrays, networks: str = "variance_trained") -> np.ndarray:
    """Measured emergence time of every seed and mode, (seeds, modes); NaN where not reached."""
    return first_crossing(data["times"], np.moveaxis(data[networks], 1, 0), data["level"][None])


def usable_modes(data: Arrays, networks: str = "variance_trained") -> np.ndarray:
    """Modes above the resolution of the sampler (λ > 4σ_0²) that emerge in every seed."""
    resolved = data["variance"] > 4 * EDM().sigma_min ** 2
    return resolved & np.isfinite(emergence(data, networks)).all(axis=0)


def experiment_claims(data: Arrays, what: str) -> list[Claim]:
    """The claims of the spectral law for the data set named `what`."""
    source = "Wang & Pehlevan 2025, Secs. 4-5"
    within = float(np.mean(np.abs(gain_deviations(data)) < 4))
    statements = [
        Claim(
            f"{what}: SGD follows gradient flow's weights",
            source,
            "share of (mode, time, noise level) gains within 4 standard errors of Eq. 7 with finite steps ≥ 0.99",
            None,
            0.99,
            within,
            (within, within),
            0.0,
            "greater",
        )
    ]
    used = usable_modes(data)
    if used.sum() < 3:
        return statements
    times = emergence(data)[:, used]
    variance = data["variance"][used]
    fitted = exponents(variance, times)
    ratio = mean_over(np.log(times / data["emergence_theory"][used]).mean(axis=1))
    converged = used & (data["emergence_theory"] < data["times"][-1] / 4)
    offset = mean_over(
        np.log(data["variance_trained"][:, -1] / data["variance_finite_steps"][-1])[:, converged].mean(1)
    )
    return [
        *statements,
        *_exponent_against_theory(data, what, "variance_trained"),
        Claim(
            f"{what}: emergence exponent",
            source,
            "τ* ∝ λ^-α with α ≈ 1",
            1.0,
            None,
            float(fitted.value),
            fitted.interval,
            0.1,
        ),
        Claim(
            f"{what}: emergence times",
            source,
            "mean over modes of ln(τ* trained / τ* closed form) is zero",
            None,
            0.0,
            float(ratio.value),
            ratio.interval,
            0.1,
        ),
        Claim(
            f"{what}: variance of learned modes",
            source,
            "mean over modes learned before a quarter of the run of ln(λ̃ trained / λ̃ theory) at the end is zero",
            None,
            0.0,
            float(offset.value),
            offset.interval,
            0.05,
        ),
        *_exponent_against_theory(data, f"{what}, batches of {int(data['small_batch_size'])}", "variance_small_batch"),
    ]


def _exponent_against_theory(data: Arrays, what: str, networks: str) -> list[Claim]:
    """The exponent of one set of networks beside the closed form's; nothing where fewer than three modes emerge."""
    used = usable_modes(data, networks)
    if used.sum() < 3:
        return []
    fitted = exponents(data["variance"][used], emergence(data, networks)[:, used])
    return [
        Claim(
            f"{what}: emergence exponent against theory",
            "Wang & Pehlevan 2025, Secs. 4-5",
            "exponent α of τ* ∝ λ^-α of trained networks equals the closed form's on the same modes",
            None,
            fit_power_law(data["variance"][used], data["emergence_theory"][used]).exponent,
            float(fitted.value),
            fitted.interval,
            0.05,
        )
    ]


@styled
def draw_experiment(data: Arrays) -> Figure:
    """Spectrum, learning curves, emergence times, and (for images) samples at several training times."""
    pictures = "images_generated" in data
    figure = plt.figure(figsize=(11, 5.4 if pictures else 3.5))
    grid = figure.add_gridspec(2 if pictures else 1, 3, height_ratios=(1, 0.5) if pictures else None)
    axes = np.array([figure.add_subplot(grid[0, column]) for column in range(3)])
    _draw_spectrum(axes[0], data)
    _draw_curves(axes[1], data)
    _draw_emergence(axes[2], data)
    label_panels(axes)
    if pictures:
        _draw_pictures(figure, grid[1, :], data)
    return figure


def _draw_spectrum(axis, data: Arrays) -> None:
    variance = data["variance"]
    axis.loglog(np.arange(1, variance.size + 1), variance, "o", ms=3, color=BLUE)
    axis.set_xlabel("mode k")
    axis.set_ylabel("variance λ of the data")
    axis.set_title(f"spectrum: {int(data['sample_count'])} samples, {int(data['dimension'])} dimensions")


def _draw_curves(axis, data: Arrays) -> None:
    shown = np.unique(np.geomspace(1, data["variance"].size, 8).astype(int)) - 1
    theory = (data["times"], data["variance_closed_form"])
    draw_mode_curves(
        axis, data["variance"], shown, theory, data["times"], variance_over_seeds(data["variance_trained"])
    )
    axis.set_yscale("log")
    axis.set_ylabel("generated variance λ̃")
    axis.set_title("lines: closed form, points: trained by SGD")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 60)
    axis.legend(loc="upper left", ncols=3, columnspacing=1.0, handletextpad=0.2)


def _draw_emergence(axis, data: Arrays) -> None:
    resolved = (data["variance"] > 4 * EDM().sigma_min ** 2) & np.isfinite(data["emergence_theory"])
    variance = data["variance"][resolved]
    draw_emergence(
        axis, variance, data["emergence_theory"][resolved], emergence(data)[:, resolved], usable_modes(data)[resolved]
    )
    axis.axhline(data["times"][-1], color="0.7", lw=0.8)
    axis.text(variance[0], data["times"][-1], "end of training", ha="right", va="bottom", fontsize=7.5, color="0.4")


def _draw_pictures(figure: Figure, cell, data: Arrays) -> None:
    """One block of sample images per training time, all from the same initial noise; real data last."""
    blocks = [*data["images_generated"], data["images_real"]]
    titles = [f"ητ = {data['times'][index]:.2g}" for index in data["shown_snapshots"]] + ["data"]
    centre, spread = data["images_real"].mean(), 2.2 * data["images_real"].std()
    grid = cell.subgridspec(1, len(blocks), wspace=0.06)
    for column, (images, title) in enumerate(zip(blocks, titles, strict=True)):
        axis = figure.add_subplot(grid[0, column])
        brightness = np.clip((_mosaic(images) - centre + spread) / (2 * spread), 0, 1)
        axis.imshow(np.where(np.isnan(brightness), 1.0, brightness), cmap="gray", vmin=0, vmax=1)
        axis.set_title(title)
        axis.set_axis_off()


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Images in a square, with NaN lines between them."""
    side = int(np.sqrt(len(images)))
    framed = [np.pad(image, ((0, 1), (0, 1), (0, 0))[: image.ndim], constant_values=np.nan) for image in images]
    rows = [np.concatenate(framed[row * side : (row + 1) * side], axis=1) for row in range(side)]
    return np.concatenate(rows, axis=0)[:-1, :-1]
