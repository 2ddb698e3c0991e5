"""When gaps between training points fill, and when they empty (Vastola 2025, Secs. 4-6; its reviewers asked).

The paper finds that white variance empties gaps (Prop. 4.1) and that trained models fill them, and conjectures that the
correlation of V in time decides. Two tests, with the data {-1, 0, 1} of its Figure 2:

- a map of trained and predicted gap mass over F/P, ε, the kind of features and how smooth they are in time, less the
  mass that the average learned score alone puts there: the part that is due to variance;
- the same Gaussian score fields drawn anew in each of K windows of the sampling time: K = 1 is the prediction for
  trained models. With the same covariance at every single time, what the fields add up to falls as 1/K, and K → ∞ is
  the average score. With √K times the deviation from the mean its integral over all pairs of times is kept, and
  K → ∞ is white noise of the same strength, in Stratonovich's sense where the sampling steps resolve the windows. A
  field for every step lies between that and Itô's sense, the naive sampler's.
"""

from dataclasses import dataclass
from functools import partial
from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLUE, GREEN, VERMILION, fraction, label_panels, plt, styled
from figures.studies.linear_ensembles import LinearModels, stratified_prior
from sims.data.built_in import triple
from sims.measurements.densities import gap_mass, gap_shares
from sims.measurements.estimates import Estimate
from sims.networks.feature_model import FeatureModel
from sims.sampling.feature_models import denoiser_drift
from sims.sampling.schedules import log_snr_schedule
from sims.sampling.solvers import heun
from sims.training.training_triples import with_array_parameters

GAP = (0.25, 0.75)
KINDS = ("Gaussian", "Fourier")
STRENGTHS = ("at every time", "integrated")  # what keeps its variance as the fields are drawn more often
_FINER = 20  # times the samples, for a single model


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    feature_ratios: tuple[float, ...] = (1 / 8, 1 / 2, 2.0)  # F/P
    cutoffs: tuple[float, ...] = (1e-3, 1e-2)  # ε
    per_axis: int = 16
    per_time: tuple[int, ...] = (4, 16)  # features in time: few are smooth
    models: int = 40
    samples: int = 300
    steps: int = 64
    window_ratio: float = 1 / 2  # F/P of the second test, with the fewest features in time and the largest ε
    windows: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)  # K, divisors of the steps
    window_models: int = 120
    lattice: int = 2**13  # points of the prediction: its standard deviations to 0.2 %, of the 11 % of 40 models


