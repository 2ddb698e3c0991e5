"""Claims of Figure 2 of Vastola 2025.

Every panel has as many models as the others, drawn independently. A number that takes several panels together is
computed from the first models of all, from the second ones, and so on: these are the replicates. Whether the predicted
gap mass is the trained one is asked by `learned_distribution`, with the models that it takes.
"""

import numpy as np

from figures.common.claims import Claim, Tests
from figures.common.gap_masses import FILLED, SHIFTED
from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over

SOURCE = "Vastola 2025, Fig. 2"


def claims(data: Arrays) -> list[Claim]:
    return [*_solver_claims(data), *_gap_claims(data), *_trend_claims(data)]


def _solver_claims(data: Arrays) -> list[Claim]:
    """What the published 30 Euler steps do by themselves, and whether ours have converged."""
    exact = [
        _exact_score(f"exact score, 30 Euler steps, ε = {cutoff:g}", "30 uniform Euler steps", mass, tests="paper")
        for cutoff, mass in zip(data["cutoff"], data["gap_mass_exact_euler30"], strict=True)
    ]
    largest = data["gap_mass_exact_converged"].max()
    overstated = (data["gap_mass_euler30"] - data["gap_mass_converged"]).mean(axis=(0, 1))
    return [
        *exact,
        _exact_score(
            "exact score, converged solver", "a converged solver (largest of the ε)", largest, tests="control"
        ),
        Claim.from_estimate(
            "the converged solver has converged",
            "twice the steps leave a model's gap mass unchanged (F/P = 1, smallest ε, mean over models)",
            mean_over(data["gap_mass_change_on_doubling"]),
            source=SOURCE,
            tests="control",
            theory=0.0,
            margin=SHIFTED,
        ),
        _exceeds(
            "30 Euler steps overstate the filling",
            "trained models' gap mass with 30 Euler steps exceeds the converged one (mean over all panels)",
            mean_over(overstated),
            margin=SHIFTED,
            tests="control",
            headline=True,
        ),
    ]


def _exact_score(name: str, solver: str, mass: float, tests: Tests) -> Claim:
    """Start positions are quantiles: nothing is random."""
    statement = f"with the exact score {solver} leaves as little in the gaps as p(x|ε) has, which is nothing"
    return Claim.check(name, statement, mass, source=SOURCE, tests=tests, theory=0.0, margin=SHIFTED)


def _exceeds(
    name: str,
    statement: str,
    estimate: Estimate,
    *,
    margin: float = FILLED,
    tests: Tests = "paper",
    headline: bool = False,
) -> Claim:
    about = {"source": SOURCE, "tests": tests, "bound": 0.0, "relation": "greater", "margin": margin}
    return Claim.from_estimate(name, statement, estimate, headline=headline, **about)


def _gap_claims(data: Arrays) -> list[Claim]:
    """Do gaps fill when the ODE is solved? At both ends of F/P, for every ε."""
    ends = ((0, "largest"), (-1, "smallest"))
    return [
        _exceeds(
            f"gaps fill at ε = {cutoff:g}, F/P = {data['feature_ratio'][column]:g}",
            f"the average learned distribution fills gaps ({which} F/P): converged gap mass above the exact score's",
            mean_over(data["gap_mass_converged"][row, column] - data["gap_mass_exact_converged"][row]),
        )
        for column, which in ends
        for row, cutoff in enumerate(data["cutoff"])
    ]


def _trend_claims(data: Arrays) -> list[Claim]:
    """ "There is more generalization as both become larger": F/P at every ε, and ε."""
    mass = data["gap_mass_converged"]  # (ε, F/P, model)
    doublings = np.log2(data["feature_ratio"])
    by_ratio = [
        _exceeds(
            f"more filling with larger F/P, ε = {cutoff:g}",
            "converged gap mass grows with F/P: slope per doubling",
            mean_over(np.polyfit(doublings, mass[row], 1)[0]),
        )
        for row, cutoff in enumerate(data["cutoff"])
    ]
    by_cutoff = _exceeds(
        "more filling with larger ε",
        "converged gap mass at the largest ε less that at the smallest (mean over F/P)",
        mean_over((mass[-1] - mass[0]).mean(axis=0)),
    )
    return [*by_ratio, by_cutoff]
