"""Claims of the figure `vastola2025_naive`. Replicates are paths; what no path enters is a check or an identity."""

import numpy as np

from figures.common.claims import Claim, Tests
from figures.common.stages import Arrays
from figures.vastola2025.naive.experiment import GAP
from figures.vastola2025.naive.statistics import PAIRS, WORDS, distance_by_steps, extrapolated_gap
from sims.measurements.estimates import Estimate, difference

SOURCE = "Vastola 2025, Prop. 4.1"


def claims(data: Arrays) -> list[Claim]:
    return [*_gap_claims(data), *_limit_claims(data), *_mesh_claims(data), *_perturbation_claims(data)]


def _less(name: str, statement: str, estimate: Estimate, margin: float) -> Claim:
    about = {"source": SOURCE, "tests": "theory", "bound": 0.0, "relation": "less", "margin": margin}
    return Claim.from_estimate(name, statement, estimate, **about)


def _equals(
    name: str, statement: str, estimate: Estimate, *, theory: float = 0.0, margin: float, tests: Tests = "theory"
) -> Claim:
    """An estimate of the number itself, against theory."""
    about = {"source": SOURCE, "tests": tests, "theory": theory, "margin": margin}
    return Claim.from_estimate(name, statement, estimate.minus(theory), **about)


def _gap_claims(data: Arrays) -> list[Claim]:
    """Gaps empty: on the same starts and steps, the naive sampler leaves less in the gap than the ODE."""
    change = Estimate(data["gap_change_of_kappa"], data["gap_change_stderr_of_kappa"], int(data["paths"]))
    return [
        _less(
            f"naive sampler empties the gap, κ = {kappa:g}",
            f"gap mass |x| < {GAP:g} less that of the probability-flow ODE (paired paths, {data['steps'][1]} steps)",
            change.at(index),
            margin=0.001,
        )
        for index, kappa in enumerate(data["kappas"])
    ]


def _limit_claims(data: Arrays) -> list[Claim]:
    """As Δt → 0 the naive sampler, the SDE and the Fokker-Planck equation are one law."""
    finest, exact = data["steps"][-1], float(data["gap_fokker_planck"][int(data["converging"])])
    kappa = float(data["kappas"][int(data["converging"])])
    same_law = []
    for (first, second), margin in zip(PAIRS[:2], (0.008, 0.015), strict=True):
        distance = distance_by_steps(data, first, second)
        statement = f"total variation at {finest} steps is zero (κ = {kappa:g}; unbiased for equal laws)"
        same_law.append(_equals(f"{WORDS[first]} and {WORDS[second]}", statement, distance.at(-1), margin=margin))
    falling = distance_by_steps(data, "naive", "fokker_planck")
    return [
        *same_law,
        _less(
            "naive sampler converges",
            f"total variation to Fokker-Planck at {finest} steps less that at {data['steps'][0]}",
            difference(falling.at(-1), falling.at(0)),
            margin=0.005,
        ),
        _equals(
            "gap mass of the naive sampler as Δt → 0",
            f"that of the Fokker-Planck equation (κ = {kappa:g}; in √Δt, the order of skewed draws)",
            extrapolated_gap(data, "naive", 0.5),
            theory=exact,
            margin=0.005,
        ),
        _equals(
            "gap mass of the SDE as Δt → 0",
            f"that of the Fokker-Planck equation (κ = {kappa:g}; extrapolated in Δt)",
            extrapolated_gap(data, "sde", 1.0),
            theory=exact,
            margin=0.005,
        ),
    ]


def _mesh_claims(data: Arrays) -> list[Claim]:
    refined = np.abs(data["gap_fokker_planck"] - data["gap_coarse_mesh"]).max()
    mass, smallest = float(data["mass_error"]), float(data["smallest_mass"])
    source = "this project"
    return [
        Claim.check(
            "mass is conserved", "|total mass - 1| of every solution", mass, source=source, bound=1e-10, relation="less"
        ),
        Claim.check(
            "density is not negative", "smallest mass of a cell", smallest, source=source, bound=0.0, relation="greater"
        ),
        Claim.check(
            "Fokker-Planck has converged",
            "half the cells and half the steps leave the gap mass unchanged (largest change over κ)",
            float(refined),
            source=source,
            bound=5e-4,
            relation="less",
        ),
    ]


def _perturbation_claims(data: Arrays) -> list[Claim]:
    theory = float(data["square_first_order"])
    small, half = data["gap_quotients"]
    slope = float(data["gap_first_order"])
    gap = float(data["gap_fokker_planck"][0])
    return [
        _equals(
            "slope in κ of E x², naive sampler",
            "dE[x²]/dκ at κ = 0 is that of first-order perturbation theory (extrapolated from two κ, within 15 %)",
            Estimate(data["square_slope"], data["square_slope_stderr"], int(data["paths"])),
            theory=theory,
            margin=0.15 * abs(theory),
        ),
        Claim.identity(
            "slope in κ of the gap mass, Fokker-Planck",
            "d(gap mass)/dκ at κ = 0 is that of first-order perturbation theory (extrapolated quotient, within 1 %)",
            float(2 * half - small),
            source=SOURCE,
            theory=slope,
            margin=0.01 * abs(slope),
        ),
        Claim.identity(
            f"Gaussian sum over paths, κ = {data['kappas'][0]:g}",
            "the gap mass of Gaussian fluctuations about every path is Fokker-Planck's (within 10 %)",
            float(data["gap_semiclassical"][0]),
            source=SOURCE,
            theory=gap,
            margin=0.1 * gap,
        ),
        Claim.check(
            "first order does not reach κ = 0.05",
            "first-order gap mass at κ = 0.05 is negative: perturbation theory holds for κ ≪ 0.03 only",
            float(data["gap_curve"][0] + 0.05 * slope),
            source="this project",
            bound=0.0,
            relation="less",
        ),
    ]
