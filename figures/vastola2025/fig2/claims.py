"""Claims of Figure 2 of Vastola 2025."""

from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import beside, estimated_claim
from figures.common.stages import Arrays
from figures.vastola2025.fig2.statistics import gap_mass
from sims.measurements.estimates import Estimate, difference, exact, mean_over, weighted_sum

_SOURCE = "Vastola 2025, Fig. 2"
_claim = partial(estimated_claim, source=_SOURCE, relation="greater")


def claims(data: Arrays) -> list[Claim]:
    return [*_solver_claims(data), *_gap_claims(data), *_trend_claims(data), *_prediction_claims(data)]


def _solver_claims(data: Arrays) -> list[Claim]:
    """What the published 30 Euler steps do by themselves, and whether ours have converged."""
    overstated = difference(gap_mass(data, "euler30"), gap_mass(data, "converged"))
    return [
        *_exact_euler_claims(data),
        _claim(
            "exact score, converged solver",
            "gap mass is that of p(x|ε), which is zero (largest of the three ε)",
            exact(data["gap_mass_exact_converged"].max()),
            theory=0.0,
            tolerance=0.005,
            relation="equal",
        ),
        _claim(
            "the converged solver has converged",
            "twice the steps leave every model's gap mass unchanged (F/P = 1, smallest ε, mean over models)",
            mean_over(data["gap_mass_change_on_doubling"]),
            theory=0.0,
            tolerance=0.005,
            relation="equal",
        ),
        _claim(
            "30 Euler steps overstate the filling",
            "trained models' gap mass with 30 Euler steps exceeds the converged one (mean over the 15 panels)",
            weighted_sum(1 / overstated.value.size, overstated),
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
            _SOURCE,
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
    mass = gap_mass(data, "converged")
    return [
        _claim(
            f"gaps fill at ε = {cutoff:g}, F/P = {data['feature_ratio'][column]:g}",
            f"the average learned distribution fills the gaps ({which} F/P): converged gap mass exceeds the exact "
            "score's by more than 0.001",
            difference(mass.at((row, column)), exact(data["gap_mass_exact_converged"][row])),
            paper=0.001,
        )
        for column, which in ends
        for row, cutoff in enumerate(data["cutoff"])
    ]


def _trend_claims(data: Arrays) -> list[Claim]:
    """ "There is more generalization as both become larger": F/P at every ε, and ε."""
    mass = gap_mass(data, "converged")
    by_ratio = [
        _claim(
            f"more filling with larger F/P, ε = {cutoff:g}",
            "converged gap mass grows with F/P: slope per doubling is positive",
            _growth(data["feature_ratio"], mass.at(row)),
            paper=0.0,
        )
        for row, cutoff in enumerate(data["cutoff"])
    ]
    grown = difference(mass.at(-1), mass.at(0))
    by_cutoff = _claim(
        "more filling with larger ε",
        "converged gap mass at the largest ε exceeds that at the smallest (mean over F/P)",
        weighted_sum(1 / grown.value.size, grown),
        paper=0.0,
    )
    return [*by_ratio, by_cutoff]


def _growth(feature_ratio: np.ndarray, mass: Estimate) -> Estimate:
    """Slope of gap mass in log₂(F/P) by least squares, with its standard error from the panels' own."""
    x = np.log2(feature_ratio)
    return weighted_sum((x - x.mean()) / np.sum((x - x.mean()) ** 2), mass)


def _prediction_claims(data: Arrays) -> list[Claim]:
    """The V-kernel's gap mass at the smallest F/P, for every ε. See `learned_distribution` for smaller F/P."""
    trained, predicted = (gap_mass(data, solver) for solver in ("converged", "predicted"))
    return [
        _claim(
            f"predicted gap mass, ε = {cutoff:g}, F/P = {data['feature_ratio'][-1]:g}",
            "converged gap mass of the trained models is that of the predicted Gaussian weights",
            beside(trained.at((row, -1)), predicted.at((row, -1))),
            theory=float(predicted.value[row, -1]),
            relation="equal",
        )
        for row, cutoff in enumerate(data["cutoff"])
    ]
