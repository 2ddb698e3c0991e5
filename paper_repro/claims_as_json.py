"""The scorecard as JSON: the keys that `compare --json` promises."""

import math
from typing import Any

from figures.common.pooling import Pooled
from paper_repro.scorecard import Scorecard, Scored


def claims_as_json(scorecard: Scorecard) -> list[dict[str, Any]]:
    """One object per claim. Numbers are those of all seeds together; null stands for what is not a finite number."""
    return [
        _claim(scorecard.scored[key[0]], pooled, key in scorecard.isolated, scorecard.adjusted.get(key))
        for key, pooled in scorecard.by_place()
    ]


def _claim(scored: Scored, pooled: Pooled, isolated: bool, p_holm: float | None) -> dict[str, Any]:
    claim = pooled.claim
    interval = None if claim.interval is None else [_finite(end) for end in claim.interval]
    cochran = None if pooled.cochran is None else {"q": _finite(pooled.cochran[0]), "p": _finite(pooled.cochran[1])}
    return {
        "figure": scored.figure,
        "preset": scored.preset,
        "name": claim.name,
        "source": claim.source,
        "statement": claim.statement,
        "tests": claim.tests,
        "kind": claim.kind,
        "relation": claim.relation,
        "paper": _finite(claim.paper),
        "theory": _finite(claim.theory),
        "bound": _finite(claim.bound),
        "held_against": claim.held_against,
        "margin": _finite(claim.margin),
        "measured": _finite(claim.measured),
        "interval": interval,
        "effect_over_margin": _effect(pooled),
        "p_holds": _finite(claim.p_holds),
        "p_differs": _finite(claim.p_differs),
        "p_holm": _finite(p_holm),
        "headline": claim.headline,
        "isolated": isolated,
        "verdict": claim.verdict,
        "seeds": list(pooled.seeds),
        "verdicts_by_seed": list(pooled.verdicts),
        "cochran": cochran,
        "current": scored.current,
    }


def _effect(pooled: Pooled) -> float | None:
    """(measured - reference)/margin."""
    claim = pooled.claim
    return _finite((claim.measured - claim.reference) / claim.margin) if claim.margin > 0 else None


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
