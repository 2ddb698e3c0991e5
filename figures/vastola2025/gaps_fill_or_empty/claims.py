"""Claims of the figure `gaps_fill_or_empty`."""

from functools import partial

import numpy as np

from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from figures.vastola2025.gaps_fill_or_empty.experiment import KINDS, STRENGTHS
from figures.vastola2025.gaps_fill_or_empty.statistics import effect_of_variance, window_mass
from sims.measurements.estimates import difference, exact, share, weighted_sum

_claim = partial(estimated_claim, paper=0.0, relation="greater")


def claims(data: Arrays) -> list[Claim]:
    statements = [_sign_claim(data, kind, index) for index, kind in enumerate(KINDS)]
    for index, kind in enumerate(KINDS):
        statements += [_correlation_decides(data, kind, index, strength) for strength in range(len(STRENGTHS))]
        statements.append(_white_empties(data, kind, index))
    return [*statements, _smoothness(data), _predicted_sign(data)]


def _sign_claim(data: Arrays, kind: str, index: int) -> Claim:
    """Does variance fill, on average over the map?"""
    effect = effect_of_variance(data, "trained").at(index)
    return _claim(
        f"variance fills gaps, {kind} features",
        "trained gap mass exceeds that of the average learned score alone (mean over F/P, ε and smoothness)",
        weighted_sum(1 / effect.value.size, effect),
        source="Vastola 2025, Secs. 5, 6",
    )


def _correlation_decides(data: Arrays, kind: str, index: int, strength: int) -> Claim:
    """Fully correlated against white-like score fields."""
    mass = window_mass(data, index, strength)
    return _claim(
        f"correlation in time decides, {kind} features, same variance {STRENGTHS[strength]}",
        "the same variance puts more mass into gaps when correlated in time (K = 1) than when drawn anew at every step",
        difference(mass.at(0), mass.at(-1)),
        source="Vastola 2025, Sec. 6 (conjecture)",
    )


def _white_empties(data: Arrays, kind: str, index: int) -> Claim:
    """White fields of the same integrated variance against no variance at all."""
    mass = window_mass(data, index, STRENGTHS.index("integrated")).at(-1)
    return _claim(
        f"white variance empties gaps, {kind} features",
        "fields drawn anew at every step, of the same integrated variance, leave less mass in the gaps than the "
        "average score alone",
        difference(mass, exact(data["window_average"][index])),
        source="Vastola 2025, Sec. 4",
        relation="less",
    )


def _smoothness(data: Arrays) -> Claim:
    """Smooth features in time make V correlated over longer times: does that fill more, at the same F/P?"""
    effect = effect_of_variance(data, "trained")
    few, many = effect.at(np.s_[:, 0]), effect.at(np.s_[:, -1])
    return _claim(
        "smoothness of the features in time",
        "variance fills more with few features in time than with many (trained, mean over features, ε and F/P)",
        weighted_sum(1 / few.value.size, difference(few, many)),
        source="Vastola 2025, Sec. 6 (conjecture)",
    )


def _predicted_sign(data: Arrays) -> Claim:
    """Cells of the map where trained variance changes the gap mass by more than two standard errors."""
    trained, predicted = (effect_of_variance(data, name) for name in ("trained", "predicted"))
    clear = np.abs(trained.value) > 2 * trained.stderr
    agreeing, interval = share(np.sign(trained.value[clear]) == np.sign(predicted.value[clear]))
    return Claim(
        "sign of the effect predicted",
        "Vastola 2025, Prop. 5.1, with every sample's own leverage",
        "share of cells in which the V-kernel predicts whether variance fills or empties, above one half",
        paper=None,
        theory=0.5,
        measured=agreeing,
        interval=interval,
        tolerance=0.0,
        relation="greater",
    )
