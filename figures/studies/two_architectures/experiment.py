"""Figure 2 of Wang & Pehlevan 2025: weights and generated variance per eigenmode, and the power law of emergence.

One-layer and tied two-layer linear denoisers, one network per noise level, trained by full-batch gradient descent on
noisy samples of Gaussian data. The networks are trained together through a clock of finite steps and sampled with
Heun's method on their own noise levels; both discretisations are computed from the theory and shown apart.

The training sets are large because a network fitted to P samples leaks variance ∝ 1/P from learned modes into modes
that have not emerged; the closed forms are the limit P → ∞. What an eighth of the samples does is a claim of its own.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.panels import draw_emergence, draw_mode_curves, exponents
from figures.common.stages import Arrays, RunStage
from figures.common.style import label_panels, plt, styled
from figures.studies.trained_modes.experiment import discretisation, follows_closed_form, measured_emergence, share_of_variances
from sims.experiments.linear import gaussian_training_sets, generated_mode_variances, mode_gains
from sims.measurements.estimates import Estimate, mean_over
from sims.measurements.modes import first_crossing, variance_over_seeds
from sims.networks.linear import linear_denoiser, tied_two_layer_denoiser, total_maps_of
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import Clock, common_clock, train_full_batch
from sims.training.pairs import SecondMoments
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import regression_at
from theory.spectral_law.emergence import emergence_level, emergence_time
from theory.spectral_law.generation import generated_variance, generated_variance_on_schedule
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer, tied_gradient_descent
from theory.spectral_law.power_law import fit_power_law
from theory.spectral_law.regression import gradient_descent


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Times are ητ with η = 1."""

    variances: tuple[float, ...] = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.001)
    initial_gain: float = 0.1
    weight_noise_level: float = 1.0  # where the weights of the left panels are shown
    first_time: float = 1e-4
    last_time: float = 1e2
    snapshots: int = 37
    noise_levels: int = 48
    seeds: int = 12
    training_samples: int = 524288
    fewer_training_samples: int | None = 65536  # one-layer networks once more, or not
    generated_samples: int = 1024


PRESETS = {
    "quick": Config(),
    "paper": Config(
        last_time=1e3,
        snapshots=57,
        noise_levels=128,
        seeds=24,
        training_samples=2097152,
        fewer_training_samples=262144,
        generated_samples=4096,
    ),
}
LAYERS = ("one_layer", "two_layer")


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory curves, and trained networks measured at the snapshots; keys end in the parametrisation's name."""
    rotation_key, data_key, one_key, two_key, fewer_key = jax.random.split(key, 5)
    variances = jnp.asarray(config.variances)
    basis, _ = jnp.linalg.qr(jax.random.normal(rotation_key, (variances.size, variances.size)))
    spectrum = Spectrum(jnp.zeros_like(variances), variances, basis)
    arrays: Arrays = {"variance": np.asarray(variances), "times": _snapshot_times(config)}
    draw_sets = partial(_training_sets, config, spectrum, config.training_samples, data_key)
    moments = stage("training sets", draw_sets, share=0.2 if config.fewer_training_samples is not None else 0.3)
    denoisers = {"one_layer": OneLayer, "two_layer": SymmetricTwoLayer}
    for name, run_key, share in zip(LAYERS, (one_key, two_key), (0.2, 0.4), strict=True):
        denoiser = denoisers[name](spectrum, EDM(), config.initial_gain, learning_rate=1.0)
        arrays |= _named(name, stage(f"theory, {name}", partial(_theory, config, denoiser), share=0.05))
        train = partial(_train, config, denoiser, moments, run_key)
        arrays |= _named(name, stage(f"trained networks, {name}", train, share=share))
    if config.fewer_training_samples is None:
        return arrays
    fewer = stage("one_layer, fewer training samples", partial(_train_on_fewer, config, spectrum, fewer_key), share=0.1)
    return arrays | fewer


def _named(name: str, arrays: Arrays) -> Arrays:
    return {f"{key}_{name}": value for key, value in arrays.items()}


def _snapshot_times(config: Config) -> np.ndarray:
    return np.geomspace(config.first_time, config.last_time, config.snapshots)


def _sampling_levels(config: Config) -> jnp.ndarray:
    return log_snr_schedule(EDM(), config.noise_levels - 1)


def _all_levels(config: Config) -> jnp.ndarray:
    """Every noise level that has a network: those of the sampler and, last, the one whose weights are shown."""
    return jnp.append(_sampling_levels(config), config.weight_noise_level)


