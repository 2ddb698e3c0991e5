"""Proposition 4.1 of Vastola 2025: five ways to the average distribution of the naive sampler, laid over each other.

Data ±1. The sampler whose score is that of a freshly drawn example at every step; the stochastic equation that it
becomes as the steps shrink; the Fokker-Planck equation of that; perturbation theory in κ, as a density and as the
semiclassical sum over paths; and the probability-flow ODE, κ = 0. The V-kernel of Prop. 4.1 does not fill the gap
between the data. It empties it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from figures.common.parts import all_grouped, part_size, stages_of_parts
from figures.common.stages import Arrays, RunStage, Stage
from sims.measurements.estimates import mean_over
from sims.sampling.naive import naive_sampler
from sims.sampling.schedules import log_snr_schedule, uniform_schedule
from sims.training.training_triples import with_array_parameters
from theory.definitions.processes import EDM, AbstractProcess, VariancePreserving
from theory.definitions.schedules import LinearSchedule
from theory.exact_scores.point_masses import PointMasses
from theory.path_integral.cells import CellMasses, gaussian_cells_ending_at
from theory.path_integral.effective_sde import sample_effective_sde
from theory.path_integral.fokker_planck import first_order_fokker_planck, fokker_planck
from theory.path_integral.perturbation import first_order_expectation
from theory.path_integral.semiclassical import NoisyPaths, semiclassical_paths
from theory.v_kernel.naive_sampling import NaiveVKernel

DATA = np.array([[-1.0], [1.0]])
GAP = 0.4  # the gap is |x| < GAP
# The paper's schedule, and two others, each with the cut-off ε at which p(x | ε) has .038 of its mass in the gap.
PROCESSES = {
    "VP, β from .1 to 20": VariancePreserving(LinearSchedule(0.1, 20.0), end_time=0.0665),
    "VP, β from .1 to 6": VariancePreserving(LinearSchedule(0.1, 6.0), end_time=0.1148),
    "EDM": EDM(0.3385, 10.0),
}
PROCESS = PROCESSES["VP, β from .1 to 20"]
FINER = 4  # bins of the theory's lines for each of the simulations'


@dataclass(frozen=True)
class Config:
    """Noise strengths κ (times, in units of the process), and sizes of the simulations and of the mesh."""

    kappas: tuple[float, ...] = (0.005, 0.05, 0.2)
    converging_kappa: float = 0.05  # one of `kappas`
    steps: tuple[int, ...] = (64, 256, 1024)  # uniform in t; the second is used for the other κ
    paths: int = 60_000  # of the naive sampler and the ODE
    sde_paths: int = 30_000
    slope_kappas: tuple[float, float] = (0.01, 0.02)
    slope_repeats: int = 2  # times `paths`
    cells: int = 300
    mesh_steps: int = 1500
    curve_points: int = 60
    bins: int = 48
    steps_per_stage: float = 1.6e9  # of all paths together


PRESETS = {
    "quick": Config(),
    "paper": Config(
        steps=(100, 400, 1600, 6400),
        paths=1_000_000,
        sde_paths=100_000,
        cells=800,
        mesh_steps=8000,
    ),
    "tiny": Config(
        kappas=(0.01, 0.05),
        steps=(8, 16, 32),
        paths=400,
        sde_paths=200,
        slope_repeats=1,
        cells=40,
        mesh_steps=40,
        curve_points=3,
        bins=12,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Masses of bins [κ, bin] per method; of the simulations [κ or steps, half of the paths, bin] and gap masses.

    Arrays `line_` are masses of the finer bins that the lines of theory are drawn with.
    """
    step_key, kappa_key, slope_key = jax.random.split(key, 3)
    arrays: Arrays = {
        "kappas": np.asarray(config.kappas),
        "steps": np.asarray(config.steps),
        "converging": np.asarray(config.kappas.index(config.converging_kappa)),
        "edges": _edges(config),
        "paths": np.asarray(config.paths),
        "sde_paths": np.asarray(config.sde_paths),
        "slope_kappas": np.asarray(config.slope_kappas),
    }
    share = 0.4 / sum(config.steps)
    of_steps = [
        _in_parts(
            config,
            f"κ = {config.converging_kappa:g}, {steps} steps",
            partial(_simulate, kappa=config.converging_kappa, steps=steps),
            run_key,
            steps=steps,
            share=share * steps,
        )
        for steps, run_key in zip(config.steps, jax.random.split(step_key, len(config.steps)), strict=True)
    ]
    runs_of_all = config.steps[1] * (2 * len(config.kappas) + 1)
    of_kappas = _in_parts(config, "all κ", _simulate_all, kappa_key, steps=runs_of_all, share=0.17)
    single = [
        Stage("theory", partial(_theory, config), share=0.3),
        Stage("three processes", partial(_processes, config), share=0.05),
        Stage("small κ", partial(_slope, config, slope_key), share=0.08),
    ]
    (theory, processes, slope), *by_steps, by_kappas = all_grouped(stage, [single, *of_steps, of_kappas])
    pooled = _stacked([_pooled(parts) for parts in by_steps], "of_steps") | _pooled(by_kappas)
    return arrays | theory | processes | pooled | slope


