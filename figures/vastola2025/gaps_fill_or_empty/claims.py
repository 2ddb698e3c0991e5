"""Claims of the figure `gaps_fill_or_empty`."""

import numpy as np

from figures.common.claims import Claim, Evidence, Relation, Tests
from figures.common.gap_masses import EQUAL, FILLED, SHIFTED
from figures.common.stages import Arrays
from figures.vastola2025.gaps_fill_or_empty.experiment import KINDS, STRENGTHS
from figures.vastola2025.gaps_fill_or_empty.statistics import over_the_map, predicted_effect, trained_effect
from sims.measurements.estimates import mean_over

# Models from which these are decided; with fewer the question is left to the paper preset.
DECIDING_MODELS = {"integrated": 1000, "smoothness": 300, "cells": 300}
_LEVERAGE = "Vastola 2025, Prop. 5.1, with every sample's own leverage"


def claims(data: Arrays) -> list[Claim]:
    statements = [_sign_claim(data, kind, index) for index, kind in enumerate(KINDS)]
    for index, kind in enumerate(KINDS):
        statements += [_correlation_decides(data, kind, index, strength) for strength in _strengths_decided(data)]
        statements.append(_white_empties(data, kind, index))
    models = data["trained"].shape[-1]
    if models >= DECIDING_MODELS["smoothness"]:
        statements.append(_smoothness(data))
    statements.append(_predicted_effect(data))
    return [*statements, _knows_the_cells(data)] if models >= DECIDING_MODELS["cells"] else statements


def _strengths_decided(data: Arrays) -> list[int]:
    models = data["window_mass"].shape[-1]
    return [number for number, name in enumerate(STRENGTHS) if models >= DECIDING_MODELS.get(name, 0)]


def _differs(
    name: str,
    statement: str,
    evidence: Evidence,
    *,
    source: str,
    margin: float,
    relation: Relation = "greater",
    tests: Tests = "paper",
) -> Claim:
    about = {"source": source, "tests": tests, "bound": 0.0, "relation": relation, "margin": margin}
    return Claim.from_estimate(name, statement, evidence, **about)


def _sign_claim(data: Arrays, kind: str, index: int) -> Claim:
    """Does variance fill, on average over the map?"""
    return _differs(
        f"variance fills gaps, {kind} features",
        "trained gap mass less that of the mean of the trained weights (mean over F/P, ε and smoothness)",
        over_the_map([trained_effect(data)], lambda effect: float(effect[index].mean())),
        source="Vastola 2025, Secs. 5, 6",
        margin=FILLED,
    )


def _correlation_decides(data: Arrays, kind: str, index: int, strength: int) -> Claim:
    """Fully correlated against white-like score fields, models drawn independently for both."""
    mass = data["window_mass"][index, strength]
    return _differs(
        f"correlation in time decides, {kind} features, same variance {STRENGTHS[strength]}",
        "gap mass of fields correlated in time (K = 1) less that of fields of the same variance drawn anew at every "
        "step",
        mean_over(mass[0] - mass[-1]),
        source="Vastola 2025, Sec. 6 (conjecture)",
        margin=SHIFTED,
    )


def _white_empties(data: Arrays, kind: str, index: int) -> Claim:
    """White fields of the same integrated variance against no variance at all."""
    mass = data["window_mass"][index, STRENGTHS.index("integrated"), -1]
    return _differs(
        f"white variance empties gaps, {kind} features",
        "gap mass of fields drawn anew at every step, of the same integrated variance, less that of the average score",
        mean_over(mass - data["window_average"][index]),
        source="Vastola 2025, Sec. 4",
        margin=FILLED,
        relation="less",
    )


def _smoothness(data: Arrays) -> Claim:
    """Smooth features in time make V correlated over longer times: does that fill more, at the same F/P?"""
    return _differs(
        "smoothness of the features in time",
        "filling by variance with few features in time less that with many (trained, mean over features, ε and F/P)",
        over_the_map([trained_effect(data)], lambda effect: float((effect[:, 0] - effect[:, -1]).mean())),
        source="Vastola 2025, Sec. 6 (conjecture)",
        margin=SHIFTED,
    )


def _predicted_effect(data: Arrays) -> Claim:
    """How much variance fills, by the V-kernel, on average over the map."""
    effects, cells = [trained_effect(data), predicted_effect(data)], int(np.prod(data["average"].shape))
    return Claim.from_estimate(
        "effect of variance predicted",
        f"what variance fills in trained models less what the V-kernel predicts: mean over {cells} cells",
        over_the_map(effects, lambda trained, predicted: float((trained - predicted).mean())),
        source=_LEVERAGE,
        tests="theory",
        theory=0.0,
        margin=EQUAL,
    )


def _knows_the_cells(data: Arrays) -> Claim:
    """In which cells of the map variance fills, by the V-kernel."""
    effects = [trained_effect(data), predicted_effect(data)]
    return Claim.from_estimate(
        "the prediction knows the cells",
        "correlation over cells of what variance fills, trained and predicted, exceeds one half",
        over_the_map(effects, lambda *both: float(np.corrcoef([each.ravel() for each in both])[0, 1])).minus(0.5),
        source=_LEVERAGE,
        tests="theory",
        bound=0.5,
        relation="greater",
    )
