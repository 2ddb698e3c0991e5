"""Deep linear denoisers of depth 1 to 6, aligned and balanced (Wang & Pehlevan 2025, App. F.3).

Depth sharpens the transition of every mode and, from a small initial gain, makes it wait: τ ∝ Q^{2/L-1}/λ. The
inverse-variance law of the weights survives at every depth. Networks of depth 3 and 4 with generic layers whose product
is aligned are trained by full-batch gradient descent beside the implicit solution.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.panels import draw_mode_curves
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLACK, PALETTE, label_panels, plt, power_law_guide, styled
from figures.studies.trained_modes.experiment import (
    FINE_TIMES,
    FittedExponent,
    Sizes,
    as_stage,
    clock_for,
    discretisation,
    exponent_claim,
    fitted_exponent,
    follows_closed_form,
    gain_at,
    measured_emergence,
    share_of_gains,
    share_of_variances,
    theory_of_modes,
    trained_modes,
    training_sets,
)
from sims.measurements.estimates import mean_over
from sims.measurements.modes import first_crossing, variance_over_seeds
from sims.networks.linear import deep_linear_denoiser
from sims.sampling.schedules import log_snr_schedule
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.deep_linear import DeepLinear
from theory.spectral_law.power_law import fit_power_law


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    sizes: Sizes
    variances: tuple[float, ...] = (3.0, 1.5, 0.75, 0.36, 0.18, 0.09)
    initial_gain: float = 0.1
    weight_noise_level: float = 1.0
    noise_levels: int = 30
    depths: tuple[int, ...] = (1, 2, 3, 4, 6)
    trained_depths: tuple[int, ...] = (3, 4)
    initial_gains: tuple[float, float, int] = (1e-6, 1e-1, 21)  # for the waiting time: first, last, number


_QUICK = Sizes(
    first_time=3e-2,
    last_time=1.5e1,
    snapshots=16,
    seeds=12,
    training_samples=524288,
    generated_samples=1024,
    smallest_steps=24,
)
PRESETS = {
    "quick": Config(_QUICK),
    "paper": Config(
        Sizes(
            first_time=1e-2,
            last_time=1e2,
            snapshots=40,
            seeds=24,
            training_samples=2097152,
            generated_samples=4096,
            smallest_steps=24,
        ),
        noise_levels=96,
        trained_depths=(2, 3, 4, 6),
    ),
}
PROCESS = EDM(sigma_min=0.01, sigma_max=20.0)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory for every depth, [depth, ...], and trained networks, whose keys end in their depth."""
    rotation_key, data_key, *run_keys = jax.random.split(key, 2 + len(config.trained_depths))
    variances = jnp.asarray(config.variances)
    basis, _ = jnp.linalg.qr(jax.random.normal(rotation_key, (variances.size, variances.size)))
    spectrum = Spectrum(jnp.zeros_like(variances), variances, basis)
    arrays: Arrays = {
        "variance": np.asarray(variances),
        "times": config.sizes.times,
        "depths": np.asarray(config.depths),
        "trained_depths": np.asarray(config.trained_depths),
        "training_samples": np.asarray(config.sizes.training_samples),
    }
    arrays |= stage("theory of all depths", partial(_all_depths, config, spectrum), share=0.45)
    # What is trained for does not depend on the depth.
    levels = jnp.append(log_snr_schedule(PROCESS, config.noise_levels - 1), config.weight_noise_level)
    shallow = _denoiser(config, spectrum, 1)
    moments = as_stage(stage, partial(training_sets, shallow, levels, config.sizes, data_key), share=0.05)
    share = 0.5 / len(config.trained_depths)
    for depth, run_key in zip(config.trained_depths, run_keys, strict=True):
        run = stage(f"depth {depth}", partial(_run, config, spectrum, depth, levels, moments, run_key), share=share)
        arrays |= {f"{name}_{depth}": value for name, value in run.items()}
    return arrays


def _denoiser(config: Config, spectrum: Spectrum, depth: int) -> DeepLinear:
    return DeepLinear(spectrum, PROCESS, config.initial_gain, learning_rate=1.0, depth=depth)


