"""Verdicts for both papers, by region; what is predicted of the regions, and controls. Replicates are data sets."""

import numpy as np

from figures.bertrand2025.vastola_or_bertrand.networks import ARMS
from figures.bertrand2025.vastola_or_bertrand.statistics import (
    ASKED_FROM,
    MARGINS,
    Cell,
    added_variance,
    cells,
    dimensions,
    doses_of,
    effect,
    exact_share,
    log_effects,
    of_arm,
    of_cell,
    order_by_ratio,
    predicted_effects,
    shaped,
    target_ratios,
)
from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over

BERTRAND = "Bertrand et al. 2025, Secs. 3-4: noise of the target is not why models generalise"
VASTOLA = "Vastola 2025, Secs. 4-6: the covariance of the target makes models generalise"
OURS = "this project, from Vastola 2025, Prop. 5.1"
WEAK, STRONG = 0.1, 1.0  # T below and above which target noise is to have none or an effect
VARIANCE, PREDICTION, ORDER, MEMORISES = 0.1, 0.2, 0.5, 0.9


def claims(data: Arrays) -> list[Claim]:
    linear = [cell for cell in cells(data) if cell.kind == "linear"]
    asked = [cell for cell in cells(data) if cell.kind == "mlp" and exact_share(data, cell) > ASKED_FROM]
    statements = [_order_claim(data)]
    statements += [_variance_claim(data, cell) for cell in linear if cell.ratio > 1]
    statements += [_prediction_claim(data, cell) for cell in linear if _predicted(data, cell)]
    statements += _regions(data, linear)
    statements += [_no_effect_claim(data, cell, "distance") for cell in cells(data) if cell.kind == "mlp"]
    statements += [_no_effect_claim(data, cell, "memorised") for cell in asked]
    statements += [_generalises_claim(data, cell) for cell in asked if cell.ratio >= 1]
    statements.append(_fourfold_claim(data, next(cell for cell in linear if cell.ratio == 1)))
    for dimension in dimensions(data, "arm"):
        statements += _arm_claims(data, dimension)
    if "control_memorised" in data:
        statements.append(_control_claim(data))
    return statements


def _predicted(data: Arrays, cell: Cell) -> bool:
    return predicted_effects(data, cell) is not None


def _order_claim(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "T orders the effects",
        "rank correlation over linear models (D, P/F) of T = target noise/(misfit + design noise), predicted without "
        "training, with the change of ln distance from the population that target noise makes",
        order_by_ratio(data).minus(ORDER),
        source=OURS,
        tests="theory",
        relation="greater",
        bound=ORDER,
    )


def _variance_claim(data: Arrays, cell: Cell) -> Claim:
    return Claim.from_estimate(
        f"variance that target noise adds, {cell.words}",
        "E w|δD|² of DSM less that of the exact target, over training sets, measured over predicted",
        added_variance(data, cell).minus(1.0),
        source=OURS,
        tests="theory",
        theory=1.0,
        margin=VARIANCE,
    )


def _prediction_claim(data: Arrays, cell: Cell) -> Claim:
    predicted = predicted_effects(data, cell)
    assert predicted is not None
    trained = of_cell(data, cell, "distance", "DSM") - of_cell(data, cell, "distance", "exact")
    return Claim.from_estimate(
        f"predicted effect, {cell.words}",
        "change of ln distance from the population, DSM against the exact target: trained models against weights drawn "
        "from the V-kernel's law, by data set",
        mean_over(trained - predicted),
        source=OURS,
        tests="theory",
        theory=float(predicted.mean()),
        margin=PREDICTION,
    )


def _regions(data: Arrays, linear: list[Cell]) -> list[Claim]:
    """What T alone, predicted without training, says of models: means over those where it is small, or large."""
    ratios = [target_ratios(data, cell).mean() for cell in linear]
    weak = [cell for cell, ratio in zip(linear, ratios, strict=True) if ratio < WEAK]
    strong = [cell for cell, ratio in zip(linear, ratios, strict=True) if ratio > STRONG]
    found = []
    if weak:
        found.append(
            Claim.from_estimate(
                "no effect where T is small",
                f"ln distance, DSM less the exact target, is zero: mean over linear models with T < {WEAK:g}",
                mean_over(log_effects(data, weak).mean(axis=0)),
                source=OURS,
                tests="theory",
                theory=0.0,
                margin=MARGINS["distance"],
            )
        )
    if strong:
        found.append(
            Claim.from_estimate(
                "an effect where T is large",
                f"ln distance, DSM less the exact target, is positive: mean over linear models with T > {STRONG:g}",
                mean_over(log_effects(data, strong).mean(axis=0)),
                source=OURS,
                tests="theory",
                relation="greater",
                bound=0.0,
                margin=MARGINS["distance"],
            )
        )
    return found


