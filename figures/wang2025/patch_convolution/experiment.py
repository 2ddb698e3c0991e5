"""Linear convolutions on photographs: what a filter generates, and when, against its width.

One filter per noise level, trained by full-batch gradient descent on patches of photographs with periodic boundaries
(Wang & Pehlevan 2025, Props. 5.3 and 5.4). A filter as wide as the patch learns every Fourier mode as one layer does,
N times as fast. A narrower one has fewer weights than there are modes: it generates a spectrum of its own, whose
logarithm is a trigonometric polynomial, so that emergence is measured against its own final variance. The closed form
of that spectrum is this project's (App. G.4 integrates numerically).

For filters of 3 and 5 pixels emergence is no power law of the data's variance: a component of the patch moves many
modes at once, some of them down before they rise. The exponents fitted there hang on the mode of largest variance, the
mean grey level, so that they are shown with it and without it.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.panels import draw_mode_curves, exponents
from figures.common.stages import Arrays, RunStage
from figures.common.style import PALETTE, label_panels, plt, power_law_guide, styled
from figures.studies.trained_modes.experiment import (
    Sizes,
    as_stage,
    clock_for,
    discretisation,
    follows_closed_form,
    measured_emergence,
    pair_coefficients,
    share_of_gains,
    share_of_variances,
    theory_of_modes,
    trained_modes,
)
from sims.data.built_in import natural_image_patches
from sims.experiments.linear import training_sets_from_samples
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.modes import first_crossing, variance_over_seeds
from sims.networks.convolution import convolution_denoiser
from sims.sampling.schedules import log_snr_schedule
from sims.training.pairs import SecondMoments
from theory.definitions.processes import EDM
from theory.definitions.spectra import stationary_autocovariance
from theory.spectral_law.generation import generated_variance, generated_variance_by_quadrature
from theory.spectral_law.parametrisations.full_width_convolution import FullWidthConvolution
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.patch_convolution import PatchConvolution
from theory.spectral_law.power_law import PowerLaw, fit_power_law


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are Nητ with η = 1, N the number of pixels."""

    sizes: Sizes
    patches: int = 8192
    patch_size: int = 8
    noise_repeats: int = 8
    widths: tuple[int, ...] = (1, 3, 5, 7)
    initial_gain: float = 0.1
    weight_noise_level: float = 0.3
    noise_levels: int = 32


