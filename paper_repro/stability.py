"""Would another seed turn the verdicts? Two sets of seeds, each pooled, against each other and against single seeds.

    paper-repro run --seeds 0-4 --out results; paper-repro run --seeds 5-9 --out results
    python -m paper_repro.stability results 0-4 5-9

Only equivalences and differences count: what is deterministic cannot turn.
"""

if __name__ == "__main__":  # before a package of ours is imported that may have a namesake in the working folder
    from paper_repro.neighbours import put_ours_first

    put_ours_first()

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

import figures
from figures.common.claims import Verdict
from paper_repro.commands import run_program
from paper_repro.errors import UserError
from paper_repro.folders import check_there, folder
from paper_repro.runner import check_preset
from paper_repro.scorecard import collect
from paper_repro.seeds import named, parse_seeds
from paper_repro.store import Store

OPPOSITE = {"holds", "differs"}


@dataclass(frozen=True)
class Verdicts:
    """What a set of seeds says of one claim: all together, and each by itself."""

    pooled: Verdict
    single: tuple[Verdict, ...]


Claims = dict[tuple[str, str], Verdicts]  # by figure and claim


@dataclass(frozen=True)
class Stability:
    """How often verdicts turn, over the claims that both sets decide."""

    first: Claims
    second: Claims

    @property
    def pairs(self) -> list[tuple[Verdict, Verdict]]:
        """(pooled, single) of every claim and seed, both sets."""
        both = (*self.first.values(), *self.second.values())
        return [(verdicts.pooled, single) for verdicts in both for single in verdicts.single]

    @property
    def pools(self) -> list[tuple[Verdict, Verdict]]:
        """(first pool, second pool) of every claim."""
        return [(self.first[key].pooled, self.second[key].pooled) for key in self.first if key in self.second]

    @property
    def turned(self) -> float:
        """Share of (claim, seed) pairs whose verdict is not that of its set's pool."""
        return share(a != b for a, b in self.pairs)

    @property
    def opposed(self) -> float:
        """Share of (claim, seed) pairs that say *holds* where the pool says *differs*, or the reverse."""
        return share({a, b} == OPPOSITE for a, b in self.pairs)

    @property
    def agreeing_pools(self) -> float:
        """Share of claims with the same verdict in both pools."""
        return share(a == b for a, b in self.pools)

    @property
    def opposed_pools(self) -> int:
        """Claims that hold in one pool and differ in the other."""
        return sum({a, b} == OPPOSITE for a, b in self.pools)

    @property
    def undecided(self) -> float:
        """Share of claims that a pool leaves undecided."""
        return share(v.pooled == "undecided" for v in (*self.first.values(), *self.second.values()))

    def turning(self) -> list[str]:
        """A line for every claim that turns."""
        lines = []
        for key in self.first | self.second:
            sets = [verdicts[key] for verdicts in (self.first, self.second) if key in verdicts]
            if len({each.pooled for each in sets} | {single for each in sets for single in each.single}) > 1:
                shown = "; ".join(f"{each.pooled}: {', '.join(each.single)}" for each in sets)
                lines.append(f"{' / '.join(key)}: {shown}")
        return lines

    def alone(self) -> tuple[list[str], list[str]]:
        """The claims that the first set alone makes, and those of the second: nothing can be said of whether they turn
        from one to the other."""
        first = [" / ".join(key) for key in self.first if key not in self.second]
        return first, [" / ".join(key) for key in self.second if key not in self.first]


def share(outcomes: Iterable[bool]) -> float:
    """Share that is true; NaN of nothing."""
    listed = list(outcomes)
    return sum(listed) / len(listed) if listed else float("nan")


def verdicts_of(out: Path, preset: str, seeds: Sequence[int]) -> Claims:
    """The claims with an interval of all figures that are stored for all these seeds, computed with today's code."""
    scored = [one for one in collect(Store(out), list(figures.FIGURES), preset, seeds) if one.seeds == tuple(seeds)]
    return {
        (one.figure, pooled.claim.name): Verdicts(pooled.claim.verdict, pooled.verdicts)
        for one in scored
        if one.current
        for pooled in one.claims
        if pooled.claim.estimate is not None
    }


def main(
    results: Annotated[Path, typer.Argument(parser=folder, metavar="RESULTS")],
    first: Annotated[str, typer.Argument(metavar="A-B")],
    second: Annotated[str, typer.Argument(metavar="A-B")],
    preset: str = "quick",
) -> None:
    """Print how often verdicts of RESULTS turn between two sets of seeds."""
    sets = parse_sets(first, second)
    check_preset(preset)
    check_there(results)
    found = Stability(*(_decided(results, preset, seeds) for seeds in sets))
    print(f"claims with an interval: {len(found.first)} and {len(found.second)}, in both {len(found.pools)}")
    print(f"(claim, seed) pairs that turn from their pool: {found.turned:.2%}; to the opposite: {found.opposed:.2%}")
    print(f"pools that agree: {found.agreeing_pools:.2%}; opposite: {found.opposed_pools}")
    print(f"undecided in the pool: {found.undecided:.2%}")
    for line in found.turning():
        print(line)
    for seeds, claims in zip(sets, found.alone(), strict=True):
        for claim in claims:
            print(f"{claim}: claimed by {named(seeds)} only")


def parse_sets(first: str, second: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two sets of seeds. Raises UserError for bad ones and where they share a seed, which agrees with itself."""
    sets = tuple(parse_seeds(None, seeds) or () for seeds in (first, second))
    shared = sorted(set(sets[0]) & set(sets[1]))
    if shared:
        raise UserError(f"the sets {first} and {second} share {named(shared)}; expected two without a seed in common")
    return sets[0], sets[1]


def _decided(results: Path, preset: str, seeds: Sequence[int]) -> Claims:
    found = verdicts_of(results, preset, seeds)
    if not found:
        place = f"at preset {preset} under {str(results)!r}"
        raise UserError(f"no figure is stored {place} for all of {named(seeds)}, computed with today's code")
    return found


if __name__ == "__main__":
    run_program(main, "paper_repro.stability")
