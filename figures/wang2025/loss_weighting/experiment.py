"""The exponent of the spectral law is set by the loss weighting: τ* ∝ λ^-(1-a) for the weight w = σ^-2a.

Under λ, σ² → kλ, kσ² the optimal gains are unchanged and every training rate (λ + σ²)σ^-2a is multiplied by k^(1-a), so
a level in proportion to λ is reached at times ∝ λ^-(1-a): a = 1 trains all modes at once. One-layer denoisers trained
with six values of a, and with two weightings in common use, beside the theory. What counts as emerged matters: at the
geometric mean of initial and target variance, whose level goes as √λ, the exponent is 1 - a/2.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.panels import exponents
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLACK, PALETTE, label_panels, plt, styled
from figures.studies.trained_modes.experiment import (
    Sizes,
    as_stage,
    clock_for,
    exponent_claim,
    measured_emergence,
    pair_coefficients,
    trained_modes,
    training_sets,
)
from sims.measurements.estimates import Estimate, mean_over
from sims.networks.linear import linear_denoiser
from sims.sampling.schedules import log_snr_schedule
from sims.training.pairs import SecondMoments
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.weights import (
    AbstractWeight,
    EDMWeight,
    LogNormalDensity,
    MinSNRWeight,
    PowerWeight,
    ProductWeight,
    TrainingSpeed,
)
from theory.spectral_law.emergence import Mean, emergence_level, emergence_time
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.power_law import fit_power_law

# Data in units of EDM's σ_d; its noise levels are drawn about ln σ = -1.2 for σ_d = 1/2, with standard deviation 1.2.
_EDM_SPEED = TrainingSpeed(EDMWeight(1.0), EDMPreconditioning(1.0))
COMMON: dict[str, AbstractWeight] = {
    "uniform (a = 0)": PowerWeight(jnp.asarray(0.0)),
    "noise prediction (a = 1)": PowerWeight(jnp.asarray(1.0)),
    "Min-SNR-5": MinSNRWeight(5.0),
    "EDM, without its density": _EDM_SPEED,
    "EDM": ProductWeight(_EDM_SPEED, LogNormalDensity(float(np.log(2) - 1.2), 1.2)),
}
TRAINED_COMMON = ("Min-SNR-5", "EDM")
MEANS: tuple[Mean, ...] = ("arithmetic", "geometric")


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1; the window of each run is set by its theoretical emergence times."""

    exponents: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
    trained_variances: tuple[float, float, int] = (1e-1, 1e1, 7)  # first, last, number
    theory_variances: tuple[float, float, int] = (1e-2, 1e3, 31)
    noise_levels: int = 40
    snapshots: int = 26
    seeds: int = 8
    training_samples: int = 262144
    generated_samples: int = 768


PRESETS = {
    "quick": Config(),
    "paper": Config(
        trained_variances=(1e-2, 1e2, 13),
        noise_levels=128,
        snapshots=80,
        seeds=16,
        training_samples=2097152,
        generated_samples=4096,
    ),
}
PROCESS = EDM(sigma_min=0.004, sigma_max=160.0)  # Karras et al. 2022's noise levels in the same units


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Emergence times, closed form and trained: [weight, (seed,) mode], keys end in the mean's name."""
    data_key, *run_keys = jax.random.split(key, 1 + len(config.exponents) + len(TRAINED_COMMON))
    trained = Spectrum.from_variances(np.geomspace(*config.trained_variances)[::-1])
    weights = {f"a = {a:g}": _power(a) for a in config.exponents} | {name: COMMON[name] for name in TRAINED_COMMON}
    arrays: Arrays = {
        "exponents": np.asarray(config.exponents),
        "variance": np.asarray(trained.variance),
        "wide_variance": np.geomspace(*config.theory_variances),
    }
    theory = stage("theory", partial(_theory, config, trained, weights), share=0.5)
    arrays |= theory
    levels = log_snr_schedule(PROCESS, config.noise_levels - 1)
    # The training sets differ in the weight of their loss alone, so they are drawn once.
    draw_sets = partial(training_sets, _denoiser(trained, _power(0.0)), levels, _sizes(config, 0.0, 1.0), data_key)
    moments = as_stage(stage, draw_sets, share=0.05)
    runs = []
    for index, (name, run_key) in enumerate(zip(weights, run_keys, strict=True)):
        expected = {mean: theory[f"emergence_theory_{mean}"][index] for mean in MEANS}
        run = partial(_train, config, _denoiser(trained, weights[name]), expected, levels, moments, run_key)
        runs.append(stage(f"trained networks, {name}", run, share=0.45 / len(weights)))
    return arrays | {name: np.stack([run[name] for run in runs]) for name in runs[0]}


def _power(a: float) -> PowerWeight:
    """The weight with its exponent as an array: all powers then share what is compiled."""
    return PowerWeight(jnp.asarray(a))


def _denoiser(spectrum: Spectrum, weight: AbstractWeight) -> OneLayer:
    return OneLayer(spectrum, PROCESS, initial_gain=0.0, learning_rate=1.0, objective=Objective(weight=weight))


