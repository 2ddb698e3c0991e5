"""The scorecard: every claim of what has been computed, with its verdict."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import figures
from figures.common.claims import Claim
from figures.common.pooling import Pooled, pool_claims
from paper_repro.multiplicity import LEVEL, holm, isolated
from paper_repro.runner import is_current, load_figure
from paper_repro.seeds import named
from paper_repro.store import Store, StoredResult

EARLIER = "computed with earlier code"
VERDICTS = ("holds", "differs", "undecided")
# What a row of the counts holds, and whether a claim belongs there.
GROUPS = {"paper": "the papers' statements", "theory": "theory against simulation", "control": "controls"}
DETERMINISTIC = "checks and identities"
# What makes results of several seeds one: all but the seed.
_SAME = ("config", "data_sha256", "code_version")


@dataclass(frozen=True)
class Scored:
    """Stored results of a figure at one preset, one for every seed, and what they say about its claims."""

    parts: figures.Figure
    results: tuple[StoredResult, ...]  # by seed
    claims: list[Pooled]
    current: bool  # whether today's code would compute the same
    other_seeds: tuple[int, ...] = ()  # of results that are stored and could be scored together with these
    fault: str | None = None  # why there are no claims, or none of some seeds

    @property
    def result(self) -> StoredResult:
        """The result of the first seed, which is the one that is drawn."""
        return self.results[0]

    @property
    def figure(self) -> str:
        """Name of the figure."""
        return self.result.provenance["figure"]

    @property
    def preset(self) -> str:
        """Name of the preset."""
        return self.result.provenance["preset"]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds."""
        return tuple(result.provenance["seed"] for result in self.results)

    @property
    def title(self) -> str:
        """What is shown, by the name of a user's data."""
        entry, provenance = figures.FIGURES[self.figure], self.result.provenance
        own = provenance.get("data_sha256") and entry.title_on_data
        return own.format(name=provenance["config"]["data"]) if own else entry.title

    @property
    def label(self) -> str:
        """`wang2025_fig2 (quick, seeds 0-4)`, with the user's data and a mark for earlier code."""
        provenance = self.result.provenance
        parts = [self.preset, named(self.seeds)]
        if provenance.get("data_sha256"):
            parts.append(f"data {provenance['config']['data']}")
        if not self.current:
            parts.append(EARLIER)
        return f"{self.figure} ({', '.join(parts)})"


def collect(
    store: Store,
    names: Sequence[str],
    preset: str | None,
    seeds: Sequence[int] | None,
    *,
    or_newest: bool = False,
) -> list[Scored]:
    """The newest result of each figure and preset, or those of these seeds together; of the current code first.

    Seeds that are not stored, or not with the same code, data and parameters as the first one found, are left out. With
    `or_newest` a figure that is stored for none of them is there with its newest result.
    """
    found = []
    for name in names:
        for key in figures.FIGURES[name].seconds:
            if preset in (None, key) and store.has(name, key):
                scored = _collect_one(store, name, key, seeds)
                if scored is None and or_newest:
                    scored = _collect_one(store, name, key, None)
                found += [] if scored is None else [scored]
    return found


def _collect_one(store: Store, figure: str, preset: str, seeds: Sequence[int] | None) -> Scored | None:
    parts, kept = load_figure(figure), []
    for seed in (None,) if seeds is None else seeds:
        for folder in store.newest(figure, preset, seed, lambda provenance: is_current(provenance, parts)):
            result = store.load_folder(folder)
            if result is None or (kept and not _belong_together(kept[0].provenance, result.provenance)):
                continue
            if is_current(result.provenance, parts) or _fault(parts, result) is None:
                kept.append(result)
                break
    if not kept:
        return None
    first = kept[0].provenance
    stored = store.seeds(figure, preset, lambda provenance: _belong_together(first, provenance))
    scored = _scored(parts, kept, is_current(first, parts))
    return replace(scored, other_seeds=tuple(seed for seed in stored if seed not in scored.seeds))


