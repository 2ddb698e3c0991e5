"""The first screen: what was done and found, two pictures, the headline claims, counts that filter, contents, words."""

from figures.common.pooling import Pooled
from paper_repro.multiplicity import expected_by_chance
from paper_repro.page.captions import result_of
from paper_repro.page.claims import badge, changes, earlier
from paper_repro.page.markup import Html, joined, tag, typeset
from paper_repro.page.panels import GROUPS, FigureOnPage, Page
from paper_repro.scorecard import VERDICTS
from paper_repro.wording import SYMBOLS, expected, measured

# What leads the page where it has been computed: one figure for each paper.
LEADING = ("wang2025_fig2", "vkernel_linear")
GLOSSARY = {
    "λ": "variance of a mode: an eigenvalue of the data's covariance; λ̃ is the variance that is generated",
    "τ*": "emergence time: the training time when the generated variance first reaches the mean of its initial and "
    "its target value",
    "α": "emergence exponent, τ* ∝ λ^-α; α = 1 is the inverse-variance law",
    "Q": "initial gain: what the untrained network multiplies every mode by",
    "F/P": "features over training triples: how little of the training noise averages out",
    "ε": "cut-off: the process time at which sampling stops",
    "κ": "strength of the noise of the naive sampler, which draws the proxy score anew at each step",
}


def finding(page: Page) -> str:
    """One sentence of what was done and found."""
    counts = page.counted.counts()
    papers, ours, *_ = counts.values()
    return (
        "Closed-form theory was held against networks that were really trained: of the papers' statements "
        f"{_in_words(papers)}; of what theory predicts for simulations {_in_words(ours)}."
    )


def _in_words(counts) -> str:
    return f"{counts['holds']} hold, {counts['differs']} differ and {counts['undecided']} are undecided"


def leading_pictures(page: Page) -> Html:
    """Two pictures whose captions are results: the leading figures, else those with headline claims, else the first."""
    with_headlines = [figure.name for figure, _, _ in page.headlines()]
    order = dict.fromkeys([*LEADING, *with_headlines, *(figure.name for figure in page.figures)])
    by_name = {figure.name: figure for figure in page.figures if figure.counted.picture is not None}
    shown = [by_name[name] for name in order if name in by_name][:2]
    return tag("div", *map(_leading_picture, shown), class_="leading") if shown else Html("")


def _leading_picture(figure: FigureOnPage) -> Html:
    picture = figure.counted.picture
    assert picture is not None
    width, height = picture.size
    image = tag("a", picture.image(f"Picture: {figure.title}", lazy=False), href=f"#{figure.name}")
    caption = tag("figcaption", typeset(result_of(figure, figure.counted)))
    return tag("figure", image, caption, style=f"flex: {width / height:.3f} 1 0")  # of one height, side by side


def headlines(page: Page) -> Html:
    """The headline claims, numbered; nothing where there are none."""
    items = [_headline(*each) for each in page.headlines()]
    if not items:
        return Html("")
    heading = tag("h2", "Findings", id="findings-heading")
    note = tag(
        "p",
        f"Verdicts hold for all {len(items)} together (Holm, 5 %). Brackets and ± are 95 % intervals.",
        class_="where",
    )
    return tag("section", heading, tag("ol", *items), note, id="findings", aria_labelledby="findings-heading")


def _headline(figure: FigureOnPage, pooled: Pooled, verdict: str) -> Html:
    claim, panel = pooled.claim, figure.counted
    picture = panel.picture
    small = Html("") if picture is None else picture.small_image("")
    alone = f" (by itself: {claim.verdict})" if verdict != claim.verdict else ""
    words = tag(
        "div",
        tag("p", tag("a", typeset(f"{claim.name}: {claim.statement}"), href=f"#{figure.name}")),
        tag("p", tag("strong", measured(claim)), f"; expected: {expected(claim)}. ", class_="numbers"),
        tag("p", badge(verdict, f"{SYMBOLS[verdict]} {verdict}"), tag("span", f"{alone} {_where(figure)}")),
        earlier(panel),
    )
    return tag("li", tag("a", small, href=f"#{figure.name}", aria_hidden="true", tabindex=-1), words)