def _theory(config: Config, trained: Spectrum, weights: dict[str, AbstractWeight]) -> Arrays:
    """Emergence times on the trained variances and on a wide range, computed as one spectrum of both."""
    wide = np.geomspace(*config.theory_variances)
    both = Spectrum.from_variances(np.concatenate([wide, trained.variance]))

    def emergence(weight: AbstractWeight, mean: Mean) -> np.ndarray:
        return np.asarray(emergence_time(_denoiser(both, weight), mean))

    times = {mean: np.stack([emergence(weight, mean) for weight in weights.values()]) for mean in MEANS}
    common = [emergence(weight, "arithmetic")[: wide.size] for weight in COMMON.values()]
    return {f"emergence_theory_{mean}": times[mean][:, wide.size :] for mean in MEANS} | {
        "wide_emergence": times["arithmetic"][:, : wide.size],
        "common_emergence": np.stack(common),
    }


def _sizes(config: Config, first_time: float, last_time: float) -> Sizes:
    return Sizes(
        first_time=first_time,
        last_time=last_time,
        snapshots=config.snapshots,
        seeds=config.seeds,
        training_samples=config.training_samples,
        generated_samples=config.generated_samples,
        smallest_steps=40,
    )


def _train(
    config: Config,
    denoiser: OneLayer,
    expected: dict[str, np.ndarray],
    levels: jax.Array,
    moments: SecondMoments,
    key: PRNGKeyArray,
) -> Arrays:
    """Train and sample with one weight; measured emergence times for both means."""
    every = np.concatenate([times[np.isfinite(times)] for times in expected.values()])
    sizes = _sizes(config, every.min() / 20, 2.5 * every.max())
    clock = clock_for(denoiser, levels, sizes)
    weight = pair_coefficients(denoiser, levels).weight.astype(moments.weight.dtype)
    moments = moments._replace(weight=jnp.broadcast_to(weight[None], moments.weight.shape))
    network = linear_denoiser(denoiser.spectrum.dimension, 0.0)
    trained = trained_modes(denoiser, network, moments, levels, clock, sizes, shown=0, key=key)
    return {
        f"emergence_{mean}": measured_emergence(
            sizes.times, trained["variance_trained"], np.asarray(emergence_level(denoiser, mean))
        )
        for mean in MEANS
    }


def _fitted(data: Arrays, mean: str) -> list[Estimate | None]:
    """Exponent of the trained networks for every power; None where fewer than three modes emerged in every seed."""
    result = []
    for emergence in data[f"emergence_{mean}"][: data["exponents"].size]:
        seen = np.isfinite(emergence).all(axis=0)
        result.append(exponents(data["variance"][seen], emergence[:, seen]) if seen.sum() >= 3 else None)
    return result


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for index, (a, fitted) in enumerate(zip(data["exponents"], _fitted(data, "arithmetic"), strict=True)):
        measured, interval = (np.nan, (np.nan, np.nan)) if fitted is None else (float(fitted.value), fitted.interval)
        statements.append(
            Claim(
                f"exponent for w = σ^-{2 * a:g}",
                "this project",
                "τ* ∝ λ^-(1-a) at a level in proportion to λ",
                None,
                1 - float(a),
                measured,
                interval,
                0.1,
            )
        )
        statements.append(_against_theory(data, index, f"exponent for w = σ^-{2 * a:g} against theory"))
    for offset, name in enumerate(TRAINED_COMMON):
        statements.append(_against_theory(data, data["exponents"].size + offset, f"exponent for {name} against theory"))
    statements += [_slope(data, "arithmetic", -1.0), _slope(data, "geometric", -0.5)]
    return [*statements, _no_bias(data), _not_universal(data)]


def _against_theory(data: Arrays, index: int, name: str) -> Claim:
    emergence, theory = data["emergence_arithmetic"][index], data["emergence_theory_arithmetic"][index]
    return exponent_claim(name, "this project", data["variance"], emergence, theory)


def _slope(data: Arrays, mean: str, expected: float) -> Claim:
    """How the exponent of each seed depends on a."""
    emergence = data[f"emergence_{mean}"][: data["exponents"].size]
    seen = np.isfinite(emergence).all(axis=(0, 1))
    per_seed = np.array(
        [[fit_power_law(data["variance"][seen], row[seen]).exponent for row in run] for run in emergence]
    )
    slope = mean_over(np.polyfit(data["exponents"], per_seed, 1)[0])
    return Claim(
        f"dα/da at the {mean} mean",
        "this project",
        f"the exponent falls with a at the rate {-expected:g} where the level is the {mean} mean of σ_0² and λ",
        None,
        expected,
        float(slope.value),
        slope.interval,
        0.05,
    )


