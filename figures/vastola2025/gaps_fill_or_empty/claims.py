"""Claims of the figure `gaps_fill_or_empty`."""

import numpy as np

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.vastola2025.gaps_fill_or_empty.experiment import KINDS, STRENGTHS


def claims(data: Arrays) -> list[Claim]:
    statements = [_sign_claim(data, kind, index) for index, kind in enumerate(KINDS)]
    for index, kind in enumerate(KINDS):
        statements += [_correlation_decides(data, kind, index, strength) for strength in range(len(STRENGTHS))]
        statements.append(_white_empties(data, kind, index))
    return [*statements, _smoothness(data), _predicted_sign(data)]


def _sign_claim(data: Arrays, kind: str, index: int) -> Claim:
    """Does variance fill, on average over the map?"""
    effect = data["trained"][index] - data["average"][index]
    error = 1.96 * float(np.sqrt(np.sum(data["trained_stderr"][index] ** 2))) / effect.size
    value = float(effect.mean())
    return Claim(
        f"variance fills gaps, {kind} features",
        "Vastola 2025, Secs. 5, 6",
        "trained gap mass exceeds that of the average learned score alone (mean over F/P, ε and smoothness)",
        0.0,
        None,
        value,
        (value - error, value + error),
        0.0,
        "greater",
    )


def _correlation_decides(data: Arrays, kind: str, index: int, strength: int) -> Claim:
    """Fully correlated against white-like score fields."""
    mass, stderr = data["window_mass"][index, strength], data["window_mass_stderr"][index, strength]
    value, error = float(mass[0] - mass[-1]), 1.96 * float(np.hypot(stderr[0], stderr[-1]))
    return Claim(
        f"correlation in time decides, {kind} features, same variance {STRENGTHS[strength]}",
        "Vastola 2025, Sec. 6 (conjecture)",
        "the same variance puts more mass into gaps when correlated in time (K = 1) than when drawn anew at every step",
        0.0,
        None,
        value,
        (value - error, value + error),
        0.0,
        "greater",
    )


def _white_empties(data: Arrays, kind: str, index: int) -> Claim:
    """White fields of the same integrated variance against no variance at all."""
    strength = STRENGTHS.index("integrated")
    mass, stderr = data["window_mass"][index, strength, -1], data["window_mass_stderr"][index, strength, -1]
    value = float(mass - data["window_average"][index])
    return Claim(
        f"white variance empties gaps, {kind} features",
        "Vastola 2025, Sec. 4",
        "fields drawn anew at every step, of the same integrated variance, leave less mass in the gaps than the "
        "average score alone",
        0.0,
        None,
        value,
        (value - 1.96 * float(stderr), value + 1.96 * float(stderr)),
        0.0,
        "less",
    )


def _smoothness(data: Arrays) -> Claim:
    """Smooth features in time make V correlated over longer times: does that fill more, at the same F/P?"""
    effect, stderr = data["trained"] - data["average"], data["trained_stderr"]
    value = float((effect[:, 0] - effect[:, -1]).mean())
    cells = effect[:, 0].size
    error = 1.96 * float(np.sqrt(np.sum(stderr[:, 0] ** 2) + np.sum(stderr[:, -1] ** 2))) / cells
    return Claim(
        "smoothness of the features in time",
        "Vastola 2025, Sec. 6 (conjecture)",
        "variance fills more with few features in time than with many (trained, mean over features, ε and F/P)",
        0.0,
        None,
        value,
        (value - error, value + error),
        0.0,
        "greater",
    )


def _predicted_sign(data: Arrays) -> Claim:
    """Cells of the map where trained variance changes the gap mass by more than two standard errors."""
    effect, predicted = data["trained"] - data["average"], data["predicted"] - data["average"]
    clear = np.abs(effect) > 2 * data["trained_stderr"]
    agree = np.sign(effect[clear]) == np.sign(predicted[clear])
    count, share = int(clear.sum()), float(agree.mean()) if clear.any() else float("nan")
    # Wilson's interval of a share.
    z2 = 1.96**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count) if count else float("nan")
    half = 1.96 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count) if count else 0.0
    return Claim(
        "sign of the effect predicted",
        "Vastola 2025, Prop. 5.1, with every sample's own leverage",
        "share of cells in which the V-kernel predicts whether variance fills or empties, above one half",
        None,
        0.5,
        share,
        (float(centre - half), float(centre + half)),
        0.0,
        "greater",
    )