def _in_parts(
    config: Config, name: str, simulate: Callable[..., Arrays], key: PRNGKeyArray, *, steps: int, share: float
) -> list[Stage]:
    """Stages of `simulate(config, key=…)`, each with a part of the paths."""
    parts = math.ceil(config.paths * steps / config.steps_per_stage)
    part = replace(config, paths=part_size(config.paths, parts), sde_paths=part_size(config.sde_paths, parts))
    return stages_of_parts(name, partial(simulate, part), key, parts=parts, share=share)


def _pooled(parts: list[Arrays]) -> Arrays:
    """Means over all paths and their standard errors, from parts that have equally many."""
    if len(parts) == 1:
        return parts[0]
    stacked = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    return {
        name: np.sqrt(np.sum(of_parts**2, axis=0)) / len(parts) if "_stderr" in name else of_parts.mean(axis=0)
        for name, of_parts in stacked.items()
    }


def _edges(config: Config) -> np.ndarray:
    return np.linspace(-2.4, 2.4, config.bins + 1)


def _finer_edges(config: Config) -> np.ndarray:
    """For the lines of theory, which have no noise."""
    return np.linspace(-2.4, 2.4, FINER * config.bins + 1)


def _kernel(kappa: float | Array, process: AbstractProcess = PROCESS) -> NaiveVKernel:
    return NaiveVKernel(PointMasses(DATA), with_array_parameters(process), kappa)


