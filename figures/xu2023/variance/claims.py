"""What is claimed of the target's variance; replicates are independent draws of x_0, references and noise.

All margins were set before the first run. After it the range of noise levels was extended down to .003, since the
variance of photographs had not vanished at .02, where it was cut; draws became pairs of opposite noise, and more; and
the level of little noise is found between two of the grid, since the ratio there changes from one to the next. The
curves of two points are held against theory level by level: their mean over levels is but their area, which a curve at
wrong levels has too.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.xu2023.variance.experiment import DATA_SETS
from figures.xu2023.variance.statistics import at_half, low_and_high, nats
from sims.measurements.agreement import agreement

OURS = "this project"
PAPER = "Xu et al. 2023, abstract, in our words"
_NATS = 0.05
_CURVE = 0.01  # of σ²V, whose largest value is .48
_HALF = 0.25
_FEW = 0.1


def claims(data: Arrays) -> list[Claim]:
    statements = [claim for name in DATA_SETS for claim in _of_data_set(data, name)]
    return [*statements, *(_of_two_points(data, index) for index in (0, 1))]


def _of_data_set(data: Arrays, name: str) -> list[Claim]:
    found, references, points = nats(data, name), data["references"], int(data[f"{name}_points"])
    statements = []
    for index, number in enumerate(references):
        said = "DSM" if number == 1 else f"{number} references"
        statements.append(
            Claim.from_estimate(
                f"{name}, {said}: nats",
                f"∫σV dσ is ln(N/n), N = {points}: n references take ln n nats, whatever the data",
                found.estimates[index].minus(found.law[index]),
                source=OURS,
                tests="theory",
                theory=float(found.law[index]),
                margin=_NATS,
            )
        )
    last = len(references) - 1
    few, many = low_and_high(data, name, last)
    number = int(references[last])
    finite = (number - 1) * (points - number) / (number * (points - 1))
    statements += [
        Claim.from_estimate(
            f"{name}, {number} references: much noise",
            "at the largest noise level (n - 1) V_STF/V_DSM is 1, as the abstract says, but for n of N points",
            many.minus(finite),
            source=PAPER,
            tests="paper",
            theory=finite,
            margin=_FEW,
        ),
        Claim.from_estimate(
            f"{name}, {number} references: little noise",
            "where σ²V_DSM has risen to a tenth of its most, references leave over half of it: no 1/(n - 1) law there",
            few.minus(0.5),
            source=OURS,
            tests="theory",
            bound=0.5,
            relation="greater",
        ),
        Claim.from_estimate(
            f"{name}, {number} references: half effective",
            "where a Gaussian of the same covariance has the information ln n, V_STF is half of V_DSM, within 1/4",
            at_half(data, name, last).minus(0.5),
            source=OURS,
            tests="theory",
            theory=0.5,
            margin=_HALF,
        ),
    ]
    return statements


def _of_two_points(data: Arrays, index: int) -> Claim:
    deviation = data["two_points_measured"][:, index] - data["two_points_theory"][index][None]
    said = "DSM" if index == 0 else "two references, with replacement"
    return Claim.from_estimate(
        f"two points, {said}",
        "σ²V is that of theory, root mean square over the noise levels",
        agreement(deviation),
        source=OURS,
        tests="theory",
        theory=0.0,
        margin=_CURVE,
    )
