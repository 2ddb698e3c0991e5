"""What is claimed of networks that memorise late. Replicates are members: data, weights and noise of their own.

Margins were set before the first run, as were all claims on 4 dimensions. A trial of two members on an isotropic
Gaussian had shown that times of memorising can be resolved, and that c_skip x alone is that population's denoiser.
After a run training was made longer, since 32 points were not memorised. The exponent came out as 2, as in single runs
with 192 units, at a third of the learning rate, and in 8 and 16 dimensions, and as 1.1 in 32 dimensions with 256 units,
where 64 are too few to memorise 32 points. That setting was added to the claims then. Digits were added last, after
trials of two members that set their steps, and to the paper preset alone, since the quick one's minute has no room for
them. Their memorisation alone is claimed: in those trials so few digits were no nearer to the others than an untrained
network's samples, white noise, so there was nothing to generalise to.
"""

import numpy as np

from figures.bonnaire2025.networks.statistics import (
    exponents,
    generalisation_times,
    log_distances,
    memorisation_times,
    memorised_when_stopped,
    of_setting,
    words,
)
from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over

SOURCE = "Bonnaire et al. 2025, Secs. 2-3, in our words"
OURS = "this project"
EXPONENT, GAIN, SHARE = 0.15, 0.1, 0.1  # GAIN of ln distance


def claims(data: Arrays) -> list[Claim]:
    return [claim for place in range(len(data["dimension"])) for claim in _of_setting(of_setting(data, place))]


def _of_setting(data: Arrays) -> list[Claim]:
    memorising = Claim.from_estimate(
        f"τ_mem ∝ n, {words(data)}",
        "the step after which a fifth of samples is memorised grows in proportion to the points: exponent",
        mean_over(exponents(data, memorisation_times(data))).minus(1.0),
        source=SOURCE,
        tests="paper",
        paper=1.0,
        margin=EXPONENT,
    )
    if data["digits"]:
        return [memorising]
    found = [
        memorising,
        Claim.from_estimate(
            f"τ_gen does not depend on n, {words(data)}",
            "the step after which ln distance from the population has fallen half-way to its least: exponent of n",
            mean_over(exponents(data, generalisation_times(data))),
            source=SOURCE,
            tests="paper",
            paper=0.0,
            margin=EXPONENT,
        ),
    ]
    for place, count in enumerate(data["points"]):
        found += _stops(data, place, int(count))
    return found


def _stops(data: Arrays, place: int, count: int) -> list[Claim]:
    distance = log_distances(data, place)

    def farther(name: str, statement: str, difference: np.ndarray, source: str, tests) -> Claim:
        about = {"source": source, "tests": tests, "relation": "greater", "bound": 0.0, "margin": GAIN}
        return Claim.from_estimate(f"{name}, n = {count}, {words(data)}", statement, mean_over(difference), **about)

    return [
        farther(
            "training on leads away from the population",
            "ln distance at the end of training less that where training stops best is positive",
            distance["end"] - distance["training"],
            SOURCE,
            "paper",
        ),
        Claim.from_estimate(
            f"memorised where training stops best, n = {count}, {words(data)}",
            f"fewer than {SHARE:g} of samples, beyond chance",
            mean_over(memorised_when_stopped(data, place)).minus(SHARE),
            source=SOURCE,
            tests="paper",
            relation="less",
            bound=SHARE,
        ),
        farther(
            "stopping sampling does not make up for it",
            "ln distance of the last model, sampling stopped at its best noise level, less that of the model where "
            "training stops best, is positive",
            distance["sampling"] - distance["training"],
            OURS,
            "theory",
        ),
    ]