def _no_effect_claim(data: Arrays, cell: Cell, endpoint) -> Claim:
    """Within and without the paper's scope, which is large networks, high dimension and long training."""
    words = {
        "distance": "ln of the samples' squared distance from the population, DSM less the exact target, is zero",
        "memorised": "memorised share less chance, DSM less the exact target, is zero",
    }
    name = {"distance": "does noise move samples", "memorised": "does noise undo memorising"}[endpoint]
    return Claim.from_estimate(
        f"{name}, {cell.words}",
        words[endpoint],
        effect(data, cell, endpoint),
        source=BERTRAND,
        tests="paper",
        theory=0.0,
        margin=MARGINS[endpoint],
    )


def _generalises_claim(data: Arrays, cell: Cell) -> Claim:
    return Claim.from_estimate(
        f"noise makes models memorise less, {cell.words}",
        "memorised share less chance, DSM less the exact target, is negative",
        effect(data, cell, "memorised"),
        source=VASTOLA,
        tests="paper",
        relation="less",
        bound=0.0,
        margin=MARGINS["memorised"],
    )


def _fourfold_claim(data: Arrays, cell: Cell) -> Claim:
    return Claim.from_estimate(
        f"four doses change a case where they must, {cell.words}",
        "ln distance from the population at c = 4 less that of the exact target is positive",
        effect(data, cell, "distance", doses_of(data, "linear")[-1]),
        source=OURS,
        tests="control",
        relation="greater",
        bound=0.0,
        margin=MARGINS["distance"],
    )


def _arm_claims(data: Arrays, dimension: int) -> list[Claim]:
    """At P/F = 1, one thing done otherwise; all on ln distance."""
    whole = shaped(data, dimension, "distance", "DSM")
    bands = {name: shaped(data, dimension, "distance", name) for name in ("above", "around", "below")}

    def same(name: str, statement: str, difference: np.ndarray, source: str, tests) -> Claim:
        about = {"source": source, "tests": tests, "theory": 0.0, "margin": MARGINS["distance"]}
        return Claim.from_estimate(f"{name}, MLP, D = {dimension}", statement, mean_over(difference), **about)

    found = [
        same(
            f"no effect of noise with {name}",
            f"ln distance, DSM less the exact target, at P/F = 1 but with {name}, is zero",
            of_arm(data, dimension, "distance", name),
            BERTRAND,
            "paper",
        )
        for name in ARMS
    ]
    found.append(
        same(
            "bands of noise levels add up",
            "effects of noise above, around and below the noise level of ln N nats, less that of all noise",
            sum(bands.values()) - whole,
            OURS,
            "theory",
        )
    )
    for name, words in (("isotropic", "isotropic noise"), ("even", "noise as large at every x")):
        found.append(
            same(
                f"shape of the noise does not matter: {name}",
                f"ln distance under {words} of the same trace, less that of DSM",
                shaped(data, dimension, "distance", name) - whole,
                OURS,
                "theory",
            )
        )
    shared = shaped(data, dimension, "distance", "2 shared references")
    own = shaped(data, dimension, "distance", "2 references")
    found.append(
        same("shared references do as well", "ln distance, shared less own references", shared - own, OURS, "theory")
    )
    return found


def _control_claim(data: Arrays) -> Claim:
    return Claim.from_estimate(
        "the exact target memorises when trained long enough",
        "memorised share less chance of MLPs on a line, exact target, fresh triples, annealed",
        mean_over(data["control_memorised"][0].mean(axis=-1)).minus(MEMORISES),
        source=OURS,
        tests="control",
        relation="greater",
        bound=MEMORISES,
    )