def _all_depths(config: Config, spectrum: Spectrum) -> Arrays:
    """Gains of one mode, emergence times of weights and variances, and how long a mode waits from a small gain."""
    # As many times as `theory_of_modes` asks for, which for the trained depths then runs what is compiled here.
    count = FINE_TIMES + config.sizes.snapshots
    fine = np.geomspace(config.sizes.first_time / 10, 3 * config.sizes.last_time, count)
    level = jnp.asarray(config.weight_noise_level, float)
    arrays = [_one_depth(_denoiser(config, spectrum, depth), fine, level) for depth in config.depths]
    gains = np.geomspace(*config.initial_gains)
    # One mode of unit variance per initial gain; its optimum is λ/(λ + σ²).
    copies, long = Spectrum.from_variances(np.ones(gains.size)), np.geomspace(1e-2, 1e6, 1200)
    half = (gains + 1 / (1 + config.weight_noise_level**2)) / 2
    waits = [
        gain_at(DeepLinear(copies, PROCESS, gains, learning_rate=1.0, depth=depth), jnp.asarray(long), level)
        for depth in config.depths
    ]
    return {name: np.stack([each[name] for each in arrays]) for name in arrays[0]} | {
        "fine_times": fine,
        "initial_gains": gains,
        "waiting": np.stack([first_crossing(long, np.asarray(curve), half) for curve in waits]),
    }


def _one_depth(denoiser: DeepLinear, fine: np.ndarray, level: jax.Array) -> Arrays:
    """Gains at the shown noise level; when they pass the harmonic mean of their ends, and variances their level."""
    *gains, final = np.asarray(gain_at(denoiser, jnp.append(fine, jnp.inf), level))
    every = np.asarray(generated_variance(denoiser, np.append(fine, 0.0)))
    variances, geometric = every[:-1], np.sqrt(every[-1] * np.asarray(denoiser.spectrum.variance))
    initial, gains = np.asarray(denoiser.initial_gain), np.asarray(gains)
    middle = 2 * initial * final / (initial + final)
    return {
        "gain_by_depth": gains,
        "weight_emergence": np.where(final > 1.2 * initial, first_crossing(fine, gains, middle), np.nan),
        "emergence": first_crossing(fine, variances, geometric),
    }


def _run(config: Config, spectrum: Spectrum, depth: int, levels, moments, key: PRNGKeyArray) -> Arrays:
    start_key, sample_key = jax.random.split(key)
    denoiser = _denoiser(config, spectrum, depth)
    clock = clock_for(denoiser, levels, config.sizes, layers=depth, together=True)
    network = deep_linear_denoiser(start_key, spectrum.dimension, depth, config.initial_gain)
    theory = theory_of_modes(denoiser, levels, clock, config.sizes, shown=1)
    return theory | trained_modes(denoiser, network, moments, levels, clock, config.sizes, shown=1, key=sample_key)


def claims(data: Arrays) -> list[Claim]:
    source, statements = "Wang & Pehlevan 2025, App. F.3", []
    for depth in data["trained_depths"]:
        within = share_of_variances(data[f"variance_trained_{depth}"], data[f"variance_finite_steps_{depth}"])
        statements.append(follows_closed_form(f"depth {depth}: generated variance", source, within))
        gains, expected = data[f"gain_trained_{depth}"], data[f"gain_finite_steps_{depth}"]
        within = share_of_gains(gains, expected, int(data["training_samples"]))
        statements.append(follows_closed_form(f"depth {depth}: weights", source, within))
        finite, closed = data[f"variance_finite_steps_{depth}"], data[f"variance_closed_form_{depth}"]
        statements.append(discretisation(f"depth {depth}", finite, closed))
        emergence = _emergence(data, depth)
        name = f"depth {depth}: emergence exponent against theory"
        theory = data[f"emergence_theory_{depth}"]
        statements.append(exponent_claim(name, source, data["variance"], emergence, theory))
    return [*statements, _depth_keeps_the_law(data), _waiting_law(data)]


def _emergence(data: Arrays, depth: int) -> np.ndarray:
    return measured_emergence(data["times"], data[f"variance_trained_{depth}"], data[f"level_{depth}"])


def _fit(data: Arrays, depth: int) -> FittedExponent:
    return fitted_exponent(data["variance"], _emergence(data, depth), data[f"emergence_theory_{depth}"])


def _depth_keeps_the_law(data: Arrays) -> Claim:
    """The exponent of the deepest trained networks against the paper's law."""
    depth = int(data["trained_depths"].max())
    fit = _fit(data, depth)
    return Claim(
        f"depth {depth}: inverse-variance law",
        "Wang & Pehlevan 2025, App. F.3",
        "depth accelerates or delays but does not remove the bias: τ* ∝ λ^-α with α ≈ 1",
        1.0,
        None,
        fit.measured,
        fit.interval,
        0.1,
    )


