"""Table 1 of Wang & Pehlevan 2025 with every cell checked: what each architecture does to the learning of a spectrum.

Five networks learn the same stationary data on a ring: one layer, tied and untied two layers, the full-width and a
patch convolution. Each cell holds what the theory says and what trained networks measured. The columns are the time at
which weights emerge, the exponent of the generated variance, the speed against one layer, and whether the data's
spectrum is reached in the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLUE, GREEN, VERMILION, plt, styled
from figures.studies.trained_modes.experiment import Sizes, as_stage, clock_for, theory_of_modes, trained_modes, training_sets
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.modes import first_crossing
from sims.networks.convolution import convolution_denoiser
from sims.networks.linear import AbstractLinearNetwork, linear_denoiser, tied_two_layer_denoiser, two_layer_denoiser
from sims.sampling.schedules import log_snr_schedule
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.parametrisations.full_width_convolution import FullWidthConvolution
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.patch_convolution import PatchConvolution
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer
from theory.spectral_law.parametrisations.two_layer import TwoLayer
from theory.spectral_law.power_law import fit_power_law

PROCESS = EDM(sigma_min=0.01, sigma_max=20.0)
WIDTH = 3


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    sizes: Sizes
    points: int = 9
    initial_gain: float = 0.1
    weight_noise_level: float = 0.3
    noise_levels: int = 28


PRESETS = {
    "quick": Config(
        Sizes(
            first_time=2e-3,
            last_time=2e1,
            snapshots=24,
            seeds=8,
            training_samples=262144,
            generated_samples=1024,
            smallest_steps=16,
        )
    ),
    "paper": Config(
        Sizes(
            first_time=1e-3,
            last_time=5e1,
            snapshots=48,
            seeds=24,
            training_samples=2097152,
            generated_samples=4096,
            smallest_steps=24,
        ),
        points=15,
        noise_levels=96,
    ),
}

# name: words, layers (for the steps), how many positions share a weight (per point of the ring)
ROWS: dict[str, tuple[str, int, bool]] = {
    "one_layer": ("one layer", 1, False),
    "tied": ("two layers, tied", 2, False),
    "untied": ("two layers, untied", 2, False),
    "full_width": ("full-width convolution", 1, True),
    "patch": (f"patch convolution, width {WIDTH}", 1, True),
}


def autocovariance(points: int) -> np.ndarray:
    """A ring whose Fourier variances fall from 3 as (1 + 2k)^-3/2."""
    frequency = np.minimum(np.arange(points), points - np.arange(points))
    return np.fft.ifft(3.0 / (1.0 + 2 * frequency) ** 1.5).real


def _denoisers(config: Config) -> dict[str, AbstractDenoiser]:
    ring = autocovariance(config.points)
    spectrum, gain = Spectrum.from_autocovariance(ring), config.initial_gain
    return {
        "one_layer": OneLayer(spectrum, PROCESS, gain, 1.0),
        "tied": SymmetricTwoLayer(spectrum, PROCESS, gain, 1.0),
        "untied": TwoLayer(spectrum, PROCESS, gain, 1.0),
        "full_width": FullWidthConvolution.from_autocovariance(ring, PROCESS, gain, 1.0),
        "patch": PatchConvolution.from_autocovariance(ring, WIDTH, PROCESS, gain, 1.0),
    }


def _network(name: str, config: Config, key: PRNGKeyArray) -> AbstractLinearNetwork:
    points, gain = config.points, config.initial_gain
    build: dict[str, Callable[[], AbstractLinearNetwork]] = {
        "one_layer": lambda: linear_denoiser(points, gain),
        "tied": lambda: tied_two_layer_denoiser(key, points, gain),
        "untied": lambda: two_layer_denoiser(key, points, gain),
        "full_width": lambda: convolution_denoiser((points,), (points,), gain),
        "patch": lambda: convolution_denoiser((points,), (WIDTH,), gain),
    }
    return build[name]()


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory and trained networks of every row; keys end in the row's name."""
    data_key, *run_keys = jax.random.split(key, 1 + len(ROWS))
    denoisers = _denoisers(config)
    arrays: Arrays = {
        "variance": np.asarray(denoisers["one_layer"].spectrum.variance),
        "weight_noise_level": np.asarray(config.weight_noise_level),
        "times": config.sizes.times,
    }
    # All rows learn the same data at the same noise levels.
    levels = jnp.append(log_snr_schedule(PROCESS, config.noise_levels - 1), config.weight_noise_level)
    draw_sets = partial(training_sets, denoisers["one_layer"], levels, config.sizes, data_key)
    moments = as_stage(stage, draw_sets, share=0.1)
    for (name, denoiser), run_key in zip(denoisers.items(), run_keys, strict=True):
        run = partial(_run, config, name, denoiser, levels, moments, run_key)
        results = stage(ROWS[name][0], run, share=0.9 / len(ROWS))
        arrays |= {f"{quantity}_{name}": value for quantity, value in results.items()}
    return arrays


