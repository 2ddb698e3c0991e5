"""The page: what it says and links to, without scripts, with pictures beside it or inside it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from paper_repro.cli import main
from paper_repro.page.markup import typeset
from paper_repro.page.sections import _shared
from tests.fake_figures import PLOTS, register, write

CLAIMS = """
import numpy as np
from figures.common.claims import Claim
from sims.measurements.estimates import Estimate

def claims(arrays):
    def claim(name, difference, statement="a < b & [0, 1] <script>x</script>", **numbers):
        about = {"source": "A <source>", "tests": "theory", "margin": 0.1, "theory": 1.0} | numbers
        return Claim.from_estimate(name, statement, Estimate(np.asarray(difference), np.asarray(0.01), 8), **about)
    small = arrays["x"].size == 4
    return [
        claim("the law", 0.0125, "Modes emerge <when> theory says.", headline=True),
        claim("the other law", 0.09, "Only just.", headline=True),
        claim("a claim that differs", 1.0, paper=2.0, held_against="paper", tests="paper"),
        claim("depends on the seed", 0.3 * np.tanh(arrays["x"][0]), tests="control"),
        claim("depends on the preset", 0.0 if small else 1.0),
        Claim.check("a check", "x is finite", np.isfinite(arrays["x"]).mean(), source="here", bound=1.0),
    ]
"""

CAPTION = """
CAPTION = "The <law> holds: {{the law|value .2f}} {{the law|interval .2f}}, theory {{the law|reference g}}."
DIFFERS = "one seed instead of five."

def notes(arrays):
    return ["2 < 3 numbers, λ^-α."]
"""

VOID = {"meta", "img", "input", "br"}


class Page(HTMLParser):
    """What the tests ask of the page; refuses elements that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.text, self.open = html, "", []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def read(out: Path, name: str = "index.html") -> Page:
    return Page((out / name).read_text())


@pytest.fixture
def results(here, monkeypatch) -> Path:
    """Where `run` puts the results of a fake figure with the claims and the caption above."""
    code = here.parent / "code"
    write(code, "fake_fig1", claims=CLAIMS, plots=PLOTS + CAPTION)
    register(monkeypatch, code, "fake_fig1")
    return here / "results"


def test_the_page_needs_no_scripts_and_nothing_from_elsewhere(results):
    assert main(["run"]) == 0
    page = read(results)
    assert not {"script", "link", "iframe", "b>fake"} & {tag for tag, _ in page.tags}
    assert not any(word in page.html for word in ("http", "url(", "@import", "javascript", "onclick"))
    assert "a < b & [0, 1] <script>x</script>" in page.text
    assert "Modes emerge <when> theory says." in page.text
    assert "&amp;lt;" not in page.html
    assert "A &lt;b&gt;fake&lt;/b&gt; figure" in page.html


