"""What is claimed of MLP-UNets on photographs."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.photograph_networks.claims import SOURCE, common_claims, exponent_claim, harmonic_claim
from figures.studies.photograph_networks.statistics import beyond_closed_form, exponent
from figures.studies.trained_networks.statistics import BRANCHES, Branch, Reading, mean_of_defined
from figures.wang2025.fig3.experiment import KIND

WORDS = "MLP-UNet"
PUBLISHED: dict[Branch, float] = {"rising": 0.48, "falling": 0.35}  # stored fits, FFHQ

_EXCESS = 0.2  # of an exponent at the harmonic mean
_BIAS = 0.1
_SAME = 0.1  # of an exponent: what another seed changes
_DEFINITION = 0.05


def claims(data: Arrays) -> list[Claim]:
    """Exponents by themselves are asked with many models only."""
    reading = Reading(data, KIND)
    asked = [
        Claim.from_estimate(
            f"{WORDS}: strong modes first",
            "falling modes, geometric mean: τ* ∝ λ^-α with α above 0.1",
            exponent(reading).minus(_BIAS),
            source=f"{SOURCE}, Fig. 3",
            tests="paper",
            relation="greater",
            bound=_BIAS,
        ),
        harmonic_claim(data, KIND, WORDS, _EXCESS),
        *common_claims(data, KIND, WORDS),
    ]
    if reading.decides:
        asked += [_published(reading, branch) for branch in BRANCHES if reading.exponents(branch).defined]
        asked += [_closed_form(reading), _definitions(reading)]
    return asked


def _published(reading: Reading, branch: Branch) -> Claim:
    number = PUBLISHED[branch]
    return exponent_claim(
        f"{WORDS}: exponent of {branch} modes",
        f"{branch} modes, geometric mean: α = {number:g}, within 0.1",
        exponent(reading, branch=branch),
        source=f"{SOURCE}, Fig. 3 (on faces of 32 × 32 pixels)",
        paper=number,
        margin=_SAME,
    )


def _closed_form(reading: Reading) -> Claim:
    return exponent_claim(
        f"{WORDS}: exponent of the closed form",
        "falling modes, geometric mean: α less that of a preconditioned linear network over the same modes is zero, "
        "within 0.1",
        beyond_closed_form(reading),
        source="this project",
        tests="theory",
        theory=0.0,
        margin=_SAME,
    )


def _definitions(reading: Reading) -> Claim:
    """From the first record after step 0, smoothed, by the scalar gray zone; or from step 0, mode by mode."""
    published, ours = reading.published_exponents("falling").per_model, reading.exponents("falling").per_model
    return Claim.from_estimate(
        f"{WORDS}: the two definitions of emergence",
        "falling modes, geometric mean: α by the published definition less α by ours is zero, within 0.05",
        mean_of_defined(published - ours),
        source="this project",
        tests="control",
        bound=0.0,
        margin=_DEFINITION,
    )
