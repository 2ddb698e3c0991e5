"""What is claimed of networks that memorise late. Replicates are members: data, weights and noise of their own.

Claims and margins were set before a run of these data. A run before it, of two members on an isotropic Gaussian, had
shown that times of memorising can be resolved, and that c_skip x alone is that population's denoiser. After the first
run training was made longer, since 32 points were not memorised, and members more. The exponent was then also looked at
in single runs of four members: 1.8 with 192 units, 1.8 at a third of the learning rate, 1.7 in 8 dimensions.
"""

import numpy as np

from figures.bonnaire2025.networks.statistics import (
    exponents,
    generalisation_times,
    log_distances,
    memorisation_times,
    memorised_when_stopped,
)
from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over

SOURCE = "Bonnaire et al. 2025, Secs. 2-3, in our words"
OURS = "this project"
EXPONENT, GAIN, SHARE = 0.15, 0.1, 0.1  # GAIN of ln distance


def claims(data: Arrays) -> list[Claim]:
    found = [
        Claim.from_estimate(
            "τ_mem ∝ n",
            "the step after which a fifth of samples is memorised grows in proportion to the points: exponent",
            mean_over(exponents(data, memorisation_times(data))).minus(1.0),
            source=SOURCE,
            tests="paper",
            paper=1.0,
            margin=EXPONENT,
        ),
        Claim.from_estimate(
            "τ_gen does not depend on n",
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
        return Claim.from_estimate(f"{name}, n = {count}", statement, mean_over(difference), **about)

    return [
        farther(
            "training on leads away from the population",
            "ln distance at the end of training less that where training stops best is positive",
            distance["end"] - distance["training"],
            SOURCE,
            "paper",
        ),
        Claim.from_estimate(
            f"memorised where training stops best, n = {count}",
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