def _run(config: Config, name: str, denoiser: AbstractDenoiser, levels, moments, key: PRNGKeyArray) -> Arrays:
    start_key, sample_key = jax.random.split(key)
    _, layers, shared = ROWS[name]
    # Shared weights learn `points` times as fast, so they are followed over times that much shorter.
    speed = config.points if shared else 1
    sizes = config.sizes
    scaled = replace(sizes, first_time=sizes.first_time / speed, last_time=sizes.last_time / speed)
    clock = clock_for(denoiser, levels, scaled, layers=layers, rate=speed * (2 if name == "tied" else 1))
    network = _network(name, config, start_key)
    trained = trained_modes(denoiser, network, moments, levels, clock, scaled, shown=1, key=sample_key)
    theory = theory_of_modes(denoiser, levels, clock, scaled, shown=1)
    return {
        "snapshots": scaled.times,
        "fine": theory["fine_times"],
        "gain": theory["gain_curve"][0],
        "gain_trained": trained["gain_trained"][:, 0],
        "variance": theory["variance_curve"],
        "variance_trained": trained["variance_trained"],
    }


# --- What the cells hold: (theory, measured) ---


def _modes(data: Arrays) -> np.ndarray:
    """One of each pair of Fourier modes, k = 0 … N/2."""
    return np.arange(data["variance"].size // 2 + 1)


def _weight_times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When gains pass the harmonic mean of their first and last values: theory (modes,), trained (seeds, modes)."""
    modes, curve = _modes(data), data[f"gain_{name}"]
    first, last = curve[0, modes], curve[-1, modes]
    level = 2 * first * last / (first + last)
    theory = first_crossing(data[f"fine_{name}"], curve[:, modes], level)
    measured = np.moveaxis(data[f"gain_trained_{name}"][..., modes], 1, 0)
    return theory, first_crossing(data[f"snapshots_{name}"], measured, level[None])


def _times(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """When generated variances pass the geometric mean of their first and *last* values, theory and trained."""
    modes, curve = _modes(data), data[f"variance_{name}"]
    level = np.sqrt(curve[0, modes] * curve[-1, modes])
    theory = first_crossing(data[f"fine_{name}"], curve[:, modes], level)
    measured = np.moveaxis(data[f"variance_trained_{name}"][..., modes], 1, 0)
    return theory, first_crossing(data[f"snapshots_{name}"], measured, level[None])


def _exponent(data: Arrays, name: str) -> tuple[float, Estimate]:
    variance = data["variance"][_modes(data)]
    theory, measured = _times(data, name)
    fitted = np.array([fit_power_law(variance, times).exponent for times in measured])
    return fit_power_law(variance, theory).exponent, mean_over(fitted)


def _weight_ratio(data: Arrays, name: str) -> tuple[float, Estimate]:
    """Trained over theoretical time of the weight, mean over the modes with something to learn."""
    theory, measured = _weight_times(data, name)
    curve = data[f"gain_{name}"][:, _modes(data)]
    usable = np.isfinite(measured).all(axis=0) & np.isfinite(theory) & (np.abs(np.log(curve[-1] / curve[0])) > 0.5)
    return 1.0, mean_over(np.mean(measured[:, usable] / theory[usable][None], axis=1))


def _speed(data: Arrays, name: str) -> tuple[float, Estimate]:
    """How many times earlier than with one layer the largest variance emerges."""
    (theory, measured), (one_theory, one_measured) = _times(data, name), _times(data, "one_layer")
    return float(one_theory[0] / theory[0]), mean_over(one_measured[:, 0] / measured[:, 0])


def _reached(data: Arrays, name: str) -> tuple[float, Estimate]:
    """Root mean square of ln(λ̃/λ) at the end of the run, with the jackknife's standard error over seeds.

    Logarithms are averaged over seeds first: sampling noise would add to the square of every single one.
    """
    target = np.log(data["variance"])
    theory = _root_mean_square(np.log(data[f"variance_{name}"][-1]) - target)
    deviations = np.log(data[f"variance_trained_{name}"][:, -1]) - target[None]
    seeds = len(deviations)
    without_one = [_root_mean_square(np.delete(deviations, seed, axis=0).mean(axis=0)) for seed in range(seeds)]
    stderr = np.sqrt((seeds - 1) * np.var(without_one))
    return theory, Estimate(np.asarray(_root_mean_square(deviations.mean(axis=0))), stderr, seeds)


def _root_mean_square(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))


# name: words, statement, tolerance (times the theory where that exceeds one), question
COLUMNS: dict[str, tuple[str, str, float, Callable[[Arrays, str], tuple[float, Estimate]]]] = {
    "weight": ("weight: trained/theory", "emergence time of the weights, trained over theory", 0.05, _weight_ratio),
    "exponent": ("exponent of λ̃", "exponent of the emergence of generated variance", 0.05, _exponent),
    "speed": ("speed-up", "how many times earlier than one layer the largest variance emerges", 0.05, _speed),
    "reached": (
        "r.m.s. ln(λ̃/λ) at end",
        "distance of the generated from the data's spectrum at the end",
        0.05,
        _reached,
    ),
}


def _cell(data: Arrays, row: str, column: str) -> Claim:
    _, statement, tolerance, question = COLUMNS[column]
    theory, measured = question(data, row)
    return Claim(
        f"{ROWS[row][0]}: {COLUMNS[column][0]}",
        "Wang & Pehlevan 2025, Tab. 1",
        statement,
        None,
        theory,
        float(measured.value),
        measured.interval,
        tolerance * max(1.0, theory),
    )


def claims(data: Arrays) -> list[Claim]:
    cells = [_cell(data, row, column) for row in ROWS for column in COLUMNS if (row, column) != ("one_layer", "speed")]
    return [*cells, _sharing_keeps_the_law(data), _patches_are_shallower(data), _simultaneous(data)]


def _sharing_keeps_the_law(data: Arrays) -> Claim:
    _, measured = _exponent(data, "full_width")
    return Claim(
        f"{ROWS['full_width'][0]}: inverse-variance law",
        "Wang & Pehlevan 2025, abstract",
        "weight sharing multiplies the rates but keeps τ* ∝ λ^-1",
        1.0,
        None,
        float(measured.value),
        measured.interval,
        0.1,
    )


def _patches_are_shallower(data: Arrays) -> Claim:
    _, measured = _exponent(data, "patch")
    return Claim(
        f"{ROWS['patch'][0]}: shallower exponent",
        "Wang & Pehlevan 2025, Tab. 2",
        "a local filter makes the exponent smaller than one",
        1.0,
        None,
        float(measured.value),
        measured.interval,
        0.0,
        "less",
    )


def _simultaneous(data: Arrays) -> Claim:
    """Latest over earliest emergence among the modes of the patch convolution."""
    theory, measured = _times(data, "patch")
    spread = mean_over(measured.max(axis=1) / measured.min(axis=1))
    return Claim(
        f"{ROWS['patch'][0]}: spread of emergence times",
        "this project",
        "latest over earliest emergence time of its modes equals the closed form's",
        None,
        float(theory.max() / theory.min()),
        float(spread.value),
        spread.interval,
        0.7,
    )


@styled
def draw(data: Arrays) -> Figure:
    figure, axis = plt.subplots(figsize=(11, 3.6))
    axis.axis("off")
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    lefts = np.linspace(0.27, 0.85, len(COLUMNS))
    heights = np.linspace(0.78, 0.08, len(ROWS))
    for left, (words, *_) in zip(lefts, COLUMNS.values(), strict=True):
        axis.text(left, 0.93, words, ha="center", va="center", fontweight="bold")
    axis.plot([0, 1], [0.86, 0.86], color="0.4", lw=0.8)
    for height, (row, (words, *_)) in zip(heights, ROWS.items(), strict=True):
        axis.text(0.0, height, words, ha="left", va="center")
        for left, column in zip(lefts, COLUMNS, strict=True):
            _draw_cell(
                axis, left, height, None if (row, column) == ("one_layer", "speed") else _cell(data, row, column)
            )
    axis.set_title("theory  |  trained ± half of the 95 % interval: verdict", loc="left")
    return figure


def _draw_cell(axis, left: float, height: float, claim: Claim | None) -> None:
    if claim is None:
        axis.text(left, height, "1 (reference)", ha="center", va="center", color="0.4")
        return
    half_width = (claim.interval[1] - claim.interval[0]) / 2
    colour = {"holds": BLUE, "differs": VERMILION}.get(claim.verdict, GREEN)
    short = {"holds": "holds", "differs": "differs"}.get(claim.verdict, "open")
    text = f"{claim.reference:.3g}  |  {claim.measured:.3g} ± {half_width:.1g}: {short}"
    axis.text(left, height, text, ha="center", va="center", color=colour)
