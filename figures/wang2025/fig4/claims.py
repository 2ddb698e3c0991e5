"""What is claimed of convolutional networks on photographs."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.photograph_networks.claims import SOURCE, common_claims, exponent_claim, harmonic_claim
from figures.studies.photograph_networks.statistics import beyond, beyond_closed_form, exponent
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.fig4.experiment import ONE, TWO

WORDS = {ONE: "CNN, one level", TWO: "CNN, two levels"}

_ABOUT_ZERO = 0.15
_EXCESS = 0.1  # of an exponent at the harmonic mean
_LESS_THAN_LINEAR = 0.1
_RAISED = 0.05


def claims(data: Arrays) -> list[Claim]:
    """Exponents by themselves are asked with many models only."""
    one, two = Reading(data, ONE), Reading(data, TWO)
    asked = [_less_than_linear(one)]
    for kind, words in WORDS.items():
        asked += common_claims(data, kind, words)
    if one.decides:
        asked.append(harmonic_claim(data, ONE, WORDS[ONE], _EXCESS))
        asked += [_about_zero(one, WORDS[ONE]), _about_zero(two, WORDS[TWO]), _not_harmonic(one), _raised(one, two)]
    return asked


def _less_than_linear(one: Reading) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[ONE]}: less bias than a linear network",
        "falling modes, geometric mean: α lies over 0.1 below that of the closed form over the same modes",
        beyond_closed_form(one).minus(-_LESS_THAN_LINEAR),
        source=f"{SOURCE}, Fig. 4 and Sec. 6 (convolution changes the spectral bias)",
        tests="paper",
        relation="less",
        bound=-_LESS_THAN_LINEAR,
    )


def _about_zero(reading: Reading, words: str) -> Claim:
    return exponent_claim(
        f"{words}: exponent",
        "falling modes, geometric mean: α ≈ 0, within 0.15",
        exponent(reading),
        source=f"{SOURCE}, Sec. 6 (CNN-UNet)",
        paper=0.0,
        margin=_ABOUT_ZERO,
    )


def _not_harmonic(one: Reading) -> Claim:
    return Claim.from_estimate(
        f"{WORDS[ONE]}: exponent at the harmonic mean",
        "falling modes, harmonic mean: α is above 0.15",
        exponent(one, "harmonic").minus(_ABOUT_ZERO),
        source="this project",
        tests="theory",
        relation="greater",
        bound=_ABOUT_ZERO,
    )


def _raised(one: Reading, two: Reading) -> Claim:
    return Claim.from_estimate(
        "CNN: a second level brings spectral bias back",
        "falling modes, geometric mean: α with two levels exceeds α with one by over 0.05, on the same patches",
        beyond(two, one).minus(_RAISED),
        source="this project",
        tests="theory",
        relation="greater",
        bound=_RAISED,
    )