PRESETS = {
    "quick": Config(),
    "paper": Config(
        feature_ratios=(1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0),
        cutoffs=(1e-4, 1e-3, 1e-2),
        per_time=(4, 8, 16),
        models=300,
        samples=1000,
        steps=256,
        windows=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        window_models=1000,
        lattice=2**14,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Gap masses indexed [features, in time, ε, F/P]; those of the windows [features, strength, K]."""
    map_key, window_key = jax.random.split(key)
    rows = list(product(KINDS, config.per_time, config.cutoffs))
    runs = []
    for (kind, per_time, cutoff), row_key in zip(rows, jax.random.split(map_key, len(rows)), strict=True):
        work = partial(_row, config, kind, per_time, cutoff, row_key)
        runs.append(stage(f"{kind}, {per_time} in time, ε = {cutoff:g}", work, share=0.7 / len(rows)))
    shape = (len(KINDS), len(config.per_time), len(config.cutoffs), len(config.feature_ratios))
    windows = [
        stage(f"{kind}, windows", partial(_windows, config, kind, kind_key), share=0.3 / len(KINDS))
        for kind, kind_key in zip(KINDS, jax.random.split(window_key, len(KINDS)), strict=True)
    ]
    return {
        "feature_ratio": np.asarray(config.feature_ratios),
        "cutoff": np.asarray(config.cutoffs),
        "per_time": np.asarray(config.per_time),
        "window_ratio": np.asarray(config.window_ratio),
        "windows": np.asarray(config.windows),
        **{name: np.stack([run[name] for run in runs]).reshape(shape) for name in runs[0]},
        **{name: np.stack([run[name] for run in windows]) for name in windows[0]},
    }


def _models(config: Config, kind: str, per_time: int, cutoff: float, ratio: float) -> LinearModels:
    draws = round(config.per_axis * per_time / ratio)
    return LinearModels(triple(), cutoff, draws, config.per_axis, per_time, kind=kind, lattice=config.lattice)


def _row(config: Config, kind: str, per_time: int, cutoff: float, key: PRNGKeyArray) -> Arrays:
    """Every F/P at one ε and one set of features: gap masses, trained and predicted, and of the average score alone."""
    cells = []
    for ratio, cell_key in zip(config.feature_ratios, jax.random.split(key, len(config.feature_ratios)), strict=True):
        train_key, predict_key = jax.random.split(cell_key)
        model = _models(config, kind, per_time, cutoff, ratio)
        initial = stratified_prior(model.process, config.samples)
        ensembles = {
            "trained": model.trained(config.models, train_key),
            "predicted": model.predicted(config.models, predict_key),
        }
        cell = {}
        for name, ensemble in ensembles.items():
            mass = gap_mass(model.samples(ensemble, initial, config.steps)[..., 0], *GAP)
            cell |= {name: mass.value, f"{name}_stderr": mass.stderr}
        cells.append(cell | {"average": _average_mass(config, model)})
    return {name: np.array([cell[name] for cell in cells]) for name in cells[0]}


def _average_mass(config: Config, model: LinearModels) -> np.ndarray:
    """Gap mass of the average learned score: a single model, and so sampled more finely."""
    average = FeatureModel(model.features, model.kernel.mean_weights[None])
    initial = stratified_prior(model.process, _FINER * config.samples)
    return gap_shares(model.samples(average, initial, config.steps)[0, :, 0], *GAP)


def _windows(config: Config, kind: str, key: PRNGKeyArray) -> Arrays:
    """Gap mass against the number of windows of the sampling time that have a score field of their own."""
    model = _models(config, kind, config.per_time[0], config.cutoffs[-1], config.window_ratio)
    times = log_snr_schedule(model.process, config.steps)
    initial = stratified_prior(model.process, config.samples)
    most = max(config.windows)

    def mass_of(count: int, scale: float, count_key: PRNGKeyArray) -> Estimate:
        window = jnp.minimum(jnp.arange(config.steps + 1) * count // config.steps, count - 1)
        keys = jax.random.split(count_key, config.window_models)
        setting = (model.features, model.kernel, model.process, initial, times)
        samples = _sample_windows(*setting, window, most, jnp.asarray(scale), keys)
        return gap_mass(np.asarray(samples[..., 0]), *GAP)

    window_keys = jax.random.split(key, len(config.windows))
    masses = [
        [mass_of(count, scale, each) for count, scale, each in zip(config.windows, scales, window_keys, strict=True)]
        for scales in (np.ones(len(config.windows)), np.sqrt(config.windows))
    ]
    return {
        "window_mass": np.array([[mass.value for mass in row] for row in masses]),
        "window_mass_stderr": np.array([[mass.stderr for mass in row] for row in masses]),
        "window_average": _average_mass(config, model),
    }


@eqx.filter_jit
def _sample_windows(
    features,
    kernel,
    process,
    initial,
    times,
    window: Int[Array, " times"],
    most: int,
    scale: Float[Array, ""],
    keys: PRNGKeyArray,
) -> Float[Array, "models n 1"]:
    """Samples of models whose weights, all of one law, are drawn anew for every window of the schedule.

    The law is the kernel's with `scale` times the deviation from the mean. Weights for the `most` windows are drawn
    however many are used, so that all numbers of windows share one program.
    """
    features, process = with_array_parameters(features), with_array_parameters(process)

    def of_model(key: PRNGKeyArray) -> Float[Array, "n 1"]:
        mean = kernel.mean_weights[None]
        weights = mean + scale * (kernel.draw_weights(key, most) - mean)

        def drift(index: Array, time: Array, x: Array) -> Array:
            return denoiser_drift(FeatureModel(features, weights[window[index]]), process)(index, time, x)

        return heun(drift, initial, times)

    return jax.lax.map(of_model, keys)


def claims(data: Arrays) -> list[Claim]:
    statements = [_sign_claim(data, kind, index) for index, kind in enumerate(KINDS)]
    for index, kind in enumerate(KINDS):
        statements += [_correlation_decides(data, kind, index, strength) for strength in range(len(STRENGTHS))]
        statements.append(_white_empties(data, kind, index))
    return [*statements, _smoothness(data), _predicted_sign(data)]


def _sign_claim(data: Arrays, kind: str, index: int) -> Claim:
    """Does variance fill, on average over the map?"""
    effect = data["trained"][index] - data["average"][index]
    error = 1.96 * float(np.sqrt(np.sum(data["trained_stderr"][index] ** 2))) / effect.size
    value = float(effect.mean())
    return Claim(
        f"variance fills gaps, {kind} features",
        "Vastola 2025, Secs. 5, 6",
        "trained gap mass exceeds that of the average learned score alone (mean over F/P, ε and smoothness)",
        0.0,
        None,
        value,
        (value - error, value + error),
        0.0,
        "greater",
    )


def _correlation_decides(data: Arrays, kind: str, index: int, strength: int) -> Claim:
    """Fully correlated against white-like score fields."""
    mass, stderr = data["window_mass"][index, strength], data["window_mass_stderr"][index, strength]
    value, error = float(mass[0] - mass[-1]), 1.96 * float(np.hypot(stderr[0], stderr[-1]))
    return Claim(
        f"correlation in time decides, {kind} features, same variance {STRENGTHS[strength]}",
        "Vastola 2025, Sec. 6 (conjecture)",
        "the same variance puts more mass into gaps when correlated in time (K = 1) than when drawn anew at every step",
        0.0,
        None,
        value,
        (value - error, value + error),
        0.0,
        "greater",
    )


def _white_empties(data: Arrays, kind: str, index: int) -> Claim:
    """White fields of the same integrated variance against no variance at all."""
    strength = STRENGTHS.index("integrated")
    mass, stderr = data["window_mass"][index, strength, -1], data["window_mass_stderr"][index, strength, -1]
    value = float(mass - data["window_average"][index])
    return Claim(
        f"white variance empties gaps, {kind} features",
        "Vastola 2025, Sec. 4",
        "fields drawn anew at every step, of the same integrated variance, leave less mass in the gaps than the "
        "average score alone",
        0.0,
        None,
        value,
        (value - 1.96 * float(stderr), value + 1.96 * float(stderr)),
        0.0,
        "less",
    )


def _smoothness(data: Arrays) -> Claim:
    """Smooth features in time make V correlated over longer times: does that fill more, at the same F/P?"""
    effect, stderr = data["trained"] - data["average"], data["trained_stderr"]
    value = float((effect[:, 0] - effect[:, -1]).mean())
    cells = effect[:, 0].size
    error = 1.96 * float(np.sqrt(np.sum(stderr[:, 0] ** 2) + np.sum(stderr[:, -1] ** 2))) / cells
    return Claim(
        "smoothness of the features in time",
        "Vastola 2025, Sec. 6 (conjecture)",
        "variance fills more with few features in time than with many (trained, mean over features, ε and F/P)",
        0.0,
        None,
        value,
        (value - error, value + error),
        0.0,
        "greater",
    )


def _predicted_sign(data: Arrays) -> Claim:
    """Cells of the map where trained variance changes the gap mass by more than two standard errors."""
    effect, predicted = data["trained"] - data["average"], data["predicted"] - data["average"]
    clear = np.abs(effect) > 2 * data["trained_stderr"]
    agree = np.sign(effect[clear]) == np.sign(predicted[clear])
    count, share = int(clear.sum()), float(agree.mean()) if clear.any() else float("nan")
    # Wilson's interval of a share.
    z2 = 1.96**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count) if count else float("nan")
    half = 1.96 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count) if count else 0.0
    return Claim(
        "sign of the effect predicted",
        "Vastola 2025, Prop. 5.1, with every sample's own leverage",
        "share of cells in which the V-kernel predicts whether variance fills or empties, above one half",
        None,
        0.5,
        share,
        (float(centre - half), float(centre + half)),
        0.0,
        "greater",
    )


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(12, 7.4))
    top, bottom = np.asarray(figure.subfigures(2, 1, height_ratios=(1.25, 1)))
    limit = float(np.abs(np.concatenate([data[name] - data["average"] for name in ("trained", "predicted")])).max())
    axes = top.subplots(2, len(KINDS) * data["per_time"].size, sharex=True, sharey=True)
    image = None
    for row, name in enumerate(("trained", "predicted")):
        for column, (kind, smooth) in enumerate(product(range(len(KINDS)), range(data["per_time"].size))):
            image = _draw_map(axes[row, column], data, name, kind, smooth, max(limit, 1e-6))
    for column, (kind, per_time) in enumerate(product(KINDS, data["per_time"])):
        axes[0, column].set_title(f"{kind}, {per_time} in time")
        axes[1, column].set_xlabel("F/P")
    for axis, name in zip(axes[:, 0], ("trained", "predicted"), strict=True):
        axis.set_ylabel(f"{name}\nε")
    assert image is not None
    top.colorbar(image, ax=axes, label="gap mass due to variance", shrink=0.8)
    lower = bottom.subplots(1, len(KINDS))
    _draw_windows(lower, data)
    label_panels(np.concatenate([axes.ravel(), lower]))
    return figure


def _draw_map(axis, data: Arrays, name: str, kind: int, smooth: int, limit: float):
    effect = data[name][kind, smooth] - data["average"][kind, smooth]
    norm = TwoSlopeNorm(0.0, -limit, limit)
    image = axis.imshow(effect, origin="lower", norm=norm, cmap="PuOr_r", aspect="auto")
    ratios = [fraction(ratio) for ratio in data["feature_ratio"]]
    few = len(ratios) <= 4  # there is room for numbers
    for (row, column), value in np.ndenumerate(effect if few else effect[:0]):
        colour = "white" if abs(value) > 0.6 * limit else "black"
        axis.text(column, row, f"{value:+.3f}", ha="center", va="center", fontsize=7, color=colour)
    axis.set_xticks(range(len(ratios)), ratios, rotation=0 if few else 90)
    axis.set_yticks(range(data["cutoff"].size), [f"{cutoff:g}" for cutoff in data["cutoff"]])
    return image


def _draw_windows(axes, data: Arrays) -> None:
    for index, (axis, kind) in enumerate(zip(axes, KINDS, strict=True)):
        for strength, colour, marker in zip(range(len(STRENGTHS)), (VERMILION, GREEN), "os", strict=True):
            axis.errorbar(
                data["windows"],
                data["window_mass"][index, strength],
                yerr=2 * data["window_mass_stderr"][index, strength],
                fmt=f"{marker}-",
                ms=4,
                color=colour,
                label=f"field drawn K times, same variance {STRENGTHS[strength]}",
            )
        axis.axhline(data["window_average"][index], color=BLUE, lw=1, ls="--", label="average score alone")
        axis.set_xscale("log", base=2)
        axis.set_xticks(data["windows"], [str(count) for count in data["windows"]])
        axis.set_xlabel("K, independent fields during sampling (1: as in a trained model)")
        axis.set_ylabel("mass with 0.25 < |x| < 0.75")
        axis.set_ylim(0, 1.35 * axis.get_ylim()[1])  # room for the legend
        place = f"F/P = {fraction(float(data['window_ratio']))}, ε = {data['cutoff'][-1]:g}"
        axis.set_title(f"{kind}, {data['per_time'][0]} in time, {place} (bars: 2 standard errors)")
        axis.legend(loc="upper right")
