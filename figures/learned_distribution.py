"""The average learned distribution [q(x_0)], predicted and trained (Vastola 2025, Prop. 5.1 and Sec. 6).

The data {-1, 0, 1} and features of the paper's Figure 2, ε = 0.01, from F/P = 1/16 to 4. The prediction never trains:
it draws weights from the Gaussian law of `LinearVKernel`, one score field per draw, and solves the probability-flow ODE
of each. Beside it stand independent ensembles of ridge fits, whose distance from each other is the resolution, and two
predictions without variance: the exact score, and the average of the learned score alone. A third ensemble tells where
an error of the prediction comes from: Gaussian weights with the trained models' own mean and covariance leave out all
that the V-kernel could get wrong, and keep the path integral's assumption that the estimator is Gaussian.

Everything is sampled twice, with a converged solver and with the 30 uniform Euler steps of the paper's Figure 2. Those
steps alone leave mass in the gaps, also with the exact score, which is therefore shown for both.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure
from scipy.stats import t as student_t

from figures.claims import Claim
from figures.learned_distances import BLOCKS, learned_distances, left_out_estimate
from figures.linear_ensembles import LinearModels, stratified_prior
from figures.randomness import numpy_generator
from figures.stages import Arrays, RunStage
from figures.style import BLACK, BLUE, GREEN, ORANGE, VERMILION, fraction, label_panels, plt, styled
from sims.datasets import triple
from sims.distribution_measurements import gaussian_surrogates, jackknife_error
from sims.measurements import Estimate, gap_mass, gap_shares, histograms
from sims.networks import FeatureModel
from theory import PointMasses

GAP = (0.25, 0.75)
SOURCE = "Vastola 2025, Prop. 5.1, with every sample's own leverage"
LIMIT = 1.5  # of W_1(predicted, trained)/W_1(trained, trained'), up to which the prediction is called valid
CLOSURE = "Gaussian, trained mean and covariance"
SHOWN = (1 / 16, 1 / 4, 1.0)  # F/P of the densities that are drawn
SAMPLERS = {"converged": "", "published": "_published"}  # suffix of what is measured on their samples
_FINER = 20  # times the samples, for a single model


@dataclass(frozen=True)
class Config:
    """Sizes of the run; features, ridge and ε are those of the paper's Figure 2."""

    training_samples: tuple[int, ...] = (4096, 1024, 256, 64)  # P
    features_per_axis: int = 16
    cutoff: float = 1e-2  # ε
    models: int = 150  # of a trained ensemble
    ensembles: int = 2  # that are trained, independent of each other; an even number
    predicted_models: int = 300
    samples: int = 500
    steps: int = 150  # of Heun's method: converged
    euler_steps: int = 30  # uniform, as published
    bins: int = 120
    lattice: int = 2**13  # points of the prediction: its standard deviations to 0.2 %, of the 6 % of 150 models


