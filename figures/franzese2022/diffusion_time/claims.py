"""What is claimed of the first noise level; every statement and margin was written before the first full run.

Theory alone was looked at before: of many steps the best start of a network early in training lies beyond the levels
tried, so that training is followed with the fewest steps; and of the four times, on photographs, that start is largest
at the second. (Between them it does not rise smoothly: see `theory.sampling_questions.diffusion_time`.)
"""

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.stages import Arrays
from figures.franzese2022.diffusion_time.statistics import (
    deviation_of_slopes,
    deviation_of_variances,
    excess_nats,
    log_best_start,
    log_best_start_of_mode,
    log_start_of_least_nats,
    log_variance_at,
    steps_of_mismatch,
    third,
)
from sims.measurements.estimates import difference, mean_over
from theory.sampling_questions.diffusion_time import best_start_of_mode, best_variance_of_mode

SOURCE = "this project"
THEIRS = "Franzese et al. 2022, abstract and Sec. 2, in our words"
WORDS = {"gaussian": "Gaussian data", "photographs": "linear denoisers on photographs"}
MUCH = float(np.log(1.25))
FEW_NATS = 1e-3


def claims(data: Arrays) -> list[Claim]:
    everywhere = [claim for where in WORDS for claim in (*_of_mode(data, where), *_in_training(data, where))]
    few, more = data["few_samples"]
    ends = {f"gaussian_{few}": f"Gaussian data, {few} samples", f"gaussian_{more}": f"Gaussian data, {more} samples"}
    ends[f"photographs_{few}"] = f"linear denoisers on {few} photographs"
    least = [_least(data, *each) for each in ends.items()]
    tried = [claim for end in (f"gaussian_{few}", f"photographs_{few}") for claim in _trade_off(data, end, ends[end])]
    return [*everywhere, _rises_first(data), *least, _with_samples(data), *tried]


def _equal(name: str, statement: str, estimate: Evidence, margin: float, theory: float = 0.0) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=SOURCE, tests="theory", theory=theory, margin=margin)


def _of_mode(data: Arrays, where: str) -> list[Claim]:
    """At the end of training, of the middle mode, for which the levels below the start are the best ones."""
    numbers = [int(steps) for steps in data["steps"]]
    best = {steps: float(best_start_of_mode(1.0, steps)) for steps in numbers}
    starts = [log_best_start_of_mode(data, where, steps) - np.log(best[steps]) for steps in numbers]
    variances = [
        log_variance_at(data, where, steps, best[steps]) - float(np.log(best_variance_of_mode(steps)))
        for steps in numbers
    ]
    mismatch = [steps_of_mismatch(data, where, steps, best[steps]) for steps in numbers]
    words = f"of {', '.join(str(steps) for steps in numbers)} steps"
    return [
        _equal(
            f"{WORDS[where]}: generated variance",
            "systematic deviation of ln λ̃ from theory, over numbers of steps, times, starts and modes",
            deviation_of_variances(data, where),
            0.02,
        ),
        _equal(
            f"{WORDS[where]}: best start of a mode",
            f"σ_T of the largest variance of the middle mode is √λ tan(πN/2(N + 1)): mean {words} of ln of the ratio",
            mean_over(np.mean(starts, axis=0)),
            0.05,
        ),
        _equal(
            f"{WORDS[where]}: variance from the best start",
            f"λ̃/λ from there is cos^2(N + 1) of π/2(N + 1): mean {words} of ln of the ratio",
            mean_over(np.mean(variances, axis=0)),
            0.01,
        ),
        _equal(
            f"{WORDS[where]}: the mismatch costs one step",
            "N(0, σ_T²) in place of N(0, Σ + σ_T²) at the best start costs the middle mode as much of ln λ̃ as a step "
            f"does: mean {words}",
            mean_over(np.mean(mismatch, axis=0)).minus(1.0),
            0.05,
            1.0,
        ),
    ]


