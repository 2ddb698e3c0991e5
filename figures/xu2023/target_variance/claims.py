"""What is claimed of the target's variance on the user's data; replicates are draws of x_0, references and noise.

Margins were set before the first run that was scored: a tenth of an area, .15 nats at most, which are a seventh more or
fewer references. After it they became .05 at least, a twentieth more or fewer: of 4096 out of 5000 points .02 had been
as much as chance.
"""

import numpy as np

from figures.common.claims import Claim
from figures.common.estimates import scaled
from figures.common.stages import Arrays
from figures.xu2023.target_variance.statistics import nats, variance_left

OURS = "this project, on your data"
PAPER = "Xu et al. 2023, abstract, in our words, on your data"
_LEAST, _MOST, _SHARE = 0.05, 0.15, 0.1
_FEW = 0.1


def claims(data: Arrays) -> list[Claim]:
    references, points = data["references"], int(data["point_count"])
    law = f"∫σV dσ is ln(N/n), N = {points}: n references take ln n nats, whatever the data"
    if int(data["distinct_count"]) < points:
        law = "∫σV dσ is what n references leave of the entropy of repeated points: of two that are equal one is enough"
    statements = [
        Claim.from_estimate(
            f"your data, {'DSM' if number == 1 else f'{number} references'}: nats",
            law,
            found.minus(expected),
            source=OURS,
            tests="theory",
            theory=float(expected),
            margin=float(np.clip(_SHARE * expected, _LEAST, _MOST)),
        )
        for number, found, expected in zip(references, nats(data), data["law"], strict=True)
    ]
    return statements + [_at_much_noise(data, index, points) for index in sorted({1, len(references) - 1})]


def _at_much_noise(data: Arrays, index: int, points: int) -> Claim:
    number = int(data["references"][index])
    expected = (points - number) / (number * (points - 1))
    return Claim.from_estimate(
        f"your data, {number} references: much noise",
        "at the largest noise level V_STF/V_DSM is 1/(n - 1), as the abstract says, but for n of N points: its ratio "
        "to (N - n)/n(N - 1) is 1",
        scaled(variance_left(data, index, -1), 1 / expected).minus(1.0),
        source=PAPER,
        tests="paper",
        theory=1.0,
        margin=_FEW,
    )
