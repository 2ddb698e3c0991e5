"""The pages are what they say: links lead somewhere, names exist, the README stays short."""

import importlib
import re
from pathlib import Path

import pytest

import theory
from figures import FIGURES
from paper_repro.findings import findings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
PAGE = pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])


def anchors(page):
    """What a link may say after # of a page: its headings, as GitHub writes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@PAGE
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not link.startswith("https://"):
            file, _, heading = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), link
            assert not heading or heading in anchors(target), link


def test_readme_is_at_most_120_lines():
    assert len(README.read_text().splitlines()) <= 120


def test_sentences_of_the_readme_have_at_most_24_words():
    text = re.sub(r"^```.*?^```|^\|.*?$|^#.*?$|^!.*?$", "", README.read_text(), flags=re.M | re.S)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    sentences = re.split(r"(?<=[.?])\s+|\n\n|^- ", text, flags=re.M)
    assert not [sentence for sentence in sentences if len(sentence.split()) >= 25]


def test_every_name_in_the_glossary_exists():
    """The last column of its tables: a module, or a public name of `theory`."""
    names = re.findall(r"\| `([\w.]+)` \|$", (ROOT / "docs" / "glossary.md").read_text(), re.M)
    assert len(names) > 30
    for name in names:
        room, _, last = name.rpartition(".")
        if not (room == "theory" and hasattr(theory, last)):
            importlib.import_module(name)


def test_the_findings_are_what_their_prose_and_the_reference_runs_give():
    """`python -m paper_repro.findings` renews them."""
    assert (ROOT / "docs" / "findings.md").read_text() == findings(ROOT / "docs")


def test_the_findings_name_every_figure_with_a_reference_run():
    text, results = (ROOT / "docs" / "findings.md").read_text(), ROOT / "docs" / "results"
    named = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
    assert {picture.stem for picture in results.rglob("*.png")} <= named <= set(FIGURES)
