"""Claims of the figure `vastola2025_naive`."""

from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.vastola2025.naive.experiment import GAP
from figures.vastola2025.naive.statistics import PAIRS, WORDS, distance_by_steps, extrapolated_gap
from sims.measurements.estimates import Estimate, difference, exact

_claim = partial(estimated_claim, source="Vastola 2025, Prop. 4.1", theory=0.0)


def claims(data: Arrays) -> list[Claim]:
    return [*_gap_claims(data), *_limit_claims(data), *_mesh_claims(data), *_perturbation_claims(data)]


def _gap_claims(data: Arrays) -> list[Claim]:
    """Gaps empty: on the same starts and steps, the naive sampler leaves less in the gap than the ODE."""
    change = Estimate(data["gap_change_of_kappa"], data["gap_change_stderr_of_kappa"], int(data["paths"]))
    return [
        _claim(
            f"naive sampler empties the gap, κ = {kappa:g}",
            f"gap mass |x| < {GAP:g} less that of the probability-flow ODE is negative (paired paths, "
            f"{data['steps'][1]} steps)",
            change.at(index),
            relation="less",
        )
        for index, kappa in enumerate(data["kappas"])
    ]


def _limit_claims(data: Arrays) -> list[Claim]:
    """As Δt → 0 the naive sampler, the SDE and the Fokker-Planck equation are one law."""
    finest, exact = data["steps"][-1], float(data["gap_fokker_planck"][int(data["converging"])])
    kappa = float(data["kappas"][int(data["converging"])])
    same_law = []
    for (first, second), tolerance in zip(PAIRS, (0.008, 0.015, 0.015), strict=True):
        distance = distance_by_steps(data, first, second)
        statement = f"total variation at {finest} steps is zero (κ = {kappa:g}; unbiased for equal laws)"
        same_law.append(_claim(f"{WORDS[first]} and {WORDS[second]}", statement, distance.at(-1), tolerance=tolerance))
    falling = distance_by_steps(data, "naive", "fokker_planck")
    return [
        *same_law,
        _claim(
            "naive sampler converges",
            f"total variation to Fokker-Planck falls from {data['steps'][0]} to {finest} steps",
            difference(falling.at(-1), falling.at(0)),
            relation="less",
        ),
        _claim(
            "gap mass of the naive sampler as Δt → 0",
            f"that of the Fokker-Planck equation (κ = {kappa:g}; in √Δt, the order of skewed draws)",
            extrapolated_gap(data, "naive", 0.5),
            theory=exact,
            tolerance=0.005,
        ),
        _claim(
            "gap mass of the SDE as Δt → 0",
            f"that of the Fokker-Planck equation (κ = {kappa:g}; extrapolated in Δt)",
            extrapolated_gap(data, "sde", 1.0),
            theory=exact,
            tolerance=0.005,
        ),
    ]


def _mesh_claims(data: Arrays) -> list[Claim]:
    refined = np.abs(data["gap_fokker_planck"] - data["gap_coarse_mesh"]).max()
    return [
        _claim("mass is conserved", "|total mass - 1| of every solution", exact(data["mass_error"]), tolerance=1e-10),
        _claim("density is not negative", "smallest mass of a cell", exact(data["smallest_mass"]), relation="greater"),
        _claim(
            "Fokker-Planck has converged",
            "half the cells and half the steps leave the gap mass unchanged (largest change over κ)",
            exact(refined),
            tolerance=5e-4,
        ),
    ]


def _perturbation_claims(data: Arrays) -> list[Claim]:
    theory = float(data["square_first_order"])
    small, half = data["gap_quotients"]
    slope = float(data["gap_first_order"])
    return [
        _claim(
            "slope in κ of E x², naive sampler",
            "dE[x²]/dκ at κ = 0 is that of first-order perturbation theory (extrapolated from two κ, within 15 %)",
            Estimate(data["square_slope"], data["square_slope_stderr"], int(data["paths"])),
            theory=theory,
            tolerance=0.15 * abs(theory),
        ),
        _claim(
            "slope in κ of the gap mass, Fokker-Planck",
            "d(gap mass)/dκ at κ = 0 is that of first-order perturbation theory (extrapolated quotient, within 1 %)",
            exact(2 * half - small),
            theory=slope,
            tolerance=0.01 * abs(slope),
        ),
        _claim(
            f"Gaussian sum over paths, κ = {data['kappas'][0]:g}",
            "the gap mass of Gaussian fluctuations about every path is Fokker-Planck's (within 10 %)",
            exact(data["gap_semiclassical"][0]),
            theory=float(data["gap_fokker_planck"][0]),
            tolerance=0.1 * float(data["gap_fokker_planck"][0]),
        ),
        _claim(
            "first order does not reach κ = 0.05",
            "first-order gap mass at κ = 0.05 is negative: perturbation theory holds for κ ≪ 0.03 only",
            exact(data["gap_curve"][0] + 0.05 * slope),
            relation="less",
        ),
    ]