PRESETS = {
    "quick": Config(),
    "paper": Config(
        training_samples=(8192, 4096, 2048, 1024, 512, 256, 128, 64),
        models=300,
        ensembles=8,
        predicted_models=6000,  # several times as many: the prediction is to have little noise of its own
        steps=200,
        lattice=2**14,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Densities, masses and distances, indexed by F/P increasing."""
    counts = sorted(config.training_samples, reverse=True)
    # Fits to P samples cost P; small sets cost the same as the prediction.
    expected = np.asarray(counts) + 1000.0
    runs = [
        stage(f"P = {count}", partial(_run, config, count, run_key), share=float(share))
        for count, run_key, share in zip(
            counts, jax.random.split(key, len(counts)), expected / expected.sum(), strict=True
        )
    ]
    model = _models(config, counts[0])
    centres = (_edges(config)[1:] + _edges(config)[:-1]) / 2
    density = PointMasses(triple()).log_density(jnp.asarray(centres)[:, None], config.cutoff, model.process)
    return {
        "feature_ratio": model.features.number / np.asarray(counts, dtype=float),
        "edges": _edges(config),
        "density_true": np.exp(np.asarray(density)),
        **{name: np.stack([run[name] for run in runs]) for name in runs[0]},
    }


def _models(config: Config, draws: int) -> LinearModels:
    number = config.features_per_axis
    return LinearModels(triple(), config.cutoff, draws, number, number, lattice=config.lattice)


def _edges(config: Config) -> np.ndarray:
    return np.linspace(-1.5, 1.5, config.bins + 1)


def _run(config: Config, draws: int, key: PRNGKeyArray) -> Arrays:
    """One F/P: train, predict, sample, and measure."""
    train_key, predict_key, split_key = jax.random.split(key, 3)
    random = numpy_generator(split_key)
    model = _models(config, draws)
    trained = model.trained(config.ensembles * config.models, train_key)
    weight = np.asarray(trained.weight)
    ensembles = {
        "trained": trained,
        "predicted": model.predicted(config.predicted_models, predict_key),
        "surrogate": FeatureModel(model.features, jnp.asarray(gaussian_surrogates(weight, len(weight), random))),
        "average": FeatureModel(model.features, model.kernel.mean_weights[None]),
    }
    samples = {sampler: _generated(config, model, ensembles, sampler) for sampler in SAMPLERS}
    density = {
        name: histograms(samples["converged"][name], _edges(config)) for name in ("trained", "predicted", "average")
    }
    return {
        **{f"density_{name}": each.mean(axis=0) for name, each in density.items()},
        "lower": np.quantile(density["trained"], 0.25, axis=0),
        "upper": np.quantile(density["trained"], 0.75, axis=0),
        "degrees_of_freedom": np.asarray(model.kernel.degrees_of_freedom),
        **{
            f"{name}{suffix}": value
            for sampler, suffix in SAMPLERS.items()
            for name, value in _measured(config, samples[sampler], random).items()
        },
    }


def _generated(
    config: Config, model: LinearModels, ensembles: dict[str, FeatureModel], sampler: str
) -> dict[str, np.ndarray]:
    """Samples [model, sample] of every ensemble and of the exact score, single models more finely."""
    carried, exact, steps = {
        "converged": (model.samples, model.exact, config.steps),
        "published": (model.euler_samples, model.euler_exact, config.euler_steps),
    }[sampler]
    coarse = stratified_prior(model.process, config.samples)
    fine = stratified_prior(model.process, _FINER * config.samples)
    samples = {
        name: carried(ensemble, fine if name == "average" else coarse, steps)[..., 0]
        for name, ensemble in ensembles.items()
    }
    return samples | {"exact": exact(fine, steps).T}


def _measured(config: Config, samples: dict[str, np.ndarray], random: np.random.Generator) -> Arrays:
    """Mass in the gaps and distances to the trained models."""
    masses = {name: gap_mass(samples[name], *GAP) for name in ("trained", "predicted", "surrogate")}
    return {
        **{f"gap_mass_{name}": mass.value for name, mass in masses.items()},
        **{f"gap_mass_stderr_{name}": mass.stderr for name, mass in masses.items()},
        **{f"gap_mass_{name}": gap_shares(samples[name][0], *GAP) for name in ("average", "exact")},
        **learned_distances(samples, config.ensembles, random),
    }


def _ratio(data: Arrays, index: int, over: str, which: str = "") -> Estimate:
    """W_1(predicted, trained) over another distance, with its jackknife error; `which` ends the names of both."""
    return left_out_estimate(data[f"wasserstein1_predicted{which}"][index] / data[f"wasserstein1_{over}{which}"][index])


def _validity(data: Arrays) -> list[str]:
    """Is the prediction no farther from a trained ensemble than one and a half times another one is, at 95 %?"""
    intervals = [_ratio(data, index, "trained").interval for index in range(data["feature_ratio"].size)]
    return ["valid" if high <= LIMIT else "invalid" if low > LIMIT else "undecided" for low, high in intervals]


def claims(data: Arrays) -> list[Claim]:
    indices = range(data["feature_ratio"].size)
    statements = []
    for index in indices:
        for sampler in SAMPLERS:
            statements += _prediction_claims(data, index, sampler)
        statements.append(_closure_claim(data, index))
    return [*statements, *(_variance_fills(data, index) for index in indices)]


def _place(data: Arrays, index: int) -> str:
    return f"F/P = {fraction(data['feature_ratio'][index])}"


def _prediction_claims(data: Arrays, index: int, sampler: str) -> list[Claim]:
    """Whether prediction and trained models agree, both carried by one sampler."""
    suffix = SAMPLERS[sampler]
    ending = f", {_place(data, index)}" if sampler == "converged" else f", published Euler steps, {_place(data, index)}"
    resolved = _ratio(data, index, "trained", suffix)
    closer = _ratio(data, index, "exact", f"_of_all{suffix}")
    return [
        Claim(
            f"predicted distribution{ending}",
            SOURCE,
            f"W1(predicted, trained average) over W1 between two trained ensembles of that size is at most {LIMIT}",
            None,
            LIMIT,
            float(resolved.value),
            resolved.interval,
            0.0,
            "less",
        ),
        Claim(
            f"prediction against the exact score{ending}",
            SOURCE,
            "W1(predicted, average of all trained models) is at most half of W1(exact score, that average)",
            None,
            0.5,
            float(closer.value),
            closer.interval,
            0.0,
            "less",
        ),
        _gap_claim(data, index, f"gap mass{ending}", suffix),
    ]


def _gap_claim(data: Arrays, index: int, name: str, suffix: str) -> Claim:
    """Gap mass of the trained models against the predicted one, with the error of both."""
    names = tuple(f"{source}{suffix}" for source in ("trained", "predicted"))
    measured, predicted = (float(data[f"gap_mass_{each}"][index]) for each in names)
    return Claim(
        name,
        SOURCE,
        "mass of the trained average with 0.25 < |x| < 0.75 is the predicted one",
        None,
        predicted,
        measured,
        _around(measured, data, index, names),
        0.0,
    )


def _closure_claim(data: Arrays, index: int) -> Claim:
    """Whether the prediction's moments are right: what is left between trained and predicted is the closure's error."""
    measured, predicted = float(data["gap_mass_surrogate"][index]), float(data["gap_mass_predicted"][index])
    return Claim(
        f"gap mass of the closure alone, {_place(data, index)}",
        SOURCE,
        "Gaussian weights with the trained models' own mean and covariance put the predicted mass into the gaps",
        None,
        predicted,
        measured,
        # The moments are as uncertain as the models they are taken from.
        _around(measured, data, index, ("surrogate", "trained", "predicted")),
        0.0,
    )


def _around(value: float, data: Arrays, index: int, sources: tuple[str, ...]) -> tuple[float, float]:
    """95 % interval of a difference whose error is that of these gap masses, around `value`."""
    half_width = 1.96 * float(np.linalg.norm([data[f"gap_mass_stderr_{name}"][index] for name in sources]))
    return value - half_width, value + half_width


def _variance_fills(data: Arrays, index: int) -> Claim:
    """The paper's thesis, in trained models: what the average score alone would not fill."""
    difference = float(data["gap_mass_trained"][index] - data["gap_mass_average"][index])
    return Claim(
        f"variance fills gaps, {_place(data, index)}",
        "Vastola 2025, Sec. 5",
        "trained gap mass exceeds that of the average learned score, which has the same bias and no variance",
        0.0,
        None,
        difference,
        _around(difference, data, index, ("trained",)),
        0.0,
        "greater",
    )


@styled
def draw(data: Arrays) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(12, 7))
    shown = [int(np.argmin(np.abs(np.log(data["feature_ratio"] / ratio)))) for ratio in SHOWN]
    for axis, index in zip(axes[0], shown, strict=True):
        _draw_density(axis, data, index)
    axes[0, 0].legend(loc="upper center", ncols=2, fontsize=7)
    _draw_distances(axes[1, 0], data)
    _draw_ratio(axes[1, 1], data)
    _draw_gaps(axes[1, 2], data)
    label_panels(axes)
    return figure


def _draw_density(axis, data: Arrays, index: int) -> None:
    centres = (data["edges"][1:] + data["edges"][:-1]) / 2
    for low, high in (GAP, (-GAP[1], -GAP[0])):
        axis.axvspan(low, high, color="0.94", lw=0)
    # Empty bins would end a curve on the logarithmic axis.
    curves = {
        name: np.maximum(data[name][index], 1e-4)
        for name in ("lower", "upper", "density_trained", "density_predicted", "density_average")
    }
    axis.fill_between(
        centres, curves["lower"], curves["upper"], color=BLUE, alpha=0.25, lw=0, label="25-75 % of trained models"
    )
    axis.semilogy(centres, curves["density_trained"], color=BLUE, lw=1.6, label="trained, average")
    axis.semilogy(centres, curves["density_predicted"], color=VERMILION, lw=1.2, ls="--", label="predicted [q(x₀)]")
    axis.semilogy(centres, curves["density_average"], color=GREEN, lw=0.9, label="average score alone")
    axis.semilogy(centres, data["density_true"], color=BLACK, lw=0.8, ls=":", label="p(x|ε), exact score")
    axis.set_ylim(2e-4, 2e3)
    axis.set_xlim(-1.5, 1.5)
    axis.set_title(f"F/P = {fraction(data['feature_ratio'][index])} (prediction: {_validity(data)[index]})")
    axis.set_xlabel("x")
    axis.set_ylabel("density")


def _draw_distances(axis, data: Arrays) -> None:
    _shade_valid(axis, data)
    curves = {
        "predicted": ("predicted", VERMILION, "o"),
        "surrogate": (CLOSURE, ORANGE, "D"),
        "trained": ("another trained ensemble", BLUE, "s"),
        "average": ("average score alone", GREEN, "^"),
        "exact": ("exact score", BLACK, "v"),
    }
    for name, (words, colour, marker) in curves.items():
        values = data[f"wasserstein1_{name}"]
        error = jackknife_error(values[:, 1:].T)
        axis.errorbar(
            data["feature_ratio"], values[:, 0], yerr=2 * error, fmt=f"{marker}-", ms=4, lw=1, color=colour, label=words
        )
    axis.set_yscale("log")
    _ratio_axis(axis, data)
    axis.set_ylabel("W₁ to the trained average")
    axis.set_title("distance (dark: prediction valid, light: undecided)")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 12)  # room for the legend above the curves
    axis.legend(loc="upper left")