def test_every_link_leads_somewhere(results):
    assert main(["run"]) == 0
    alone = read(results)
    assert {link["href"] for link in alone.all("a") if str(link["href"]).startswith("#")} <= {
        f"#{name}" for name in alone.ids()
    }
    assert main(["run", "--preset", "paper"]) == 0
    page = read(results)
    assert "Verdicts that change" in page.text
    ids = page.ids()
    assert len(set(ids)) == len(ids)
    links = [str(attributes["href"]) for attributes in page.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    files = [link for link in links if not link.startswith("#")]
    assert files == ["figures/fake_fig1.pdf", "figures/fake_fig1-paper.pdf"]
    assert all((results / link).is_file() for link in files)
    labelled = {
        attributes[key] for _, attributes in page.tags for key in ("aria-labelledby", "for") if key in attributes
    }
    assert labelled <= set(ids)


def test_pictures_are_files_beside_the_page_with_room_kept_for_them(results):
    assert main(["run"]) == 0
    page = read(results)
    sources = [str(image["src"]) for image in page.all("img")]
    drawing, thumbnail = "figures/fake_fig1.png", "figures/thumbnails/fake_fig1.png"
    assert sources == [drawing, thumbnail, thumbnail, thumbnail, drawing]  # leading, headlines, contents, figure
    for image in page.all("img"):
        with Image.open(results / str(image["src"])) as picture:
            assert (image["width"], image["height"]) == tuple(map(str, picture.size))
        assert image["alt"] in ("", "Picture: A <b>fake</b> figure")
    assert [image.get("loading") for image in page.all("img")] == [None, "lazy", "lazy", "lazy", "lazy"]
    assert (results / thumbnail).stat().st_size < 20_000


def test_the_page_leads_with_the_findings(results):
    assert main(["run"]) == 0
    page = read(results)
    assert "of the papers' statements 0 hold, 1 differ and 0 are undecided" in page.text
    order = [
        "<h1",
        'class="leading"',
        'id="counts"',
        'id="findings"',
        "<nav",
        'id="glossary"',
        'id="fake_fig1"',
        'id="scorecard"',
    ]
    places = [page.html.index(mark) for mark in order]
    assert places == sorted(places)
    findings = page.html[page.html.index('id="findings"') : page.html.index("<nav")]
    assert findings.count("<li>") == 2
    assert "1.012 ± 0.024" in findings
    assert "expected: theory 1, within 0.1" in findings
    assert "✓ holds" in findings
    assert "… undecided" in findings


def test_captions_are_filled_from_the_claims_of_their_run(results, here, monkeypatch):
    assert main(["run"]) == 0
    page = read(results)
    caption = "The <law> holds: 1.01 [0.99, 1.04], theory 1."
    assert page.text.count(caption) == 2  # leading, and beside the figure
    assert "Differs from the published figure: one seed instead of five." in page.text
    assert "<p>2 &lt; 3 numbers, λ<sup>−α</sup>.</p>" in page.html
    code = here.parent / "code"
    for plots in (PLOTS, PLOTS + CAPTION.replace("the law|value", "a law that is not claimed|value")):
        write(code, "fake_fig1", claims=CLAIMS, plots=plots)
        register(monkeypatch, code, "fake_fig1")
        assert main(["report"]) == 0
        assert read(results).text.count("A <b>fake</b> figure. Nobody 2000, Fig. 1.") == 2


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("τ* ∝ λ^-(1-a), <a>", "τ* ∝ λ<sup>−(1−a)</sup>, &lt;a&gt;"),
        ("τ* ∝ λ^(a-1), w = σ^-2a: α", "τ* ∝ λ<sup>a−1</sup>, w = σ<sup>−2a</sup>: α"),
        ("λ^-1/2. Then σ^-0.5", "λ<sup>−1/2</sup>. Then σ<sup>−0.5</sup>"),
        ("e^-γ/(2ητ)", "e<sup>−γ</sup>/(2ητ)"),
    ],
)
def test_exponents_are_raised(written, shown):
    assert typeset(written) == shown


def test_every_count_is_a_filter_with_its_rule(results):
    assert main(["run"]) == 0
    page = read(results)
    buttons = {str(button["id"]): button for button in page.all("input") if button.get("name") == "show"}
    assert len(buttons) == (4 + 1) * (3 + 1)
    assert {name for name, button in buttons.items() if "checked" in button} == {"only-all"}
    assert "show the papers' statements: differs (1)" in [button["aria-label"] for button in buttons.values()]
    for name in buttons.keys() - {"only-all"}:
        assert f"body:has(#{name}:checked)" in page.html
    shown = [str(row["data-shows"]).split() for row in page.all("tr") if "data-shows" in row]
    for name, button in buttons.items():
        count = len(shown) // 2 if name == "only-all" else sum(name[5:] in words for words in shown) // 2
        assert f"({count})" in str(button["aria-label"])
        assert ("disabled" in button) == (count == 0)


def test_a_claim_stands_once_in_full_and_once_in_a_line(results):
    assert main(["run"]) == 0
    page = read(results)
    assert page.text.count("x is finite") == 1
    assert page.text.count("a check") == 2
    scorecard = page.html[page.html.index('id="scorecard"') :]
    assert "x is finite" not in scorecard
    assert 'href="#fake_fig1-quick-6"' in scorecard
    assert page.ids().count("fake_fig1-quick-6") == 1