def _belong_together(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(first[key] == second[key] for key in _SAME)


def _fault(parts: figures.Figure, result: StoredResult) -> str | None:
    """Why claims cannot be read from a result; None where they can."""
    return _scored(parts, [result], False).fault


def score(parts: figures.Figure, results: Sequence[StoredResult]) -> Scored:
    """The claims of results of the current code, one for every seed."""
    return _scored(parts, results, True)


def _scored(parts: figures.Figure, results: Sequence[StoredResult], current: bool) -> Scored:
    """Whatever one result makes of its figure's claims, those of other seeds and other figures stand."""
    claims, faults = {}, []
    for result in results:
        try:
            claims[result.provenance["seed"]] = parts.claims(result.arrays)
        except Exception as error:
            seed = result.provenance["seed"]
            faults.append(f"cannot be scored for seed {seed}: {type(error).__name__}: {' '.join(str(error).split())}")
    pooled = pool_claims(claims) if claims else []
    return Scored(parts, tuple(results), pooled, current, fault="; ".join(faults) or None)


@dataclass(frozen=True)
class Scorecard:
    """All claims together: what becomes of the headline claims and of single *differs* among so many."""

    scored: Sequence[Scored]

    @cached_property
    def isolated(self) -> set[tuple[int, int]]:
        """Claims, by their place, whose *differs* may be chance: Benjamini & Hochberg do not count it at 5 %."""
        tested = {key: pooled.claim.p_differs for key, pooled in self.by_place() if pooled.claim.p_differs is not None}
        return {key for key, flag in zip(tested, isolated(list(tested.values())), strict=True) if flag}

    @cached_property
    def adjusted(self) -> dict[tuple[int, int], float]:
        """Holm's p-value of every headline claim for the verdict that it has or comes closest to."""
        deciding = {key: _decisive(pooled.claim) for key, pooled in self.by_place() if pooled.claim.headline}
        headlines = {key: p for key, p in deciding.items() if p is not None}
        return dict(zip(headlines, holm(list(headlines.values())), strict=True))

    def headline_verdict(self, key: tuple[int, int]) -> str:
        """The verdict of a headline claim that stands among the others: *undecided* where Holm's p-value is not."""
        claim = self.scored[key[0]].claims[key[1]].claim
        return claim.verdict if self.adjusted.get(key, 0.0) < LEVEL else "undecided"

    def headlines(self) -> list[tuple[tuple[int, int], Scored, Pooled]]:
        """The headline claims, by their place."""
        return [(key, self.scored[key[0]], pooled) for key, pooled in self.by_place() if pooled.claim.headline]

    def counts(self) -> dict[str, Counter[str]]:
        """How many claims have each verdict, by what a *differs* contradicts; deterministic ones apart."""
        counted: dict[str, Counter[str]] = {name: Counter() for name in (*GROUPS.values(), DETERMINISTIC)}
        for _, pooled in self.by_place():
            counted[group_of(pooled.claim)][pooled.claim.verdict] += 1
        return counted

    def tested(self) -> int:
        """How many claims have an interval."""
        return sum(pooled.claim.estimate is not None for _, pooled in self.by_place())

    def by_place(self) -> list[tuple[tuple[int, int], Pooled]]:
        """Every claim with its place: the figure's number and its own."""
        return [((i, j), pooled) for i, one in enumerate(self.scored) for j, pooled in enumerate(one.claims)]


def group_of(claim: Claim) -> str:
    """The row of the counts that the claim belongs to."""
    return DETERMINISTIC if claim.estimate is None else GROUPS[claim.tests]


def _decisive(claim: Claim) -> float | None:
    """The smaller of both p-values: at most one of "it is true" and "it is false" can be rejected."""
    return None if claim.p_holds is None or claim.p_differs is None else min(claim.p_holds, claim.p_differs)
