"""What is claimed of the emergence of likelihood; every statement and margin was written before the first run."""

import numpy as np

from figures.common.claims import Claim, Evidence
from figures.common.stages import Arrays
from figures.wang2025.likelihood_emergence.statistics import (
    deviation_of_nats,
    exponent_of_small_noise,
    exponents,
    when_half_is_left,
    when_nats_are_left,
    when_samples_are_there,
)
from sims.measurements.estimates import mean_over

SOURCE = "this project"
WORDS = {"gaussian": "Gaussian data", "photographs": "linear denoisers on photographs"}
FACTOR = float(np.log(5.0))


def claims(data: Arrays) -> list[Claim]:
    everywhere = [claim for where in WORDS for claim in _of_data(data, where)]
    return [*everywhere, _held_out(data), *_levels(data), _quadrature(data)]


def _equal(name: str, statement: str, estimate: Evidence, margin: float, theory: float = 0.0) -> Claim:
    return Claim.from_estimate(name, statement, estimate, source=SOURCE, tests="theory", theory=theory, margin=margin)


def _log_ratio(measured: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Mean over modes of ln of the ratio, (networks,)."""
    return np.log(measured / reference).mean(axis=1)


def _of_data(data: Arrays, where: str) -> list[Claim]:
    nat, samples = (
        [when(data, which, where) for which in ("trained", "theory")]
        for when in (when_nats_are_left, when_samples_are_there)
    )
    later = _log_ratio(nat[0], samples[0])
    slope, expected = (exponents(data, where, times) for times in nat)
    return [
        _equal(
            f"{WORDS[where]}: excess nats",
            "systematic deviation of ln(nats lost) from theory, over modes and times with .1 nats and more to lose",
            deviation_of_nats(data, where),
            0.05,
        ),
        _equal(
            f"{WORDS[where]}: when a nat is left",
            "mean over modes of ln(τ trained/τ theory), τ the time at which a mode loses one nat",
            mean_over(_log_ratio(*nat)),
            0.02,
        ),
        _equal(
            f"{WORDS[where]}: exponent of one nat",
            "α of τ ∝ λ^-α, τ the time at which a mode loses one nat, equals theory's over the same modes",
            mean_over(slope - expected),
            0.02,
            float(expected.mean()),
        ),
        _equal(
            f"{WORDS[where]}: likelihood after samples, how long",
            "mean over modes of ln(τ of one nat/τ of samples half-way in logarithms) equals theory's",
            mean_over(later - _log_ratio(nat[1], samples[1])),
            0.02,
            float(_log_ratio(nat[1], samples[1]).mean()),
        ),
        Claim.from_estimate(
            f"{WORDS[where]}: likelihood after samples",
            "a nat is left more than five times as late as samples are half-way: mean over modes of ln of the ratio",
            mean_over(later).minus(FACTOR),
            source=SOURCE,
            tests="theory",
            bound=FACTOR,
            relation="greater",
        ),
    ]


def _held_out(data: Arrays) -> Claim:
    unseen, seen = (when_nats_are_left(data, which, "photographs") for which in ("held_out", "theory"))
    return _equal(
        "photographs: a nat on unseen patches",
        "mean over modes of ln(τ on patches that were not trained on/τ theory of the training patches' spectrum)",
        mean_over(_log_ratio(unseen, seen)),
        0.05,
    )


def _levels(data: Arrays) -> list[Claim]:
    """That the exponent, and what comes first, belong to the level."""
    where = "gaussian"
    nat, half = (when(data, "trained", where) for when in (when_nats_are_left, when_half_is_left))
    expected = exponent_of_small_noise(data, where)
    return [
        _equal(
            "exponent of one nat, small-noise law",
            "α of τ ∝ λ^-α for a fixed number of nats is that of ½ ln(λ/2σ_0²)/λ over the same modes",
            mean_over(exponents(data, where, nat)).minus(expected),
            0.01,
            expected,
        ),
        _equal(
            "exponent of half of the nats",
            "α of τ ∝ λ^-α for half of the nats before training is 1",
            mean_over(exponents(data, where, half)).minus(1.0),
            0.01,
            1.0,
        ),
        Claim.from_estimate(
            "half of the nats before samples",
            "half of the nats are gone before samples are half-way in logarithms: mean over modes of ln of the ratio",
            mean_over(_log_ratio(half, when_samples_are_there(data, "trained", where))),
            source=SOURCE,
            tests="theory",
            bound=0.0,
            margin=0.1,
            relation="less",
        ),
    ]


def _quadrature(data: Arrays) -> Claim:
    exact, discretised = data["excess_theory_gaussian"], data["discretised_gaussian"]
    shown = exact >= 0.1
    return Claim.check(
        "Simpson's rule",
        "Simpson's rule over the trained noise levels moves ln of the nats lost by less than .005, in theory",
        float(np.abs(np.log(discretised[shown] / exact[shown])).max()),
        source=SOURCE,
        bound=0.005,
        relation="less",
    )