PRESETS = {
    "quick": Config(
        Sizes(
            first_time=1e-3,
            last_time=2e2,
            snapshots=24,
            seeds=12,
            training_samples=8192 * 8,
            generated_samples=768,
            smallest_steps=16,
        )
    ),
    "paper": Config(
        Sizes(
            first_time=1e-4,
            last_time=1e3,
            snapshots=48,
            seeds=16,
            training_samples=32768 * 16,
            generated_samples=4096,
            smallest_steps=24,
        ),
        patches=32768,
        patch_size=16,
        noise_repeats=16,
        widths=(1, 3, 5, 9, 15),
        noise_levels=96,
    ),
}
PROCESS = EDM(sigma_min=0.01, sigma_max=40.0)
FULL = "full"


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory and trained filters of every width; keys end in the width, or in `full`."""
    patch_key, noise_key, *run_keys = jax.random.split(key, 3 + len(config.widths))
    samples = natural_image_patches(patch_key, count=config.patches, size=config.patch_size, channels="grey")
    samples = np.asarray(samples, np.float32) - np.mean(samples)
    grid = (config.patch_size, config.patch_size)
    autocovariance = stationary_autocovariance(samples.reshape(-1, *grid))
    denoisers = {
        str(width): PatchConvolution.from_autocovariance(autocovariance, width, PROCESS, config.initial_gain, 1.0)
        for width in config.widths
    }
    full = FullWidthConvolution.from_autocovariance(autocovariance, PROCESS, config.initial_gain, 1.0)
    one_layer = OneLayer(full.spectrum, PROCESS, config.initial_gain, 1.0)
    modes = _distinct_modes(grid, np.asarray(full.spectrum.variance))
    arrays: Arrays = {
        "variance": np.asarray(full.spectrum.variance)[modes],
        "widths": np.asarray(config.widths),
        "pixels": np.asarray(full.spectrum.dimension),
        "training_samples": np.asarray(config.sizes.training_samples),
        "one_layer_curve": np.asarray(generated_variance(one_layer, config.sizes.times))[:, modes],
    }
    draw_sets = partial(_training_sets, config, one_layer, samples, noise_key)
    moments = as_stage(stage, draw_sets, share=0.1)
    share = 0.9 / (1 + len(config.widths))
    for (name, denoiser), run_key in zip((denoisers | {FULL: full}).items(), run_keys, strict=True):
        run = partial(_run, config, name, denoiser, moments, modes, run_key)
        words = "full width" if name == FULL else f"width {name}"
        arrays |= {f"{quantity}_{name}": value for quantity, value in stage(words, run, share=share).items()}
    return arrays


def _distinct_modes(grid: tuple[int, int], variance: np.ndarray) -> np.ndarray:
    """One of each pair of frequencies k and -k, which have one variance, in decreasing order of it."""
    frequencies = np.indices(grid).reshape(2, -1)
    opposite = np.ravel_multi_index(tuple(-frequencies), grid, mode="wrap")
    distinct = np.flatnonzero(np.arange(variance.size) <= opposite)
    return distinct[np.argsort(-variance[distinct])]


def _levels(config: Config) -> jax.Array:
    """Every noise level that has a filter: those of the sampler and, last, the one whose gains are compared."""
    return jnp.append(log_snr_schedule(PROCESS, config.noise_levels - 1), config.weight_noise_level)


def _training_sets(config: Config, denoiser, samples, key: PRNGKeyArray) -> SecondMoments:
    """The patches under fresh noise for every seed; what is trained for does not depend on the width."""
    pairs = pair_coefficients(denoiser, _levels(config))
    repeats, seeds = config.noise_repeats, config.sizes.seeds
    return training_sets_from_samples(jnp.asarray(samples), pairs, seeds=seeds, noise_repeats=repeats, key=key)


def _run(config: Config, name: str, denoiser, moments: SecondMoments, modes, key: PRNGKeyArray) -> Arrays:
    pixels = denoiser.spectrum.dimension
    # Shared weights learn `pixels` times as fast.
    sizes = replace(
        config.sizes, first_time=config.sizes.first_time / pixels, last_time=config.sizes.last_time / pixels
    )
    levels = _levels(config)
    clock = clock_for(denoiser, levels, sizes, rate=pixels)
    width = config.patch_size if name == FULL else int(name)
    network = convolution_denoiser(denoiser.grid, (width, width), config.initial_gain)
    trained = trained_modes(denoiser, network, moments, levels, clock, sizes, shown=1, key=key)
    theory = theory_of_modes(denoiser, levels, clock, sizes, shown=1)
    quadrature = np.asarray(generated_variance_by_quadrature(denoiser, sizes.times))
    error = np.abs(np.log(theory["variance_closed_form"] / quadrature)).max()
    return {
        "times": sizes.times,
        "fine_times": theory["fine_times"],
        "closed_form_error": np.asarray(error),
        "gain_trained": trained["gain_trained"][:, 0][..., modes],
        "gain_finite_steps": theory["gain_finite_steps"][0][:, modes],
        "variance_trained": trained["variance_trained"][..., modes],
        **{
            name: theory[name][:, modes] for name in ("variance_curve", "variance_closed_form", "variance_finite_steps")
        },
    }


def _names(data: Arrays) -> list[str]:
    return [*map(str, data["widths"].tolist()), FULL]


def _narrow(data: Arrays) -> str:
    """The narrowest filter that sees a neighbour."""
    return next(name for name in _names(data) if name != "1")


def _times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When generated variances pass the geometric mean of their own first and last values: theory, trained."""
    curve = data[f"variance_curve_{name}"]
    level = np.sqrt(curve[0] * curve[-1])
    theory = first_crossing(data[f"fine_times_{name}"], curve, level)
    measured = first_crossing(data[f"times_{name}"], np.moveaxis(data[f"variance_trained_{name}"], 1, 0), level[None])
    return theory, measured


def _exponent(data: Arrays, name: str, first: int = 0) -> tuple[PowerLaw, Estimate] | None:
    """Exponent of emergence in the data's variance, over the modes that rise and emerge in every seed.

    The law of the closed form, and trained filters. None for fewer than three modes. `first` leaves out that many modes
    of largest variance.
    """
    curve = data[f"variance_curve_{name}"]
    theory, measured = _times(data, name)
    used = np.isfinite(measured).all(axis=0) & np.isfinite(theory) & (curve[-1] > np.e * curve[0])
    used[:first] = False
    if used.sum() < 3:
        return None
    variance = data["variance"][used]
    return fit_power_law(variance, theory[used]), exponents(variance, measured[:, used])


