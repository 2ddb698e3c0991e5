"""What is claimed of gains and of what they predict; replicates are models.

Written, margins too, before any run, but for what is said of untrained networks: that was seen in the first seed. That
less of a mode is linear in its own noise had another name, for the same numbers, until a review.
"""

import numpy as np
from jaxtyping import Float

from figures.common.claims import Claim, Tests
from figures.common.stages import Arrays
from figures.studies.photograph_networks.claims import OURS
from figures.studies.trained_networks.statistics import Reading, mean_of_defined
from figures.wang2025.generation_from_gains.experiment import CNN, LINEAR, MLP
from figures.wang2025.generation_from_gains.statistics import WORDS, exponent_of_gains, log_ratio, share

_CONTROL = 0.1  # of a mean logarithm of variances
_PREDICTED = 0.22  # 25 per cent
_EXPONENT = 0.1
_LESS_LINEAR = 0.1  # of the share of variance


def claims(data: Arrays) -> list[Claim]:
    """That exponents agree is asked with many models only."""
    asked = [_predicted(data, LINEAR, _CONTROL, "control"), _random_start(data)]
    for kind in (MLP, CNN):
        asked += [_predicted(data, kind, _PREDICTED, "theory"), _less_linear(data, kind)]
        if Reading(data, kind).decides:
            asked.append(_same_exponent(data, kind))
    return asked


def _predicted(data: Arrays, kind: str, margin: float, tests: Tests) -> Claim:
    return _equal(
        f"{WORDS[kind]}: gains predict what is generated",
        f"at the end the mean over modes of ln(predicted/generated) is zero, within {margin:g}",
        log_ratio(data, kind).mean(axis=-1),
        margin,
        tests,
    )


def _same_exponent(data: Arrays, kind: str) -> Claim:
    return _equal(
        f"{WORDS[kind]}: gains have the exponent",
        "falling modes, geometric mean: α by predicted variances less α by generated ones is zero, within 0.1",
        exponent_of_gains(data, kind),
        _EXPONENT,
        "theory",
    )


def _equal(name: str, text: str, per_model: Float[np.ndarray, " models"], margin: float, tests: Tests) -> Claim:
    found = mean_of_defined(per_model)
    return Claim.from_estimate(name, text, found, source=OURS, tests=tests, bound=0.0, margin=margin)


def _random_start(data: Arrays) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[MLP]}: a random function adds variance",
        "before training the mean over modes of ln(predicted/generated) is below -0.22: the network, a random function "
        "then, generates more than its gains predict",
        mean_of_defined(log_ratio(data, MLP, 0).mean(axis=-1)).minus(-_PREDICTED),
        source=OURS,
        tests="control",
        relation="less",
        bound=-_PREDICTED,
    )


def _less_linear(data: Arrays, kind: str) -> Claim:
    """A linear network that mixes modes would have less too; those that are trained here hardly do."""
    return Claim.from_estimate(
        f"{WORDS[kind]}: less of a mode is linear in its own noise",
        "at the end the share of a mode's variance that is linear in its own noise, mean over modes, lies below that "
        "of a linear network on the same patches by over 0.1",
        mean_of_defined(share(data, kind) - share(data, LINEAR)).minus(-_LESS_LINEAR),
        source=OURS,
        tests="theory",
        relation="less",
        bound=-_LESS_LINEAR,
    )