def _clock(config: Config, denoiser) -> Clock:
    levels = np.asarray(_all_levels(config))
    largest = max(config.variances)
    if isinstance(denoiser, OneLayer):
        curvature = 2 * (largest + levels**2)
    else:
        # Second derivative of the loss in P, 4(3Sψ - λ), at the larger of the initial and the final gain.
        curvature = 12 * np.maximum((largest + levels**2) * config.initial_gain, largest)
    return common_clock(_snapshot_times(config), curvature, smallest_steps=24, safety=0.9)


def _theory(config: Config, denoiser) -> Arrays:
    """Closed forms on a fine grid and at the snapshots, and what finite steps and Heun's method make of them."""
    times = _snapshot_times(config)
    fine = np.geomspace(config.first_time, max(config.last_time, 1e3), 400)
    clock = _clock(config, denoiser)
    regression = regression_at(denoiser, _all_levels(config))
    descend = gradient_descent if isinstance(denoiser, OneLayer) else tied_gradient_descent
    start = jnp.broadcast_to(denoiser.initial_gain, regression.optimal_gain.shape)
    gains = descend(regression, start, jnp.asarray(clock.step_sizes)[:, :, None], jnp.asarray(clock.steps))
    by_level = jnp.swapaxes(gains[:, :-1], 0, 1)
    return {
        "fine_times": fine,
        "gain_curve": np.asarray(denoiser.gain(jnp.asarray(fine), jnp.asarray(config.weight_noise_level))),
        "variance_curve": np.asarray(generated_variance(denoiser, fine)),
        "variance_closed_form": np.asarray(generated_variance(denoiser, times)),
        "variance_finite_steps": np.asarray(
            generated_variance_on_schedule(denoiser, times, _sampling_levels(config), by_level)
        ),
        "gain_finite_steps": np.asarray(gains[:, -1]),
        "emergence_theory": np.asarray(emergence_time(denoiser)),
        "level": np.asarray(emergence_level(denoiser)),
    }


def _training_sets(config: Config, spectrum: Spectrum, samples: int, key: PRNGKeyArray) -> Arrays:
    return gaussian_training_sets(spectrum, _all_levels(config), seeds=config.seeds, samples=samples, key=key)._asdict()


def _train_on_fewer(config: Config, spectrum: Spectrum, key: PRNGKeyArray) -> Arrays:
    data_key, run_key = jax.random.split(key)
    assert config.fewer_training_samples is not None
    moments = _training_sets(config, spectrum, config.fewer_training_samples, data_key)
    denoiser = OneLayer(spectrum, EDM(), config.initial_gain, learning_rate=1.0)
    variances = _train(config, denoiser, moments, run_key)["variance_trained"]
    return {
        "variance_trained_fewer_samples": variances,
        "fewer_training_samples": np.asarray(config.fewer_training_samples),
    }


def _train(config: Config, denoiser, moments: Arrays, key: PRNGKeyArray) -> Arrays:
    """Train every seed and noise level, sample from every snapshot, measure in the data's eigenbasis."""
    start_key, sample_key = jax.random.split(key)
    spectrum, dimension = denoiser.spectrum, denoiser.spectrum.dimension
    if isinstance(denoiser, OneLayer):
        network = linear_denoiser(dimension, config.initial_gain)
    else:
        network = tied_two_layer_denoiser(start_key, dimension, config.initial_gain)
    clock = _clock(config, denoiser)
    training_sets = SecondMoments(**{name: jnp.asarray(value) for name, value in moments.items()})
    trained = train_full_batch(
        network, training_sets, jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps)
    )
    total_maps = jnp.swapaxes(total_maps_of(trained), 1, 2)  # (seeds, snapshots, levels, dim, dim)
    variances = generated_mode_variances(
        total_maps[:, :, :-1],
        _sampling_levels(config),
        spectrum.basis,
        samples=config.generated_samples,
        key=sample_key,
    )
    gains = mode_gains(total_maps[:, :, -1], spectrum.basis)
    return {"gain_trained": np.asarray(gains), "variance_trained": variances}


def _share_within(data: Arrays, name: str, theory: str) -> float:
    """Share of (snapshot, mode) pairs that follow theory with the same steps."""
    return share_of_variances(data[f"variance_trained_{name}"], data[f"variance_finite_steps_{theory}"])


def _emergence(data: Arrays, name: str) -> np.ndarray:
    return measured_emergence(data["times"], data[f"variance_trained_{name}"], data[f"level_{name}"])


def _exponents(data: Arrays, name: str) -> tuple[Estimate, float]:
    """Exponent fitted to the trained networks, and to the closed form, over the modes that rise in every seed.

    A mode rises if its target is well above (e times) its initial variance; falling modes follow another branch.
    """
    emergence, variance = _emergence(data, name), data["variance"]
    seen = np.isfinite(emergence).all(axis=0) & _rising(data, name)
    theory = fit_power_law(variance[seen], data[f"emergence_theory_{name}"][seen]).exponent
    return exponents(variance[seen], emergence[:, seen]), theory