def _draw_ratio(axis, data: Arrays) -> None:
    _shade_valid(axis, data)
    half = student_t.ppf(0.975, BLOCKS - 1)
    for sampler, words, colour, marker, shift in (
        ("converged", "converged solver", VERMILION, "o", 0.97),
        ("published", "published Euler steps", BLUE, "s", 1.03),
    ):
        ratios = [_ratio(data, index, "trained", SAMPLERS[sampler]) for index in range(data["feature_ratio"].size)]
        axis.errorbar(
            shift * data["feature_ratio"],  # so that the bars do not hide each other
            [each.value for each in ratios],
            yerr=[half * each.stderr for each in ratios],
            fmt=f"{marker}-",
            ms=4,
            lw=1,
            color=colour,
            label=words,
        )
    axis.axhline(LIMIT, color="0.5", lw=0.8, ls="--", label=f"{LIMIT}: limit of validity")
    axis.axhline(1.0, color="0.7", lw=0.8, ls=":", label="1: as close as another ensemble")
    axis.set_yscale("log")
    _ratio_axis(axis, data)
    axis.set_ylabel("W₁(predicted, trained) / W₁(trained, trained′)")
    axis.set_title("prediction error over resolution (bars: 95 %)")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 4)  # room for the legend above the bars
    axis.legend(loc="upper left")