def _no_bias(data: Arrays) -> Claim:
    """τ* of the smallest over that of the largest variance, for a = 1."""
    run = data["emergence_arithmetic"][int(np.flatnonzero(data["exponents"] == 1.0)[0])]
    ratio = mean_over(run[:, -1] / run[:, 0])
    return Claim(
        "a = 1 removes the bias",
        "this project",
        f"w = σ^-2 trains modes {data['variance'][0] / data['variance'][-1]:g}-fold apart at the same time: "
        "ratio of τ*, smallest to largest variance",
        None,
        1.0,
        float(ratio.value),
        ratio.interval,
        0.1,
    )


def _not_universal(data: Arrays) -> Claim:
    """The paper's law for w = 1 held against the smallest exponent found."""
    found = [fitted for fitted in _fitted(data, "arithmetic") if fitted is not None]
    smallest = min(found, key=lambda estimate: float(estimate.value))
    return Claim(
        "the inverse-variance law is universal",
        "Wang & Pehlevan 2025, abstract",
        "τ* ∝ λ^-1 whatever the training objective: smallest exponent among the weights σ^-2a",
        1.0,
        None,
        float(smallest.value),
        smallest.interval,
        0.1,
    )


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.6))
    _draw_emergence(axes[0, 0], data)
    _draw_exponents(axes[0, 1], data)
    _draw_common(axes[1, 0], data)
    _draw_local_exponents(axes[1, 1], data)
    label_panels(axes)
    return figure


def _draw_emergence(axis, data: Arrays) -> None:
    for index, (a, colour) in enumerate(zip(data["exponents"], PALETTE, strict=False)):
        axis.loglog(data["wide_variance"], data["wide_emergence"][index], color=colour, lw=1.2)
        _points(axis, data, index, colour, f"a = {a:g}", scale=1.0)
    axis.set_xlim(data["variance"].min() / 3, data["variance"].max() * 3)
    axis.set_ylim(1e-2, 1e2)
    axis.set_xlabel("variance λ of the mode")
    axis.set_ylabel("emergence time ητ*, arithmetic mean")
    axis.set_title("weights w = σ^-2a (lines: theory, points: trained)")
    axis.legend(ncols=2)


def _points(axis, data: Arrays, index: int, colour: str, label: str, scale: float) -> None:
    """Measured emergence times of one run, with two standard errors."""
    seen = np.isfinite(data["emergence_arithmetic"][index]).all(axis=0)
    times = mean_over(data["emergence_arithmetic"][index][:, seen])
    axis.errorbar(
        data["variance"][seen],
        scale * times.value,
        yerr=2 * scale * times.stderr,
        fmt="o",
        ms=3.5,
        color=colour,
        label=label,
    )


def _draw_exponents(axis, data: Arrays) -> None:
    a = data["exponents"]
    axis.plot(a, 1 - a, "k-", lw=1, label="1 - a")
    axis.plot(a, 1 - a / 2, "k--", lw=1, label="1 - a/2")
    for mean, colour in zip(MEANS, PALETTE, strict=False):
        used = [(x, fit) for x, fit in zip(a, _fitted(data, mean), strict=True) if fit is not None]
        values = [fit.value for _, fit in used]
        errors = [2 * fit.stderr for _, fit in used]
        label = f"trained, {mean} mean"
        axis.errorbar([x for x, _ in used], values, yerr=errors, fmt="o", ms=4, color=colour, label=label)
    axis.axhline(1.0, color="0.7", lw=0.8, ls=":", label="universal law, α = 1")
    axis.set_xlabel("a in w = σ^-2a")
    axis.set_ylabel("exponent α of τ* ∝ λ^-α")
    axis.set_title("the weight sets the exponent")
    axis.legend()


def _draw_common(axis, data: Arrays) -> None:
    """Times relative to that of λ = 1, since a constant factor in the weight is a factor in the learning rate."""
    colours = (BLACK, *PALETTE)
    for name, colour, emergence in zip(COMMON, colours, data["common_emergence"], strict=False):
        unit = np.exp(np.interp(0.0, np.log(data["wide_variance"]), np.log(emergence)))
        axis.loglog(data["wide_variance"], emergence / unit, color=colour, lw=1.2, label=name)
        if name in TRAINED_COMMON:
            _points(
                axis, data, data["exponents"].size + TRAINED_COMMON.index(name), colour, f"{name}, trained", 1 / unit
            )
    axis.set_xlabel("variance λ of the mode, in units of σ_d²")
    axis.set_ylabel("emergence time relative to λ = 1")
    axis.set_title("weightings in common use")
    axis.legend()


def _draw_local_exponents(axis, data: Arrays) -> None:
    for name, colour, emergence in zip(COMMON, (BLACK, *PALETTE), data["common_emergence"], strict=False):
        local = -np.gradient(np.log(emergence), np.log(data["wide_variance"]))
        axis.semilogx(data["wide_variance"], local, color=colour, lw=1.2, label=name)
    axis.set_xlabel("variance λ of the mode, in units of σ_d²")
    axis.set_ylabel("local exponent -d ln τ*/d ln λ")
    axis.set_title("where each weighting keeps the bias")
    axis.legend()