def test_both_presets_share_a_section_and_the_larger_counts(results):
    assert main(["run", "--preset", "paper"]) == 0
    assert "With the preset" not in read(results).text
    assert main(["run"]) == 0
    page = read(results)
    choices = {button["id"]: "checked" in button for button in page.all("input") if "-chosen" in str(button["id"])}
    assert choices == {"fake_fig1-quick-chosen": False, "fake_fig1-paper-chosen": True}
    assert ".choose-quick:checked ~ .panel:not(.quick)" in page.html
    assert "show all claims (6)" in page.html
    assert page.html.count('<section id="fake_fig1"') == 1
    assert "depends on the preset: paper differs; quick holds" in page.text
    assert "quick: holds" in page.text


def test_seeds_are_pooled_and_changes_listed(results):
    assert main(["run", "--seeds", "0-3"]) == 0
    page = read(results)
    assert "fake_fig1 (quick, seeds 0-3)" in page.text
    assert "4 of 4 agree" in page.text
    change = re.search(r"depends on the seed: together \w+; (\w+ for seed [\d, ]+; )+\w+ for seed [\d, ]+", page.text)
    assert change
    assert sorted(re.findall(r"\d", change[0])) == list("0123")


def test_what_earlier_code_computed_says_so_and_yields_to_current_results(results, here, monkeypatch):
    from tests.fake_figures import EXPERIMENT

    assert main(["run", "--preset", "paper"]) == 0
    code = here.parent / "code"
    write(code, "fake_fig1", claims=CLAIMS, experiment=EXPERIMENT.replace("* x.sum()", "+ x.sum()"))
    register(monkeypatch, code, "fake_fig1")
    assert main(["report"]) == 0
    assert read(results).text.count("Computed with earlier code.") == 3  # two headlines and the figure
    assert main(["run"]) == 0
    page = read(results)
    assert page.text.count("Computed with earlier code.") == 1
    checked = [button["id"] for button in page.all("input") if "checked" in button]
    assert checked == ["only-all", "fake_fig1-quick-chosen"]


def test_the_page_shows_the_drawing_of_the_result_it_scores(results):
    drawing, thumbnail = results / "figures" / "fake_fig1.png", results / "figures" / "thumbnails" / "fake_fig1.png"
    assert main(["run"]) == 0
    first, first_small = drawing.read_bytes(), thumbnail.read_bytes()
    assert main(["run", "--seed", "1"]) == 0
    second, second_small = drawing.read_bytes(), thumbnail.read_bytes()
    assert first != second
    assert first_small != second_small
    drawing.write_bytes(first)
    thumbnail.write_bytes(b"damaged")
    assert main(["report"]) == 0
    assert drawing.read_bytes() == second
    assert thumbnail.read_bytes() == second_small


def test_a_single_file_has_its_pictures_inside(results, capsys):
    assert main(["run"]) == 0
    before = (results / "index.html").read_bytes()
    capsys.readouterr()
    assert main(["report", "--single-file"]) == 0
    assert capsys.readouterr().out == "results/single-file.html\n"
    page = read(results, "single-file.html")
    assert (results / "index.html").read_bytes() == before
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(str(link["href"]).startswith("#") for link in page.all("a"))


def test_five_hundred_claims_stay_below_a_megabyte(results, here, monkeypatch):
    many = CLAIMS.replace(
        "    return [", "    return [claim(f'law {i}', 0.01, 'A sentence. ' * 12) for i in range(500)] + ["
    )
    write(here.parent / "code", "fake_fig1", claims=many)
    register(monkeypatch, here.parent / "code", "fake_fig1")
    assert main(["run"]) == 0
    assert (results / "index.html").stat().st_size < 1_000_000
    assert read(results).text.count("law 499") == 2


def test_shared_results_name_the_figures_they_were_computed_for():
    used = [{"computed_for": name} for name in ("fig4", "fig4", "fig3")]
    assert _shared({"shared_results": used}) == {"shared results": "3, computed for fig4, fig3"}
    assert _shared({}) == {}
