"""Captions speak of claims that the reference runs make."""

import json
from pathlib import Path

import pytest

import figures
from paper_repro.placeholders import Quoted, fill

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def claims_of(figure: str) -> dict[str, Quoted]:
    claims = json.loads((RESULTS / "claims.json").read_text())
    return {claim["name"]: Quoted.of_json(claim) for claim in claims if claim["figure"] == figure}


@pytest.mark.parametrize("name", [name for name, entry in figures.FIGURES.items() if not entry.on_request])
def test_a_caption_quotes_claims_of_its_figure(name):
    figure = figures.load(name)
    assert figure.caption
    text = fill(figure.caption, claims_of(name).__getitem__)
    assert "not finite" not in text
    assert "{{" not in text + figure.differs


def test_at_most_twelve_claims_are_headlines():
    claims = json.loads((RESULTS / "claims.json").read_text())
    assert 0 < sum(claim["headline"] for claim in claims) <= 12
