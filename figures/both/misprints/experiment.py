"""The misprints of both papers: what is printed, what is correct, and what an experiment measures.

Printed and corrected forms come from the derivations (`python -m theory.derivations`), evaluated at a point where they
part; the measured values from trained networks, samplers and Monte Carlo that know neither form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.common.style import BLUE, VERMILION, plt, styled
from sims.experiments import misprints as experiments
from sims.measurements.estimates import Estimate, mean_over
from theory.derivations.table import get


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    repetitions: int = 16
    samples: int = 65536  # training samples, or paths, of each repetition
    models: int = 8192  # fitted models of each repetition


PRESETS = {"quick": Config(), "paper": Config(repetitions=64, samples=262144, models=32768)}

# derivation: where, what is wrong, how it is measured
ROWS: dict[str, tuple[str, str, str]] = {
    "bias_gradient": ("W&P App. C.1.1, Eq. 13", "bias counted twice in the flow of W", "gradient of the loss"),
    "sampling_propagator": ("W&P Lemma 4.1", "sign of the exponent of A", "sampler with fitted networks"),
    "full_width_convolution": ("W&P Prop. 5.3", "γ(τ) for γ(0) in the bracket", "trained convolution"),
    "forward_variance": ("Vastola Sec. 2", "powers of α in the forward variance", "Euler-Maruyama"),
    "coloured_noise_mean": ("Vastola Prop. 3.1", "mean of coloured noise is not zero", "paths with one draw each"),
    "finite_feature_variance": ("Vastola Eq. 13", "F/P taken as small", "least squares, P = 4"),
    "complete_basis_kernel": ("Vastola Eq. 17", "density of inputs left out", "least squares, rare cell"),
    "design_variance": ("Vastola Eq. 16", "variance of the design left out", "trained denoisers"),
    "semiclassical": ("Vastola Eq. 18", "fluctuations counted twice", "naive sampler"),
}


def _experiments(config: Config) -> dict[str, Callable[..., np.ndarray]]:
    """At the points of the derivations."""
    repetitions, samples, models = config.repetitions, config.samples, config.models
    return {
        "bias_gradient": partial(
            experiments.pull_on_the_weights, np.array([1.0, 0.0]), samples=samples, repetitions=repetitions
        ),
        "sampling_propagator": partial(
            experiments.contraction_of_sampling, 80.0, 0.002, levels=200, samples=samples, repetitions=repetitions
        ),
        "full_width_convolution": partial(
            experiments.trained_full_width_gain, 8, 0.01, steps=200, samples=samples, repetitions=repetitions
        ),
        "forward_variance": partial(
            experiments.noising_variance, (0.2, 3.0), 0.8, steps=800, paths=samples // 16, repetitions=repetitions
        ),
        "coloured_noise_mean": partial(
            experiments.mean_under_coloured_noise, 1.0, 2.0, steps=200, paths=samples, repetitions=repetitions
        ),
        "finite_feature_variance": partial(
            experiments.weight_variance_of_least_squares, 4, models=16 * models, repetitions=repetitions
        ),
        "complete_basis_kernel": partial(
            experiments.variance_in_first_cell, (0.05, 0.45, 0.5), 100, models=models, repetitions=repetitions
        ),
        "design_variance": partial(
            experiments.weight_variance_during_training,
            1.0,
            0.5,
            0.1,
            pairs=256,
            steps=100,
            models=models // 8,
            repetitions=repetitions,
        ),
        "semiclassical": partial(
            experiments.density_of_the_naive_sampler,
            1e-3,
            10.0,
            0.01,
            steps=400,
            paths=samples // 16,
            repetitions=repetitions,
        ),
    }


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Printed and corrected values, (rows,), and repetitions of the measured one, (rows, repetitions)."""
    keys = jax.random.split(key, len(ROWS))
    experiments_of, measured = _experiments(config), []
    for name, run_key in zip(ROWS, keys, strict=True):
        run = partial(_repeat, experiments_of[name], run_key)
        measured.append(stage(ROWS[name][2], run, share=1 / len(ROWS))["measured"])
    values = []
    for name in ROWS:
        misprint = get(name).misprint
        assert misprint is not None
        values.append(misprint.values()[:2])
    printed, corrected = np.asarray(values).T
    return {"printed": printed, "corrected": corrected, "measured": np.stack(measured)}


