"""Text whose numbers are those of claims: `{{one-layer exponent|value .3f}}` becomes `1.017`.

A placeholder is the name of a claim, a bar, one of *value*, *interval*, *reference*, *verdict*, and, for numbers, a
format of Python. No number in such a text can disagree with the run that it speaks of.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from figures.common.claims import Claim

_PLACEHOLDER = re.compile(r"\{\{((?:(?!\}\}).)+?)\|(value|interval|reference|verdict)(?:\s+([^{}|]*))?\}\}", re.DOTALL)


@dataclass(frozen=True)
class Quoted:
    """What a text may quote of a claim."""

    value: float
    interval: tuple[float, float] | None
    reference: float
    verdict: str

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """What may be quoted of this claim."""
        return cls(claim.measured, claim.interval, claim.reference, claim.verdict)

    @classmethod
    def of_json(cls, claim: Mapping[str, Any]) -> Self:
        """What may be quoted of a claim as `compare --json` prints it.

        Raises KeyError, TypeError or ValueError for anything else.
        """
        low, high = claim["interval"] or (None, None)
        # Claims that were scored by earlier rules name no reference.
        measured, reference = claim["measured"], claim[claim.get("held_against", "theory")]
        interval = None if low is None or high is None else (float(low), float(high))
        return cls(_number(measured), interval, _number(reference), str(claim["verdict"]))


def fill(text: str, lookup: Callable[[str], Quoted]) -> str:
    """The text with every placeholder replaced; `lookup` finds a claim by its name and raises KeyError for a wrong one.

    >>> fill("α = {{exponent|value .2f}} {{exponent|interval .2f}}", {"exponent": Quoted(1.0, (0.9, 1.1), 1, "")}.get)
    'α = 1.00 [0.90, 1.10]'

    Raises ValueError for a placeholder or a format that is not understood, and for the interval of a number that has
    none.
    """
    filled = _PLACEHOLDER.sub(lambda match: _shown(lookup(" ".join(match[1].split())), match), text)
    left = re.search(r"\{\{.*?(\}\}|$)", filled, re.DOTALL)
    if left:
        raise ValueError(f"{left[0]!r} is no placeholder; expected {{{{claim|value .3f}}}} or so")
    return filled


def _shown(quoted: Quoted, match: re.Match[str]) -> str:
    field, form = match[2], match[3] or ".4g"
    try:
        format(0.0, form)
    except ValueError as error:
        raise ValueError(f"{match[0]!r}: {form!r} is no format of a number") from error
    if field == "verdict":
        return quoted.verdict
    if field == "interval":
        if quoted.interval is None:
            raise ValueError(f"{match[0]!r}: the claim has no interval")
        return f"[{', '.join(format(end, form) for end in quoted.interval)}]"
    value = _inside(quoted) if field == "value" else quoted.reference
    return format(value, form) if math.isfinite(value) else "not finite"


def _inside(quoted: Quoted) -> float:
    """The value, or the nearest end of its interval: the root of an unbiased square can lie below [0, …]."""
    if quoted.interval is None or not all(map(math.isfinite, (quoted.value, *quoted.interval))):
        return quoted.value
    low, high = quoted.interval
    return min(max(quoted.value, low), high)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
