"""Figure 2 of Vastola 2025: the average distribution that linear models learn from {-1, 0, 1}.

Denoisers linear in 16×16 Gaussian features of (x, t), fitted by ridge regression to P noisy triples, are sampled with
the probability-flow ODE. The published numerics look the denoiser up on a grid of x and take 30 uniform Euler steps;
here it is evaluated exactly, and the same models are sampled twice: with those 30 steps and with a converged solver.
Beside them stands the distribution that `LinearVKernel` predicts without training, also with the converged solver.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLUE, GREEN, VERMILION, plt, styled
from figures.studies.linear_ensembles import LinearModels, stratified_prior
from sims.data.built_in import triple
from sims.measurements.densities import gap_mass, gap_shares, histograms, wasserstein1
from sims.measurements.estimates import mean_over
from theory.exact_scores.point_masses import PointMasses

GAP = (0.25, 0.75)
SOLVERS = ("euler30", "converged")


@dataclass(frozen=True)
class Config:
    """Sizes of the run; the published values but for the number of samples and the converged solver's steps."""

    cutoffs: tuple[float, ...] = (1e-4, 1e-3, 1e-2)  # ε
    training_samples: tuple[int, ...] = (64, 128, 256, 512, 1024)  # P
    features_per_axis: int = 16
    ridge: float = 0.1
    models: int = 100
    samples: int = 1200
    euler_steps: int = 30
    converged_steps: int = 150
    bins: int = 200
    lattice: int = 2**13  # points of the prediction: its standard deviations to 0.2 %, of the 7 % of 100 models