def _mesh(config: Config, process: AbstractProcess = PROCESS, coarsening: int = 1) -> tuple[CellMasses, Array]:
    """Cells that are even at ε, where the flow has stretched the gap, and times even in the log-SNR."""
    times = log_snr_schedule(process, config.mesh_steps // coarsening)
    edges = jnp.linspace(-2.8, 2.8, config.cells // coarsening + 1)
    return gaussian_cells_ending_at(edges, process.prior_variance, _kernel(0.0, process).mean_drift, times), times


def _densities(kappas: np.ndarray, cells: CellMasses, times: Array, process: AbstractProcess) -> list[CellMasses]:
    kernels = [_kernel(float(kappa), process) for kappa in kappas]
    return [fokker_planck(kernel, kernel.mean_drift, cells, times) for kernel in kernels]


def _gap(density: CellMasses) -> float:
    return float(density.mass_between(-GAP, GAP))


def _binned(density: CellMasses, edges: np.ndarray) -> np.ndarray:
    return np.diff(np.asarray(density.mass_below(edges)))


def _theory(config: Config) -> Arrays:
    edges, finer, (cells, times) = _edges(config), _finer_edges(config), _mesh(config)
    curve = np.concatenate([[0.0], np.geomspace(1e-3, 0.4, config.curve_points), config.kappas])
    full = _densities(curve, cells, times, PROCESS)
    coarse = _densities(np.asarray(config.kappas), *_mesh(config, coarsening=2), PROCESS)
    drift = _kernel(1.0).mean_drift
    without, unit = first_order_fokker_planck(_kernel(1.0), drift, cells, times)
    tiny = (5e-4, 2.5e-4)
    quotients = [
        (_gap(density) - _gap(without)) / kappa
        for density, kappa in zip(_densities(np.asarray(tiny), cells, times, PROCESS), tiny, strict=True)
    ]
    starts, weights = cells.centres[:, None], cells.mass
    fewer_times = log_snr_schedule(PROCESS, min(config.mesh_steps, 300))
    square = first_order_expectation(_square, _kernel(1.0), drift, starts, weights, fewer_times)
    paths = semiclassical_paths(_kernel(1.0), drift, starts, fewer_times)
    chosen = full[-len(config.kappas) :]
    return {
        "curve_kappas": curve,
        "gap_curve": np.asarray([_gap(density) for density in full]),
        "gap_fokker_planck": np.asarray([_gap(density) for density in chosen]),
        "gap_coarse_mesh": np.asarray([_gap(density) for density in coarse]),
        "density_fokker_planck": np.stack([_binned(density, edges) for density in chosen]),
        "finer_edges": finer,
        "line_fokker_planck": np.stack([_binned(density, finer) for density in chosen]),
        "line_ode": _binned(without, finer),
        "line_first_order": _binned(unit, finer),  # per unit of κ
        "line_semiclassical": np.stack([_summed_over(paths, weights, kappa, finer) for kappa in config.kappas]),
        "gap_semiclassical": np.asarray(
            [_summed_over(paths, weights, kappa, np.array([-GAP, GAP]))[0] for kappa in config.kappas]
        ),
        "gap_first_order": np.asarray(_gap(unit)),
        "gap_quotients": np.asarray(quotients),
        "square_first_order": np.asarray(square.correction),
        "mass_error": np.max([abs(float(density.mass.sum()) - 1) for density in (*full, *coarse)]),
        "smallest_mass": np.min([float(density.mass.min()) for density in (*full, *coarse)]),
    }


def _square(x: Array) -> Array:
    return x[0] ** 2


def _summed_over(paths: NoisyPaths, weights: Array, kappa: float, edges: np.ndarray) -> np.ndarray:
    """Bin masses of the sum over paths of the ODE, each with Gaussian fluctuations; `paths` are those of κ = 1."""
    centre, spread = paths.end + kappa * paths.shift, jnp.sqrt(kappa * paths.covariance[:, 0])
    below = jax.scipy.stats.norm.cdf((jnp.asarray(edges)[None, :] - centre) / jnp.maximum(spread, 1e-12))
    return np.diff(np.asarray(weights @ below))


def _processes(config: Config) -> Arrays:
    """Gap mass against κ for three processes whose p(x | ε) has the same gap mass: κ is a time, not a pure number."""
    kappas = np.linspace(0.0, 0.2, config.curve_points)
    rows = [[_gap(q) for q in _densities(kappas, *_mesh(config, p, 2), p)] for p in PROCESSES.values()]
    return {"process_kappas": kappas, "process_gaps": np.asarray(rows)}


def _simulate(config: Config, key: PRNGKeyArray, *, kappa: float, steps: int) -> Arrays:
    """Bin masses and gap mass of the naive sampler and of the effective SDE, from independent starts."""
    naive_key, sde_key = jax.random.split(key)
    samples = {"naive": _naive(config, kappa, steps, naive_key), "sde": _sde(config, kappa, steps, sde_key)}
    arrays: Arrays = {}
    for name, x in samples.items():
        gap = mean_over(np.abs(x) < GAP)
        arrays |= {f"gap_{name}": gap.value, f"gap_{name}_stderr": gap.stderr, f"halves_{name}": _halves(config, x)}
    return arrays


def _simulate_all(config: Config, key: PRNGKeyArray) -> Arrays:
    """The same for every κ; and the change of gap mass from the ODE (κ = 0), path by path."""
    runs, steps = [], config.steps[1]
    ode_key, *keys = jax.random.split(key, len(config.kappas) + 1)
    ode = _naive(config, 0.0, steps, ode_key)
    for kappa, run_key in zip(config.kappas, keys, strict=True):
        paired = _naive(config, kappa, steps, ode_key)
        change = mean_over((np.abs(paired) < GAP).astype(float) - (np.abs(ode) < GAP))
        estimate = {"gap_change": change.value, "gap_change_stderr": change.stderr}
        runs.append(_simulate(config, run_key, kappa=kappa, steps=steps) | estimate)
    return _stacked(runs, "of_kappa")


def _stacked(runs: list[Arrays], suffix: str) -> Arrays:
    return {f"{name}_{suffix}": np.stack([run[name] for run in runs]) for name in runs[0]}


def _naive(config: Config, kappa: float, steps: int, key: PRNGKeyArray) -> np.ndarray:
    """Where paths of the naive sampler end, (paths,); one key gives the same starts for every κ."""
    start_key, noise_key = jax.random.split(key)
    initial, times = jax.random.normal(start_key, (config.paths, 1)), uniform_schedule(PROCESS, steps)
    return np.asarray(naive_sampler(jnp.asarray(DATA), PROCESS, kappa, initial, times, key=noise_key))[:, 0]


def _sde(config: Config, kappa: float, steps: int, key: PRNGKeyArray) -> np.ndarray:
    """Where paths of the effective SDE end, (sde_paths,)."""
    start_key, noise_key = jax.random.split(key)
    initial, times = jax.random.normal(start_key, (config.sde_paths, 1)), uniform_schedule(PROCESS, steps)
    kernel = _kernel(kappa)
    return np.asarray(sample_effective_sde(kernel, kernel.mean_drift, initial, times, key=noise_key))[:, 0]


def _halves(config: Config, x: np.ndarray) -> np.ndarray:
    """Bin masses of the first and of the second half of the paths, (2, bins)."""
    parts = np.split(x[: len(x) // 2 * 2], 2)
    return np.stack([np.histogram(part, _edges(config))[0] / len(part) for part in parts])


def _slope(config: Config, key: PRNGKeyArray) -> Arrays:
    """dE[x²]/dκ at κ = 0 of the naive sampler, from its change at two κ on the same starts and random numbers."""
    small, large = config.slope_kappas
    slopes = []
    for repeat_key in jax.random.split(key, config.slope_repeats):
        ode, first, second = (_naive(config, kappa, config.steps[1], repeat_key) ** 2 for kappa in (0.0, small, large))
        slopes.append((large * (first - ode) / small - small * (second - ode) / large) / (large - small))
    estimate = mean_over(np.concatenate(slopes))
    return {"square_slope": estimate.value, "square_slope_stderr": estimate.stderr}
