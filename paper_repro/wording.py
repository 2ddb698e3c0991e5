"""Claims in words and figures, the same in the terminal and on the page."""

import math

from figures.common.claims import Claim
from figures.common.pooling import Pooled

SYMBOLS = {"holds": "✓", "differs": "✗", "undecided": "…"}


def number(value: float | None) -> str:
    """Four digits; a dash where there is no number."""
    if value is None:
        return "–"
    return f"{value:.4g}" if math.isfinite(value) else "not finite"


def expected(claim: Claim) -> str:
    """`theory 1, within 0.02`, `above the bound 0.99`, `below paper 1 by 0.1`, `at most the bound 1e-10`."""
    source = "the bound" if claim.held_against == "bound" else claim.held_against
    if claim.kind == "check" and claim.relation != "equal":
        side, sign = {"greater": ("at least", -1), "less": ("at most", 1)}[claim.relation]
        return f"{side} {source} {number(claim.reference + sign * claim.margin)}"
    return beside(claim.relation, f"{source} {number(claim.reference)}", claim.margin)


def beside(relation: str, reference: str, margin: float) -> str:
    """Where a number has to lie: `1, within 0.02`, `above 0`, `below 1 by 0.1`."""
    if relation == "equal":
        return f"{reference}, within {number(margin)}" if margin > 0 else reference
    side = "above" if relation == "greater" else "below"
    return f"{side} {reference}" + (f" by {number(margin)}" if margin > 0 else "")


def measured(claim: Claim) -> str:
    """`0.980 ± 0.020`, or the interval's ends where it is not symmetric; the bare number where nothing is random.

    An unbiased square can be below zero, and its root then below the interval [0, …]: the nearest end is shown.
    """
    if claim.interval is None:
        return number(claim.measured)
    low, high = claim.interval
    if not all(math.isfinite(value) for value in (low, high, claim.measured)):
        return number(claim.measured)
    value = min(max(claim.measured, low), high)
    below, above = value - low, high - value
    decimals = _decimals(max(below, above))
    shown = [_fixed(each, decimals) for each in (value, low, high)]
    if f"{below:.2g}" == f"{above:.2g}":
        return f"{shown[0]} ± {f'{above:.2g}' if decimals is None else _fixed(above, decimals)}"
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def _decimals(error: float) -> int | None:
    """Decimals that show two digits of an error; None where they would be too many, or the error is 0 or large."""
    if not 1e-6 < error < 100:
        return None
    return max(0, 1 - math.floor(math.log10(error)))


def _fixed(value: float, decimals: int | None) -> str:
    return number(value) if decimals is None or value == 0 else f"{value:z.{decimals}f}"


def verdict(pooled: Pooled, isolated: bool = False) -> str:
    """`✓ holds`, with how many seeds agree and a mark for a *differs* that so many claims may show by chance."""
    text = f"{SYMBOLS[pooled.claim.verdict]} {pooled.claim.verdict}"
    if isolated:
        text += " (isolated)"
    if len(pooled.seeds) > 1:
        text += f", {pooled.agreeing} of {len(pooled.seeds)} agree"
    return text
