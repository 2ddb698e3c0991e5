"""`index.html`: what was found, every figure with its claims, and the whole scorecard on one page without scripts."""

from importlib.resources import files
from pathlib import Path
from string import Template

from paper_repro.atomic import write_atomically
from paper_repro.drawings import Drawings
from paper_repro.page.claims import changes, scorecard_in_short
from paper_repro.page.front import (
    chance,
    contents,
    counts,
    filter_rules,
    finding,
    glossary,
    headlines,
    leading_pictures,
)
from paper_repro.page.markup import joined
from paper_repro.page.panels import Page, page_of
from paper_repro.page.sections import choice_rules, section
from paper_repro.scorecard import Scorecard

PAGE = "index.html"
SINGLE_FILE = "single-file.html"


def write_page(out: Path, scorecard: Scorecard, *, single_file: bool = False) -> Path:
    """Write the page for these results and return its path: `index.html`, which finds its pictures under `figures`.

    `single_file`: instead `single-file.html`, which has them inside. Raises UserError where it cannot be written.
    """
    page = page_of(scorecard, Drawings(out), inside=single_file)
    path = out / (SINGLE_FILE if single_file else PAGE)
    write_atomically(path, _html(page).encode())
    return path


def _html(page: Page) -> str:
    return Template(_packaged("page.html")).substitute(
        css="\n".join((_packaged("page.css"), filter_rules(), choice_rules(page))),
        finding=joined([finding(page)]),
        pictures=leading_pictures(page),
        headlines=headlines(page),
        counts=counts(page),
        chance=joined([chance(page)]),
        contents=contents(page),
        glossary=glossary(),
        figures=joined((section(page, figure) for figure in page.figures), "\n"),
        changes=changes(page),
        scorecard=scorecard_in_short(page),
    )


def _packaged(name: str) -> str:
    return files("paper_repro.page").joinpath(name).read_text(encoding="utf-8")