def claims(data: Arrays) -> list[Claim]:
    source, statements = "Wang & Pehlevan 2025, Props. 5.3, 5.4", []
    for name in _names(data):
        words = "full width" if name == FULL else f"width {name}"
        within = share_of_variances(data[f"variance_trained_{name}"], data[f"variance_finite_steps_{name}"])
        statements.append(follows_closed_form(f"photographs, {words}: generated variance", source, within))
    patches = follows_closed_form("photographs, patches of all widths: filters", source, _share_of_filters(data))
    full = follows_closed_form("photographs, full width: filter", source, _share_within(data, FULL))
    statements += [patches, full]
    finite, closed = (
        np.stack([data[f"variance_{kind}_{name}"] for name in _names(data)]) for kind in ("finite_steps", "closed_form")
    )
    statements.append(discretisation("photographs, every width", finite, closed))
    return [*statements, _closed_form(data), _speed_up(data), *_exponent_claims(data)]


def _share_within(data: Arrays, name: str) -> float:
    """Share of (Fourier mode, time) pairs of one width whose gains agree."""
    # Every pixel of every patch is a sample of the one filter.
    samples = int(data["training_samples"] * data["pixels"])
    return share_of_gains(data[f"gain_trained_{name}"], data[f"gain_finite_steps_{name}"], samples)


def _share_of_filters(data: Arrays) -> float:
    """The share over all widths, where each counts by its distinct numbers w(o) = w(-o): (width² + 1)/2 of them.

    One tap gives every Fourier mode the same gain, which counted per mode would stand for as much as a wide filter.
    """
    numbers = (data["widths"] ** 2 + 1) / 2
    return float(np.average([_share_within(data, str(width)) for width in data["widths"]], weights=numbers))


def _closed_form(data: Arrays) -> Claim:
    error = max(float(data[f"closed_form_error_{name}"]) for name in _names(data))
    statement = "closed form of the generated spectrum equals quadrature: largest |Δ ln λ̃| over widths, modes and times"
    return Claim("generated spectrum in closed form", "this project", statement, None, 0.0, error, (error, error), 1e-8)


def _speed_up(data: Arrays) -> Claim:
    level = np.sqrt(data[f"variance_curve_{FULL}"][0] * data["variance"])
    measured = measured_emergence(data[f"times_{FULL}"], data[f"variance_trained_{FULL}"], level)
    # One layer at the same snapshots, N times later: both are interpolated alike.
    expected = first_crossing(data["pixels"] * data[f"times_{FULL}"], data["one_layer_curve"], level)
    seen = np.isfinite(measured).all(axis=0) & np.isfinite(expected)
    ratio = mean_over(np.mean(data["pixels"] * measured[:, seen] / expected[seen][None], axis=1))
    return Claim(
        "full width: N-fold speed-up",
        "Wang & Pehlevan 2025, Prop. 5.3",
        "N times the emergence time of the trained filters over that of one layer, mean over modes",
        1.0,
        None,
        float(ratio.value),
        ratio.interval,
        0.05,
    )


def _exponent_claims(data: Arrays) -> list[Claim]:
    statements = []
    for name in _names(data):
        fits = _exponent(data, name)
        if fits is None:
            continue
        theory, measured = fits
        words = "full width" if name == FULL else f"width {name}"
        statement = "exponent of emergence in the data's variance, trained filters against closed form"
        statements.append(
            Claim(
                f"photographs, {words}: exponent",
                "Wang & Pehlevan 2025, Tab. 2",
                statement,
                1.0 if name == FULL else None,
                float(theory.exponent),
                float(measured.value),
                measured.interval,
                0.05,
            )
        )
    return [*statements, _shallower(data)]


def _shallower(data: Arrays) -> Claim:
    """The narrowest filter that sees a neighbour against the closed form of the full width.

    The interval is that over seeds. It says nothing of the fit, which is poor for a narrow filter.
    """
    narrow = _narrow(data)
    full, fits = _exponent(data, FULL), _exponent(data, narrow)
    value, interval = (np.nan, (np.nan, np.nan)) if fits is None else (float(fits[1].value), fits[1].interval)
    return Claim(
        f"photographs, width {narrow}: shallower exponent than full width",
        "Wang & Pehlevan 2025, Tab. 2",
        "smaller patches have shallower exponents",
        None,
        np.nan if full is None else float(full[0].exponent),
        value,
        interval,
        0.0,
        "less",
    )


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(12.5, 7.2))
    _draw_spectra(axes[0, 0], data)
    narrow = _narrow(data)
    _draw_curves(axes[0, 1], data, FULL, "full width")
    _draw_curves(axes[0, 2], data, narrow, f"width {narrow}")
    _draw_emergence(axes[1, 0], data)
    _draw_exponents(axes[1, 1], data)
    _draw_distances(axes[1, 2], data)
    label_panels(axes)
    return figure


def _styles(data: Arrays) -> dict[str, tuple[str, str]]:
    """Colour and label of every width."""
    colours = (*PALETTE[: data["widths"].size], "black")
    labels = [*(f"width {width}" for width in data["widths"]), "full width"]
    return dict(zip(_names(data), zip(colours, labels, strict=True), strict=True))


