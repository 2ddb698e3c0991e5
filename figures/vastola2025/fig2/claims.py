"""Claims of Figure 2 of Vastola 2025."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over


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