def _repeat(experiment: Callable[..., np.ndarray], key: PRNGKeyArray) -> Arrays:
    return {"measured": experiment(key=key)}


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for row, (source, wrong, how) in enumerate(ROWS.values()):
        estimate = mean_over(data["measured"][row])
        corrected = float(data["corrected"][row])
        statements.append(
            Claim(
                f"misprint: {wrong}",
                source,
                f"the corrected value, not the printed one, is measured ({how})",
                float(data["printed"][row]),
                corrected,
                float(estimate.value),
                estimate.interval,
                0.03 * corrected,
            )
        )
    return statements


# Left edges of the table's columns, and their headings.
COLUMNS = (
    (0.0, "where"),
    (0.17, "what is wrong"),
    (0.41, "measured by"),
    (0.59, "printed"),
    (0.68, "corrected"),
    (0.775, "difference"),
    (0.865, "measured ± s.e."),
)


@styled
def draw(data: Arrays) -> Figure:
    figure, (table, panel) = plt.subplots(1, 2, figsize=(13.5, 4.2), width_ratios=[4.6, 1])
    count = len(ROWS)
    heights = np.arange(count)[::-1]
    table.axis("off")
    table.set_xlim(0, 1)
    for axis in (table, panel):
        axis.set_ylim(-0.6, count + 0.4)
    for left, title in COLUMNS:
        table.text(left, count - 0.2, title, fontweight="bold", va="center")
    table.axhline(count - 0.6, color="0.4", lw=0.8)
    colours = ("black", "black", "0.35", VERMILION, BLUE, "black", "black")
    for row, height in enumerate(heights):
        for (left, _), cell, colour in zip(COLUMNS, _cells(data, row), colours, strict=True):
            table.text(left, height, cell, va="center", color=colour)
    _draw_ratios(panel, data, heights)
    return figure


def _cells(data: Arrays, row: int) -> tuple[str, ...]:
    """A line of the table."""
    printed, corrected = data["printed"][row], data["corrected"][row]
    numbers = (f"{printed:.4g}", f"{corrected:.4g}", f"{printed - corrected:+.4g}")
    return (*list(ROWS.values())[row], *numbers, _with_error(mean_over(data["measured"][row])))


def _with_error(estimate: Estimate) -> str:
    """Value and standard error to the error's first digit, or its first two where the first is a one."""
    decimals = max(0, -int(np.floor(np.log10(estimate.stderr / 2)))) if estimate.stderr > 0 else 4
    return f"{estimate.value:.{decimals}f} ± {estimate.stderr:.{decimals}f}"


def _draw_ratios(axis: Axes, data: Arrays, heights: np.ndarray) -> None:
    """Printed and measured over corrected; a printed zero is an arrow at the left edge."""
    ratio, zero = data["printed"] / data["corrected"], data["printed"] == 0
    axis.axvline(1.0, color=BLUE, lw=1)
    axis.plot(ratio[~zero], heights[~zero], "s", color=VERMILION, ms=5, label="printed")
    axis.plot(np.full(zero.sum(), 2e-2), heights[zero], "<", color=VERMILION, ms=7, label="printed: 0")
    measured = mean_over(data["measured"], axis=1)
    axis.errorbar(
        measured.value / data["corrected"],
        heights,
        xerr=2 * measured.stderr / data["corrected"],
        fmt="o",
        color="black",
        ms=3.5,
        label="measured",
    )
    axis.set_xscale("log")
    axis.set_xlim(1e-2, 3e4)
    axis.set_yticks([])
    axis.set_xlabel("ratio to the corrected value")
    axis.legend(loc="lower right")