def _draw_spectra(axis, data: Arrays) -> None:
    rank = 1 + np.arange(data["variance"].size)
    axis.semilogy(rank, data["variance"], color="0.6", lw=4, label="data")
    for name, (colour, label) in _styles(data).items():
        axis.plot(rank, data[f"variance_curve_{name}"][-1], color=colour, lw=1.1, label=label)
        measured = variance_over_seeds(data[f"variance_trained_{name}"][:, -1])
        axis.errorbar(rank, measured.value, yerr=2 * measured.stderr, fmt="o", ms=2.5, lw=0.8, color=colour)
    axis.set_xlabel("Fourier mode, in order of the data's variance")
    axis.set_ylabel("variance")
    axis.set_title("generated spectrum after training")
    axis.legend(ncols=2)


def _draw_curves(axis, data: Arrays, name: str, title: str) -> None:
    shown = np.unique(np.linspace(0, data["variance"].size - 1, 6).round().astype(int))
    pixels = data["pixels"]
    curves = (pixels * data[f"fine_times_{name}"], data[f"variance_curve_{name}"])
    measured = variance_over_seeds(data[f"variance_trained_{name}"])
    draw_mode_curves(axis, data["variance"], shown, curves, pixels * data[f"times_{name}"], measured)
    axis.set_yscale("log")
    axis.set_xlabel("training time Nητ")
    axis.set_ylabel("generated variance λ̃")
    axis.set_title(title)
    axis.legend(fontsize=6.5)


def _draw_emergence(axis, data: Arrays) -> None:
    for name, (colour, label) in _styles(data).items():
        theory, measured = _times(data, name)
        axis.loglog(data["variance"], data["pixels"] * theory, color=colour, lw=1, label=label)
        seen = np.isfinite(measured).all(axis=0)
        times = mean_over(data["pixels"] * measured[:, seen])
        axis.errorbar(data["variance"][seen], times.value, yerr=2 * times.stderr, fmt="o", ms=2.5, lw=0.8, color=colour)
    first = data["pixels"] * np.nanmin(_times(data, FULL)[0])
    power_law_guide(axis, data["variance"], (data["variance"][0], 2 * first), 1.0, "slope -1")
    axis.set_xlabel("data's variance λ of the mode")
    axis.set_ylabel("emergence time Nητ*")
    axis.set_title("emergence of each mode's own final variance")
    axis.legend()


def _draw_exponents(axis, data: Arrays) -> None:
    """Bars: two standard errors, of the power-law fit for the closed form and over seeds for trained filters."""
    for first, colour, words in ((0, PALETTE[0], "all modes"), (1, PALETTE[1], "without the largest")):
        fits = {place: fit for place, name in enumerate(_names(data)) if (fit := _exponent(data, name, first))}
        places = np.array(list(fits)) + 0.1 * first
        laws = [law.exponent for law, _ in fits.values()], [2 * law.stderr for law, _ in fits.values()]
        trained = [each.value for _, each in fits.values()], [2 * each.stderr for _, each in fits.values()]
        axis.errorbar(places, *laws, fmt="s", ms=7, mfc="none", color=colour, label=f"closed form, {words}")
        axis.errorbar(places, *trained, fmt="o", ms=3, color=colour, label=f"trained, {words}")
    axis.axhline(1.0, color="0.6", lw=0.8, ls=":")
    _mark_widths(axis, data)
    axis.set_ylabel("exponent α of τ* ∝ λ^-α")
    axis.set_title("power-law fits of emergence against width")
    axis.legend(loc="lower right")


def _mark_widths(axis, data: Arrays) -> None:
    axis.set_xticks(np.arange(len(_names(data))), _names(data))
    axis.set_xlabel("width of the filter in pixels")


def _draw_distances(axis, data: Arrays) -> None:
    positions, target = np.arange(len(_names(data))), np.log(data["variance"])
    theory = [np.sqrt(np.mean((np.log(data[f"variance_curve_{name}"][-1]) - target) ** 2)) for name in _names(data)]
    trained = [
        np.sqrt(np.mean((np.log(data[f"variance_trained_{name}"][:, -1]).mean(axis=0) - target) ** 2))
        for name in _names(data)
    ]
    axis.plot(positions, theory, "-", color=PALETTE[0], label="closed form")
    axis.plot(positions, trained, "o", ms=4, color=PALETTE[1], label="trained")
    _mark_widths(axis, data)
    axis.set_ylabel("r.m.s. ln(λ̃/λ) over modes")
    axis.set_title("distance from the data's spectrum")
    axis.legend()