def _draw_gaps(axis, data: Arrays) -> None:
    _shade_valid(axis, data)
    curves = {
        "trained": ("trained", BLUE, "s"),
        "predicted": ("predicted", VERMILION, "o"),
        "surrogate": (CLOSURE, ORANGE, "D"),
        "average": ("average score alone", GREEN, "^"),
        "exact": ("exact score", BLACK, "v"),
    }
    for name, (words, colour, marker) in curves.items():
        _draw_masses(axis, data, name, fmt=f"{marker}-", color=colour, label=words)
    for name in ("trained", "predicted", "exact"):
        _, colour, marker = curves[name]
        _draw_masses(axis, data, f"{name}_published", fmt=f"{marker}:", color=colour, mfc="white")
    axis.plot([], [], "s:", color="0.4", mfc="white", ms=4, lw=1, label="open: published Euler steps")
    axis.set_yscale("symlog", linthresh=1e-3)
    _ratio_axis(axis, data)
    axis.set_ylabel("mass with 0.25 < |x| < 0.75")
    axis.set_title("gap mass (bars: 2 standard errors)")
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.1))  # between the curves and the exact score's line


def _draw_masses(axis, data: Arrays, name: str, **style) -> None:
    stderr = data.get(f"gap_mass_stderr_{name}")  # none for a single model
    bars = None if stderr is None else 2 * stderr
    axis.errorbar(data["feature_ratio"], data[f"gap_mass_{name}"], yerr=bars, ms=4, lw=1, **style)


def _shade_valid(axis, data: Arrays) -> None:
    """The parts of the axis around the values of F/P where the prediction is valid, or may be."""
    edges = np.sqrt(data["feature_ratio"][1:] * data["feature_ratio"][:-1])
    edges = np.concatenate([[data["feature_ratio"][0] / 1.4], edges, [data["feature_ratio"][-1] * 1.4]])
    shades = {"valid": "0.88", "undecided": "0.955", "invalid": "white"}
    for low, high, validity in zip(edges[:-1], edges[1:], _validity(data), strict=True):
        axis.axvspan(low, high, color=shades[validity], lw=0, zorder=0)


def _ratio_axis(axis, data: Arrays) -> None:
    axis.set_xscale("log", base=2)
    axis.set_xticks(data["feature_ratio"], [fraction(ratio) for ratio in data["feature_ratio"]])
    axis.set_xlim(data["feature_ratio"][0] / 1.4, data["feature_ratio"][-1] * 1.4)
    axis.set_xlabel("features over training samples, F/P")
