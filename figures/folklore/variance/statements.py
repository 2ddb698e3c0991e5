"""The statements that the folklore comes to, with their numbers and margins: for the scorecard and for the table."""

from typing import NamedTuple

import numpy as np

from figures.common.claims import Claim, Relation, Tests
from figures.common.stages import Arrays
from figures.folklore.variance.statistics import (
    ADAM,
    PLAIN,
    coverage,
    level_against_all,
    log_power,
    log_residual,
    noisier,
    schedule_against,
    sets,
    share_more_unstable,
    share_unstable,
    share_within_levels,
)
from figures.folklore.variance.toys import TARGETS
from sims.measurements.estimates import Estimate

WORTH = float(np.log(1.5))  # of ln R: the smallest effect worth naming
_EQUAL = 0.1


class Statement(NamedTuple):
    """One measured part of a claim of the folklore; `number` counts the page's claims, 0 is ours."""

    number: int
    name: str
    words: str
    estimate: Estimate  # of measured minus reference
    relation: Relation
    reference: float
    margin: float
    of_the_page: bool = True

    def claim(self, source: str, tests: Tests) -> Claim:
        return Claim.from_estimate(
            self.name, self.words, self.estimate, source=source, tests=tests, bound=self.reference,
            relation=self.relation, margin=self.margin,
        )  # fmt: skip


def statements(data: Arrays) -> list[Statement]:
    """Of every data set; what needs no data, once."""
    found = list(_targets(data))
    for place, name in enumerate(sets(data)):
        found += [*_order(data, place, name), *_levels(data, place, name), *_rates(data, place, name)]
        found += [_residual(data, place, name), *_schedules(data, place, name)]
        found += [*_estimators(data, place, name), *(_modes(data, place) if name == "ring" else ())]
    return sorted(found, key=lambda statement: statement.number or 9)


def _order(data: Arrays, place: int, name: str) -> list[Statement]:
    pairs = (("GAN", "VAE"), ("VAE", "diffusion"))
    return [
        Statement(
            1,
            f"1, {name}: {first} over {second}{scaled}",
            f"a {first}'s gradient is noisier than a {second}'s{scaled}, where samples are equally good (difference of "
            "ln R, R = tr Cov/|E|² of a batch's gradient; of the GAN the generator's)",
            noisier(data, place, first, second, kind),
            "greater",
            0.0,
            WORTH,
        )
        for kind, scaled in ((PLAIN, ""), (ADAM, " after Adam's scaling"))
        for first, second in pairs
    ]


def _levels(data: Arrays, place: int, name: str) -> list[Statement]:
    return [
        Statement(
            2,
            f"2, {name}: little variance within a noise level",
            "at any single noise level a denoiser's gradient varies little: under half of the variance over all levels "
            "is within levels",
            share_within_levels(data, place).minus(0.5),
            "less",
            0.5,
            0.0,
        ),
        Statement(
            2,
            f"2, {name}: the lowest noise level is no noisier",
            "at the lowest of equally likely noise levels R is no larger than over all of them (difference of ln R)",
            level_against_all(data, place, 0).minus(WORTH),
            "less",
            WORTH,
            0.0,
        ),
    ]


def _rates(data: Arrays, place: int, name: str) -> list[Statement]:
    return [
        Statement(
            3,
            f"3, {name}: a denoiser needs small steps",
            "diffusion is stable because steps are small: at the largest learning rate over half of the denoisers "
            "diverge or have spikes",
            share_unstable(data, place, "diffusion", -1).minus(0.5),
            "greater",
            0.5,
            0.0,
        ),
        Statement(
            3,
            f"3, {name}: small steps are enough for adversaries",
            "small steps make training stable: at the smallest learning rate under half of the GANs diverge or have "
            "spikes",
            share_unstable(data, place, "GAN", 0).minus(0.5),
            "less",
            0.5,
            0.0,
        ),
        Statement(
            3,
            f"3, {name}: GAN less stable at equal steps",
            "over the same learning rates a larger share of GANs than of denoisers diverge or have spikes",
            share_more_unstable(data, place, "GAN", "diffusion"),
            "greater",
            0.0,
            0.1,
        ),
    ]


def _targets(data: Arrays) -> list[Statement]:
    return [
        Statement(
            4,
            f"4: {name} target, constant scale",
            f"the target of the loss has one scale at all noise levels, where it is the {name} (ln of E|y|² at the "
            "highest level over that at the lowest)",
            log_power(data, index),
            "equal",
            0.0,
            _EQUAL,
        )
        for index, name in enumerate(TARGETS)
    ]


def _residual(data: Arrays, place: int, name: str) -> Statement:
    return Statement(
        4,
        f"4, {name}: what is left of the target is constant",
        "also what a trained denoiser leaves of its preconditioned target is the same at all noise levels (ln of the "
        "middle level's over the lowest one's)",
        log_residual(data, place),
        "equal",
        0.0,
        _EQUAL,
        of_the_page=False,
    )


def _schedules(data: Arrays, place: int, name: str) -> list[Statement]:
    return [
        Statement(
            5,
            f"5, {name}: {words} and cosine schedule",
            "the choice of a noise schedule does nothing to a trained denoiser's gradient noise (no statement of the "
            f"page, which says that it regularises): {words} minus cosine, ln R",
            schedule_against(data, place, index, 1),
            "equal",
            0.0,
            WORTH,
            of_the_page=False,
        )
        for index, words in ((0, "linear"), (2, "sigmoid"))
    ]


def _estimators(data: Arrays, place: int, name: str) -> list[Statement]:
    plain, better = "VAE, score function", "VAE, score function, baseline"
    return [
        Statement(
            0,
            f"{name}: score function over reparametrisation",
            "the score-function gradient of a VAE is noisier than the reparametrised one, where samples are equally "
            "good (difference of ln R)",
            noisier(data, place, plain, "VAE"),
            "greater",
            0.0,
            WORTH,
            of_the_page=False,
        ),
        Statement(
            0,
            f"{name}: a baseline takes noise",
            "with a baseline the score-function gradient is less noisy than without (difference of ln R)",
            noisier(data, place, better, plain),
            "less",
            0.0,
            WORTH,
            of_the_page=False,
        ),
    ]


def _modes(data: Arrays, place: int) -> list[Statement]:
    return [
        Statement(
            0,
            f"ring: modes covered, {name}",
            f"at the end of training samples of {words} have all modes of the ring (share covered)",
            coverage(data, place, name).minus(1.0),
            "equal",
            1.0,
            0.05,
            of_the_page=False,
        )
        for name, words in (("diffusion", "denoisers"), ("VAE", "VAEs"), ("GAN", "GANs"))
    ]