def _rising(data: Arrays, name: str) -> np.ndarray:
    initial = data[f"level_{name}"] ** 2 / data["variance"]  # the level is the geometric mean of the two
    return data["variance"] > np.e * initial


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for name, section in (("one_layer", "Sec. 4"), ("two_layer", "Sec. 5.1")):
        words, source = name.replace("_", "-"), f"Wang & Pehlevan 2025, {section}"
        title = f"{words}: trained networks follow the closed form"
        statements.append(follows_closed_form(title, source, _share_within(data, name, name)))
        finite, closed = data[f"variance_finite_steps_{name}"], data[f"variance_closed_form_{name}"]
        statements.append(discretisation(words, finite, closed))
        exponent, theory = _exponents(data, name)
        statements += [
            Claim(
                f"{words}: emergence exponent against theory",
                source,
                "exponent α of τ* ∝ λ^-α from trained networks equals the closed form's",
                None,
                theory,
                float(exponent.value),
                exponent.interval,
                0.02,
            ),
            Claim(
                f"{words}: emergence exponent",
                source,
                "τ* ∝ λ^-α with α ≈ 1",
                1.0,
                None,
                float(exponent.value),
                exponent.interval,
                0.1,
            ),
        ]
    statements.append(_weight_law(data))
    if "fewer_training_samples" not in data:
        return statements
    # The first claim once more for small training sets, whose sampling noise the closed form leaves out.
    title = f"one-layer: {int(data['fewer_training_samples'])} training samples are enough"
    fewer = follows_closed_form(title, "this project", _share_within(data, "fewer_samples", "one_layer"))
    return [*statements, fewer]


def _weight_law(data: Arrays) -> Claim:
    """The exact law of the two-layer weight, τ* = ln 2/(8ηλ), measured at the noise level that is shown."""
    gains = np.moveaxis(data["gain_trained_two_layer"], 1, 0)
    start = data["gain_curve_two_layer"][0]
    optimum = data["variance"] / (data["variance"] + 1.0)
    emergence = first_crossing(data["times"], gains, (2 * start * optimum / (start + optimum))[None])
    # A mode that starts at its harmonic mean to a few per cent has no crossing to speak of.
    rising = np.isfinite(emergence).all(axis=0) & (optimum > 1.5 * start)
    ratio = mean_over((emergence * 8 * data["variance"] / np.log(2))[:, rising].mean(axis=1))
    return Claim(
        "two-layer: emergence time of the weight",
        "Wang & Pehlevan 2025, Prop. 5.1",
        "8ηλτ*/ln 2 = 1 at the harmonic mean of initial and final weight, mean over rising modes, σ = 1",
        1.0,
        1.0,
        float(ratio.value),
        ratio.interval,
        0.03,
    )


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.4))
    for row, name in zip(axes, LAYERS, strict=True):
        _draw_modes(row[0], data, name, "gain")
        _draw_modes(row[1], data, name, "variance")
        rising, emergence = _rising(data, name), _emergence(data, name)
        seen = np.asarray(np.isfinite(emergence).all(axis=0))
        theory = data[f"emergence_theory_{name}"]
        draw_emergence(row[2], data["variance"][rising], theory[rising], emergence[:, rising], seen[rising])
        if not rising.all():
            row[2].set_title("emergence time of rising modes")
    axes[0, 0].set_title("one layer: weight at σ = 1")
    axes[1, 0].set_title("tied two-layer: weight at σ = 1")
    for row in axes:
        row[1].set_title("generated variance")
    label_panels(axes)
    return figure


def _draw_modes(axis, data: Arrays, name: str, quantity: str) -> None:
    """Theory lines and trained points of every mode against training time."""
    trained = data[f"{quantity}_trained_{name}"]
    estimate = variance_over_seeds(trained) if quantity == "variance" else mean_over(trained)
    theory = (data[f"fine_times_{name}"], data[f"{quantity}_curve_{name}"])
    draw_mode_curves(axis, data["variance"], np.arange(data["variance"].size), theory, data["times"], estimate)
    if quantity == "variance":
        axis.set_yscale("log")
        axis.set_ylabel("generated variance λ̃")
    else:
        axis.set_ylabel("gain uᵀWu")
        axis.legend(loc="upper left", ncols=2, title="lines: theory, points: trained", title_fontsize=7.5)
        axis.set_ylim(-0.03, 1.6)