def _in_training(data: Arrays, where: str) -> list[Claim]:
    fewest = int(data["steps"][0])
    times = range(data[f"times_{where}"].shape[1])
    trained, theory = (
        np.stack([log_best_start(data, which, where, fewest, time) for time in times])
        for which in ("trained", "theory")
    )
    return [
        _equal(
            f"{WORDS[where]}: slope of ln λ̃ in ln σ_T",
            "systematic deviation of ∂ ln λ̃/∂ ln σ_T in fine steps from 2ψ(σ_T, τ), over times, levels and modes",
            deviation_of_slopes(data, where),
            0.02,
        ),
        _equal(
            f"{WORDS[where]}: best start in training",
            f"mean over times of ln(σ_T of the least KL in {fewest} steps of the middle mode's tangent law, trained "
            "over theory)",
            mean_over((trained - theory).mean(axis=0)),
            0.05,
        ),
        Claim.from_estimate(
            f"{WORDS[where]}: the best start falls",
            f"σ_T of the least KL in {fewest} steps of the middle mode's tangent law is more than 1.25 times as large "
            "a third of the way through training (in ln τ) as at its end",
            mean_over(trained[third(data, where)] - trained[-1]).minus(MUCH),
            source=SOURCE,
            tests="theory",
            bound=MUCH,
            relation="greater",
        ),
    ]


def _rises_first(data: Arrays) -> Claim:
    where, fewest = "photographs", int(data["steps"][0])
    first, second = (log_best_start(data, "trained", where, fewest, time) for time in (0, third(data, where)))
    return Claim.from_estimate(
        "photographs: the best start rises first",
        f"σ_T of the least KL in {fewest} steps of the middle mode's tangent law is more than 1.25 times as large a "
        "third of the way through training (in ln τ) as at the first time, ητ = 1/λ_1",
        mean_over(second - first).minus(MUCH),
        source=SOURCE,
        tests="theory",
        bound=MUCH,
        relation="greater",
    )


def _least(data: Arrays, end: str, words: str) -> Claim:
    return _equal(
        f"{words}: start of least nats",
        "σ_T where errors of the fit and the mismatch of the start cost least: mean ln(trained/theory)",
        mean_over(log_start_of_least_nats(data, end) - float(np.log(data[f"best_start_{end}"]))),
        0.15,
    )


def _with_samples(data: Arrays) -> Claim:
    few, more = data["few_samples"]
    starts = [mean_over(log_start_of_least_nats(data, f"gaussian_{samples}")) for samples in (more, few)]
    gap = difference(*starts)
    slope = gap._replace(value=gap.value / np.log(more / few), stderr=gap.stderr / np.log(more / few))
    return _equal(
        "start of least nats by samples",
        "Gaussian data: exponent of σ_T of least nats in the number of samples is 1/2",
        slope.minus(0.5),
        0.1,
        0.5,
    )


def _trade_off(data: Arrays, end: str, words: str) -> list[Claim]:
    """The paper states a trade-off; how little is lost beyond the optimum is ours."""
    below, beyond = (mean_over(excess_nats(data, end, factor)) for factor in (0.25, 4.0))
    statement = "nats that errors of the score and the mismatch of the prior cost together, in fine steps: more from"
    return [
        Claim.from_estimate(
            f"{words}: {name}",
            f"{statement} {ratio} σ_T than from the best σ_T of theory",
            excess,
            source=THEIRS,
            tests="paper",
            bound=0.0,
            relation="greater",
        )
        for name, ratio, excess in (("too small a start", "a quarter of", below), ("too large a start", "4", beyond))
    ] + [
        Claim.from_estimate(
            f"{words}: too large a start costs next to nothing",
            f"from 4 σ_T less than {FEW_NATS:g} nats more than from the best σ_T, in fine steps",
            beyond.minus(FEW_NATS),
            source=SOURCE,
            tests="theory",
            bound=FEW_NATS,
            relation="less",
        )
    ]