PRESETS = {"quick": Config(), "paper": Config(samples=100_000, converged_steps=400, lattice=2**14)}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Densities and gap masses indexed [ε increasing, F/P decreasing]; one name per solver."""
    cutoffs, counts = config.cutoffs, config.training_samples
    panels, share = [], 0.9 / (len(cutoffs) * len(counts))
    for cutoff, row_key in zip(cutoffs, jax.random.split(key, len(cutoffs)), strict=True):
        for count, panel_key in zip(counts, jax.random.split(row_key, len(counts)), strict=True):
            work = partial(_panel, config, cutoff, count, panel_key)
            panels.append(stage(f"models at ε = {cutoff:g}, P = {count}", work, share=share))
    exact = stage("exact score", partial(_exact_score, config), share=0.05)
    check = stage("twice the steps", partial(_convergence, config, key), share=0.05)
    shape = (len(cutoffs), len(counts))
    stacked = {name: np.stack([panel[name] for panel in panels]) for name in panels[0]}
    return {
        "cutoff": np.asarray(cutoffs),
        "feature_ratio": config.features_per_axis**2 / np.asarray(counts, dtype=float),
        "edges": _edges(config),
        "samples": np.asarray(config.samples),
        **{name: value.reshape(*shape, *value.shape[1:]) for name, value in stacked.items()},
        **exact,
        **check,
    }


def _edges(config: Config) -> np.ndarray:
    """Bin edges of the published histogram: bins centred on linspace(-1.5, 1.5)."""
    centres = np.linspace(-1.5, 1.5, config.bins)
    half = (centres[1] - centres[0]) / 2
    return np.linspace(-1.5 - half, 1.5 + half, config.bins + 1)


def _models(config: Config, cutoff: float, count: int) -> LinearModels:
    number = config.features_per_axis
    return LinearModels(triple(), cutoff, count, number, number, config.ridge, lattice=config.lattice)


def _panel(config: Config, cutoff: float, count: int, key: PRNGKeyArray) -> Arrays:
    """Train the ensemble of one panel and measure what it generates with both solvers."""
    setup = _models(config, cutoff, count)
    initial = stratified_prior(setup.process, config.samples)
    trained = setup.trained(config.models, key)
    predicted = setup.predicted(config.models, jax.random.fold_in(key, 1))
    runs = {
        "euler30": setup.samples(trained, initial, config.euler_steps, "published"),
        "converged": setup.samples(trained, initial, config.converged_steps),
        "predicted": setup.samples(predicted, initial, config.converged_steps),
    }
    arrays: Arrays = {}
    for name, x in runs.items():
        samples = x[..., 0]
        density = histograms(samples, _edges(config))
        mass, distance = gap_mass(samples, *GAP), wasserstein1(samples, triple()[:, 0])
        arrays |= {
            f"density_{name}": density.mean(axis=0),
            f"lower_{name}": np.quantile(density, 0.25, axis=0),
            f"upper_{name}": np.quantile(density, 0.75, axis=0),
            f"gap_mass_{name}": mass.value,
            f"gap_mass_{name}_stderr": mass.stderr,
            f"wasserstein1_{name}": distance.value,
            f"wasserstein1_{name}_stderr": distance.stderr,
        }
    return arrays


def _exact_score(config: Config) -> Arrays:
    """What the same solvers make of the exact score, and the density p(x|ε) itself."""
    data = PointMasses(triple())
    centres = (_edges(config)[1:] + _edges(config)[:-1]) / 2
    rows = []
    for cutoff in config.cutoffs:
        setup = _models(config, cutoff, config.training_samples[0])
        initial = stratified_prior(setup.process, config.samples)
        ends = {
            "euler30": setup.exact(initial, config.euler_steps, "published"),
            "converged": setup.exact(initial, config.converged_steps),
        }
        row: Arrays = {"density_true": np.exp(data.log_density(jnp.asarray(centres)[:, None], cutoff, setup.process))}
        for name, x in ends.items():
            row[f"density_exact_{name}"] = histograms(x.T, _edges(config))[0]
            row[f"gap_mass_exact_{name}"] = gap_shares(x[:, 0], *GAP)
        rows.append(row)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _convergence(config: Config, key: PRNGKeyArray) -> Arrays:
    """Gap mass of one panel's models with the converged solver and with twice its steps, model by model."""
    cutoff, count = config.cutoffs[0], config.training_samples[len(config.training_samples) // 2]
    setup = _models(config, cutoff, count)
    models = setup.trained(config.models, key)
    initial = stratified_prior(setup.process, config.samples)[::4]
    masses = [
        gap_shares(setup.samples(models, initial, steps)[..., 0], *GAP)
        for steps in (config.converged_steps, 2 * config.converged_steps)
    ]
    return {"gap_mass_change_on_doubling": masses[1] - masses[0]}


def _growth(data: Arrays, row: int, solver: str) -> tuple[float, float]:
    """Slope of gap mass in log₂(F/P) at one ε by least squares, with its standard error from the panels' own."""
    x = np.log2(data["feature_ratio"])
    y, error = data[f"gap_mass_{solver}"][row], data[f"gap_mass_{solver}_stderr"][row]
    weight = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    return float(weight @ y), float(np.sqrt(np.sum((weight * error) ** 2)))


def _claim(name: str, statement: str, value: float, stderr: float, **held_against) -> Claim:
    """A claim on Figure 2 from an estimate and its standard error over models."""
    held = {"paper": None, "theory": None, "tolerance": 0.0, "relation": "greater"} | held_against
    interval = (value - 1.96 * stderr, value + 1.96 * stderr)
    return Claim(name, "Vastola 2025, Fig. 2", statement, measured=value, interval=interval, **held)


def claims(data: Arrays) -> list[Claim]:
    return [*_solver_claims(data), *_gap_claims(data), *_trend_claims(data), *_prediction_claims(data)]


def _solver_claims(data: Arrays) -> list[Claim]:
    """What the published 30 Euler steps do by themselves, and whether ours have converged."""
    converged = data["gap_mass_exact_converged"]
    change = mean_over(data["gap_mass_change_on_doubling"])
    overstated = data["gap_mass_euler30"] - data["gap_mass_converged"]
    stderr = np.hypot(data["gap_mass_euler30_stderr"], data["gap_mass_converged_stderr"])
    return [
        *_exact_euler_claims(data),
        _claim(
            "exact score, converged solver",
            "gap mass is that of p(x|ε), which is zero (largest of the three ε)",
            float(converged.max()),
            0.0,
            theory=0.0,
            tolerance=0.005,
            relation="equal",
        ),
        _claim(
            "the converged solver has converged",
            "twice the steps leave every model's gap mass unchanged (F/P = 1, smallest ε, mean over models)",
            float(change.value),
            float(change.stderr),
            theory=0.0,
            tolerance=0.005,
            relation="equal",
        ),
        _claim(
            "30 Euler steps overstate the filling",
            "trained models' gap mass with 30 Euler steps exceeds the converged one (mean over the 15 panels)",
            float(overstated.mean()),
            float(np.sqrt(np.sum(stderr**2)) / stderr.size),
            theory=0.0,
        ),
    ]


def _exact_euler_claims(data: Arrays) -> list[Claim]:
    """The solver alone, for every ε. There is no randomness: the interval is the resolution of the initial positions.

    They are the mid-quantiles of the prior and the flow is monotone, so each of the four ends of the gap is misplaced
    by one sample at most.
    """
    resolution = 4 / float(data["samples"])
    return [
        Claim(
            f"exact score, 30 Euler steps, ε = {cutoff:g}",
            "Vastola 2025, Fig. 2",
            "gap mass is that of p(x|ε), which is zero: the published solver adds nothing",
            paper=0.0,
            theory=None,
            measured=float(mass),
            interval=(float(mass) - resolution, float(mass) + resolution),
            tolerance=0.005,
        )
        for cutoff, mass in zip(data["cutoff"], data["gap_mass_exact_euler30"], strict=True)
    ]


def _gap_claims(data: Arrays) -> list[Claim]:
    """Do gaps fill when the ODE is solved? At both ends of F/P, for every ε."""
    ends = ((0, "largest"), (-1, "smallest"))
    return [
        _claim(
            f"gaps fill at ε = {cutoff:g}, F/P = {data['feature_ratio'][column]:g}",
            f"the average learned distribution fills the gaps ({which} F/P): converged gap mass exceeds the exact "
            "score's by more than 0.001",
            float(data["gap_mass_converged"][row, column] - data["gap_mass_exact_converged"][row]),
            float(data["gap_mass_converged_stderr"][row, column]),
            paper=0.001,
        )
        for column, which in ends
        for row, cutoff in enumerate(data["cutoff"])
    ]


def _trend_claims(data: Arrays) -> list[Claim]:
    """ "There is more generalization as both become larger": F/P at every ε, and ε."""
    by_ratio = [
        _claim(
            f"more filling with larger F/P, ε = {cutoff:g}",
            "converged gap mass grows with F/P: slope per doubling is positive",
            *_growth(data, row, "converged"),
            paper=0.0,
        )
        for row, cutoff in enumerate(data["cutoff"])
    ]
    difference = data["gap_mass_converged"][-1] - data["gap_mass_converged"][0]
    stderr = np.hypot(data["gap_mass_converged_stderr"][-1], data["gap_mass_converged_stderr"][0])
    by_cutoff = _claim(
        "more filling with larger ε",
        "converged gap mass at the largest ε exceeds that at the smallest (mean over F/P)",
        float(difference.mean()),
        float(np.sqrt(np.sum(stderr**2)) / stderr.size),
        paper=0.0,
    )
    return [*by_ratio, by_cutoff]


def _prediction_claims(data: Arrays) -> list[Claim]:
    """The V-kernel's gap mass at the smallest F/P, for every ε. See `learned_distribution` for smaller F/P."""
    return [
        _claim(
            f"predicted gap mass, ε = {cutoff:g}, F/P = {data['feature_ratio'][-1]:g}",
            "converged gap mass of the trained models is that of the predicted Gaussian weights",
            float(data["gap_mass_converged"][row, -1]),
            float(np.hypot(data["gap_mass_converged_stderr"][row, -1], data["gap_mass_predicted_stderr"][row, -1])),
            theory=float(data["gap_mass_predicted"][row, -1]),
            relation="equal",
        )
        for row, cutoff in enumerate(data["cutoff"])
    ]


@styled
def draw(data: Arrays) -> Figure:
    rows, columns = len(data["cutoff"]), len(data["feature_ratio"])
    figure = plt.figure(figsize=(12, 14))
    blocks = np.asarray(figure.subfigures(3, 1, height_ratios=(1, 1, 0.55)))
    titles = ("30 uniform Euler steps, as published", "converged solver")
    for block, solver, title in zip(blocks, SOLVERS, titles, strict=False):
        block.suptitle(f"{title}: average learned distribution", fontsize=11)
        axes = block.subplots(rows, columns, sharex=True, sharey=True)
        for row in range(rows):
            for column in range(columns):
                _draw_panel(axes[row, column], data, solver, row, column)
        for axis, ratio in zip(axes[0], data["feature_ratio"], strict=True):
            axis.set_title(f"F/P = {ratio:g}")
        for axis, cutoff in zip(axes[:, 0], data["cutoff"], strict=True):
            axis.set_ylabel(f"ε = {cutoff:g}\ndensity")
        for axis in axes[-1]:
            axis.set_xlabel("x")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        block.legend(handles, labels, loc="outside lower center", ncols=5)
    _draw_table(blocks[2], data)
    return figure


def _draw_panel(axis, data: Arrays, solver: str, row: int, column: int) -> None:
    centres = (data["edges"][1:] + data["edges"][:-1]) / 2
    floor = 1e-4
    axis.axvspan(-GAP[1], -GAP[0], color="0.94", lw=0)
    axis.axvspan(*GAP, color="0.94", lw=0)
    axis.semilogy(
        centres, data[f"density_exact_{solver}"][row] + floor, color="0.55", lw=1, label="exact score, same solver"
    )
    axis.semilogy(centres, data["density_true"][row] + floor, color="black", lw=0.8, label="p(x|ε)")
    lower, upper = data[f"lower_{solver}"][row, column] + floor, data[f"upper_{solver}"][row, column] + floor
    axis.fill_between(centres, lower, upper, color=BLUE, alpha=0.3, lw=0, label="25-75 % of models")
    axis.semilogy(
        centres, data[f"density_{solver}"][row, column] + floor, color=VERMILION, lw=1.2, label="mean of models"
    )
    if solver == "converged":
        predicted = data["density_predicted"][row, column] + floor
        axis.semilogy(centres, predicted, color=GREEN, lw=1, ls="--", label="predicted by the V-kernel")
    axis.set_ylim(1e-3, 100)
    axis.set_xlim(-1.5, 1.5)
    mass, stderr = (data[f"gap_mass_{solver}{part}"][row, column] for part in ("", "_stderr"))
    axis.text(
        0.5, 0.97, f"gap {mass:.3f} ± {stderr:.3f}", transform=axis.transAxes, ha="center", va="top", fontsize=7.5
    )


def _draw_table(block, data: Arrays) -> None:
    """Gap mass, mean ± standard error over models, for both solvers, with the exact score beside."""
    block.suptitle("gap mass: share of samples with 0.25 < |x| < 0.75, mean ± standard error over models", fontsize=11)
    axis = block.subplots()
    axis.set_axis_off()
    cells, rows = [], []
    runs = {"euler30": "30 Euler steps", "converged": "converged", "predicted": "predicted, converged"}
    for solver, words in runs.items():
        for row, cutoff in enumerate(data["cutoff"]):
            values, errors = data[f"gap_mass_{solver}"][row], data[f"gap_mass_{solver}_stderr"][row]
            exact = data["gap_mass_exact_euler30" if solver == "euler30" else "gap_mass_exact_converged"][row]
            rows.append(f"{words}, ε = {cutoff:g}")
            cells.append([*(f"{v:.4f} ± {e:.4f}" for v, e in zip(values, errors, strict=True)), f"{exact:.4f}"])
    columns = [*(f"F/P = {ratio:g}" for ratio in data["feature_ratio"]), "exact score"]
    table = axis.table(cells, rowLabels=rows, colLabels=columns, loc="center", cellLoc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(0.86, 1.45)