def _waiting_law(data: Arrays) -> Claim:
    """Exponent of the waiting time in Q at the greatest depth, between the two smallest initial gains."""
    depth = int(data["depths"][-1])
    times = np.log(data["waiting"][-1, :3])
    exponent = float(np.polyfit(np.log(data["initial_gains"][:3]), times, 1)[0])
    return Claim(
        f"depth {depth}: waiting time",
        "this project, from App. F.3",
        "τ* ∝ Q^{2/L-1} for small Q: exponent of the implicit solution between Q = 1e-6 and 3e-6",
        None,
        2 / depth - 1,
        exponent,
        (exponent, exponent),
        0.02,
    )


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(12, 7))
    _draw_gains(axes[0, 0], data)
    for axis, depth in zip(axes[0, 1:], data["trained_depths"], strict=False):
        _draw_variances(axis, data, int(depth))
    _draw_emergence(axes[1, 0], data)
    _draw_exponents(axes[1, 1], data)
    _draw_waiting(axes[1, 2], data)
    label_panels(axes)
    return figure


def _colours(data: Arrays) -> dict[int, str]:
    return dict(zip(data["depths"].tolist(), (BLACK, *PALETTE), strict=False))


def _draw_gains(axis, data: Arrays) -> None:
    mode = 1
    for index, (depth, colour) in enumerate(_colours(data).items()):
        axis.semilogx(data["fine_times"], data["gain_by_depth"][index, :, mode], color=colour, label=f"L = {depth}")
    for depth in data["trained_depths"].tolist():
        gains = mean_over(data[f"gain_trained_{depth}"][:, 0, :, mode])
        axis.errorbar(data["times"], gains.value, yerr=2 * gains.stderr, fmt="o", ms=3, color=_colours(data)[depth])
    axis.set_xlabel("training time ητ")
    axis.set_ylabel("gain uᵀWu")
    axis.set_title(f"weight at σ = 1, λ = {data['variance'][mode]:g} (points: trained)")
    axis.legend()


def _draw_variances(axis, data: Arrays, depth: int) -> None:
    curves = (data[f"fine_times_{depth}"], data[f"variance_curve_{depth}"])
    measured = variance_over_seeds(data[f"variance_trained_{depth}"])
    draw_mode_curves(axis, data["variance"], np.arange(data["variance"].size), curves, data["times"], measured)
    axis.set_yscale("log")
    axis.set_ylabel("generated variance λ̃")
    axis.set_title(f"depth {depth}")
    axis.set_ylim(None, 40)
    axis.legend(loc="upper left", ncols=2)


def _draw_emergence(axis, data: Arrays) -> None:
    for index, (depth, colour) in enumerate(_colours(data).items()):
        axis.loglog(data["variance"], data["emergence"][index], color=colour, lw=1.2)
        if depth in data["trained_depths"]:
            times = _emergence(data, depth)
            seen = np.isfinite(times).all(axis=0)
            estimate = mean_over(times[:, seen])
            axis.errorbar(
                data["variance"][seen],
                estimate.value,
                yerr=2 * estimate.stderr,
                fmt="o",
                ms=3.5,
                color=colour,
                label=f"trained, L = {depth}",
            )
    power_law_guide(
        axis, data["variance"], (data["variance"][0], 1.6 * data["emergence"].max(axis=0)[0]), 1.0, "slope -1"
    )
    axis.set_xlabel("variance λ of the mode")
    axis.set_ylabel("emergence time ητ*")
    axis.set_title("emergence of the generated variance")
    axis.legend()


def _draw_exponents(axis, data: Arrays) -> None:
    for name, words, colour in (
        ("emergence", "generated variance", PALETTE[0]),
        ("weight_emergence", "weight, σ = 1", PALETTE[1]),
    ):
        fits = [fit_power_law(data["variance"], times) for times in data[name]]
        axis.plot(data["depths"], [fit.exponent for fit in fits], "-", color=colour, label=f"theory, {words}")
    for depth in data["trained_depths"].tolist():
        fit = _fit(data, depth)
        low, high = fit.interval
        error = [[fit.measured - low], [high - fit.measured]]
        axis.errorbar([depth], [fit.measured], yerr=error, fmt="o", ms=4, color=PALETTE[0])
    axis.axhline(1.0, color="0.6", lw=0.8, ls=":")
    axis.set_ylim(0.85, 1.15)
    axis.set_xlabel("depth L")
    axis.set_ylabel("exponent α of τ* ∝ λ^-α")
    axis.set_title("the law at every depth (points: trained)")
    axis.legend(loc="lower left")


def _draw_waiting(axis, data: Arrays) -> None:
    for index, (depth, colour) in enumerate(_colours(data).items()):
        axis.loglog(data["initial_gains"], data["waiting"][index], color=colour, label=f"L = {depth}")
    axis.set_xlabel("initial gain Q")
    axis.set_ylabel("time to half of the optimum, ητ")
    axis.set_title("waiting for a mode of λ = 1, σ = 1")
    axis.legend()
