"""The table of verdicts: what is said, what was measured, and a word for it, all from stored arrays.

*true* where all statements behind a claim hold, *false* where one differs, else *undecided*; *only if …* where the page
does not name a choice that its claim hangs on.
"""

from typing import NamedTuple

import numpy as np

from figures.common.stages import Arrays
from figures.folklore.variance.statements import Statement, statements
from figures.folklore.variance.statistics import ADAM, PLAIN, matched_noise, sets, unstable


class Row(NamedTuple):
    """A line of the table."""

    said: str
    measured: str
    verdict: str


def rows(data: Arrays, place: int = 0) -> list[Row]:
    """The six claims of the page, on one data set."""
    name = sets(data)[place]
    every = [each for each in statements(data) if f", {name}:" in each.name or each.name.startswith("4:")]

    def of(number: int, words: str = "") -> list[Statement]:
        return [each for each in every if each.name.startswith(str(number)) and words in each.name]

    return [
        _noise(data, place, of(1)),
        Row(
            "2 Low variance at any single noise level",
            f"share within levels {_value(of(2)[0], '.2f')}; R at the lowest level ×{_factor(of(2)[1])}",
            all_of(of(2)),
        ),
        _stability(data, place, of(3)),
        _targets([*of(4, "target, constant"), *of(4, "what is left")]),
        Row(
            "5 Noise schedule regularises",
            f"R of linear ×{_factor(of(5)[0])}, of sigmoid ×{_factor(of(5)[1])} that of cosine",
            {"true": "no effect on noise", "false": "only re-weights levels"}.get(all_of(of(5)), "undecided"),
        ),
        Row("6 Dynamics regularises implicitly", "training times: figure bonnaire2025_times", "not asked here"),
    ]


def all_of(found: list[Statement]) -> str:
    """*true*, *false* or *undecided* of statements that a claim makes together."""
    verdicts = {each.claim("", "control").verdict for each in found}
    return "false" if "differs" in verdicts else "true" if verdicts == {"holds"} else "undecided"


def _noise(data: Arrays, place: int, found: list[Statement]) -> Row:
    words = []
    for kind in (PLAIN, ADAM):
        ratios = [np.exp(matched_noise(data, place, name, 0, kind).log_ratio.centre) for name in _ORDER]
        words.append(", ".join("–" if np.isnan(ratio) else f"{ratio:.2g}" for ratio in ratios))
    plain, after = all_of(found[:2]), all_of(found[2:])
    verdict = plain if plain == after else f"{plain}; scaled: {after}"
    return Row("1 Noise: GAN very high, VAE moderate, diffusion low", f"R {words[0]}; by Adam {words[1]}", verdict)


_ORDER = ("GAN", "VAE", "diffusion")


def _stability(data: Arrays, place: int, found: list[Statement]) -> Row:
    denoisers, pairs = (unstable(data, place, name) for name in ("diffusion", "GAN"))
    low, high = float(data["rates"][0]), float(data["rates"][-1])
    words = f"unstable: diffusion {denoisers[-1].mean():.0%} at {high:g}, GAN {pairs[0].mean():.0%} at {low:g}"
    return Row("3 Stability comes from small steps", words, all_of(found[:2]))


def _targets(found: list[Statement]) -> Row:
    """The last is what a trained network leaves, which the claim does not speak of but needs."""
    *scales, left = found
    constant, other = (
        [each.name.split(":")[1].split(" target")[0].strip() for each in scales if (all_of([each]) == word)]
        for word in ("true", "false")
    )
    verdict = "true" if not other else f"only if not the {', '.join(other)}" if constant else "false"
    return Row(
        "4 Targets have one scale at all levels",
        f"E|y|² constant: {len(constant)} of {len(scales)}; left of the preconditioned one ×{_factor(left)}",
        verdict,
    )


def _value(statement: Statement, form: str) -> str:
    return f"{statement.reference + statement.estimate.centre:{form}}"


def _factor(statement: Statement) -> str:
    value = np.exp(statement.reference + statement.estimate.centre)
    return "–" if np.isnan(value) else f"{value:.3g}"