def _where(figure: FigureOnPage) -> str:
    return f"{figure.name}, {figure.counted.scored.preset}"


def counts(page: Page) -> Html:
    """The table of counts, every number of which shows the claims that it counts and no others."""
    rows = []
    totals = page.counted.counts()
    for group, (words, found) in zip(GROUPS, totals.items(), strict=True):
        cells = [_filter(f"{group}-{verdict}", f"{words}: {verdict}", found[verdict]) for verdict in VERDICTS]
        rows.append(tag("tr", tag("th", words, scope="row"), *cells, _filter(group, words, found.total())))
    columns = [_filter(verdict, verdict, sum(found[verdict] for found in totals.values())) for verdict in VERDICTS]
    everything = _filter("all", "all claims", sum(found.total() for found in totals.values()), checked=True)
    rows.append(tag("tr", tag("th", "all", scope="row"), *columns, everything))
    headings = [tag("th", badge(verdict, f"{SYMBOLS[verdict]} {verdict}"), scope="col") for verdict in VERDICTS]
    head = tag("thead", tag("tr", tag("td"), *headings, tag("th", "all", scope="col")))
    table = tag("table", head, tag("tbody", *rows), class_="counts")
    return tag("fieldset", tag("legend", "Claims; a number shows its claims alone"), table)


def _filter(name: str, words: str, count: int, *, checked: bool = False) -> Html:
    """A cell of the counts, with its radio button."""
    button = tag(
        "input",
        type="radio",
        name="show",
        id=f"only-{name}",
        aria_label=f"show {words} ({count})",
        autocomplete="off",
        checked=checked,
        disabled=count == 0,
    )
    return tag("td", tag("label", button, str(count)))


def chance(page: Page) -> str:
    """How many *differs* so many claims would show if all were true."""
    tested, found = page.counted.tested(), page.counted.counts()
    differs = sum(counts["differs"] for counts in list(found.values())[:-1])
    isolated = sum(flag for figure in page.figures for _, _, flag in page.claims(figure.counted))
    return (
        f"Of {tested} claims with an interval {differs} differ. If all were true, at most "
        f"{expected_by_chance(tested):.1f} would by chance; {isolated} are marked isolated, which chance could explain."
    )


def filter_rules() -> str:
    """The style rules by which a chosen number hides all else, but for what a link has led to."""
    names = [name for group in GROUPS for name in (group, *(f"{group}-{verdict}" for verdict in VERDICTS))]
    return "\n".join(
        f'body:has(#only-{name}:checked) [data-shows]:not([data-shows~="{name}"], :target, :has(:target))'
        " { display: none; }"
        for name in (*names, *VERDICTS)
    )


def contents(page: Page) -> Html:
    """Thumbnails that lead to the figures, and links to what follows them."""
    scorecard = tag("a", "Whole scorecard", href="#scorecard")
    links = (tag("a", "Verdicts that change", href="#changes"), scorecard) if changes(page) else (scorecard,)
    return joined((tag("ol", *map(_content, page.figures)), tag("p", joined(links, " · "))))


def _content(figure: FigureOnPage) -> Html:
    picture = figure.counted.picture
    small = tag("span", class_="empty") if picture is None else picture.small_image("")
    counts = {verdict: [p.claim.verdict for p in figure.counted.scored.claims].count(verdict) for verdict in VERDICTS}
    verdicts = " · ".join(f"{count}\xa0{SYMBOLS[verdict]}" for verdict, count in counts.items() if count)
    words = joined(
        (
            figure.title,
            tag("span", figure.entry.source, class_="where"),
            tag("span", verdicts, class_="where tally"),
        )
    )
    return tag("li", tag("a", small, words, href=f"#{figure.name}"), data_shows=figure.counted.shown_with)


def glossary() -> Html:
    """The symbols that stand in the claims."""
    return tag("dl", *(tag("div", tag("dt", word), tag("dd", typeset(meaning))) for word, meaning in GLOSSARY.items()))
