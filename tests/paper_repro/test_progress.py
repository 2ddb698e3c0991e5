"""What a waiting user sees."""

import sys

import pytest

from figures.common.stages import Stage
from paper_repro.progress import Bar, Estimate, Lines


def stage(name: str, share: float) -> Stage:
    return Stage(name, dict, share)


def test_time_left_follows_the_pace():
    now = 0.0
    estimate = Estimate({"a": 10.0, "b": 30.0}, clock=lambda: now)
    assert (estimate.fraction(), estimate.seconds_left()) == (0.0, 40.0)
    first, second, third = stage("first", 0.5), stage("second", 0.5), stage("third", 0.3)
    estimate.start("a", first)
    estimate.finish("a", first, None)  # from a checkpoint: progress, but no news about the pace
    assert (estimate.fraction(), estimate.seconds_left()) == (5 / 40, 35.0)
    estimate.start("a", second)
    now = 10.0
    assert estimate.fraction() == pytest.approx((5 + 0.95 * 5) / 40)
    estimate.finish("a", second, 10.0)  # twice as slow as expected
    estimate.done("a")
    assert (estimate.fraction(), estimate.seconds_left()) == (10 / 40, 60.0)
    estimate.start("b", third)
    estimate.finish("b", third, 9.0)
    estimate.done("b")
    assert (estimate.fraction(), estimate.seconds_left()) == (1.0, 0.0)


def test_time_left_with_figures_and_stages_side_by_side():
    now = 0.0
    estimate = Estimate({"a": 10.0, "b": 10.0, "c": 20.0}, clock=lambda: now)
    whole, halves = stage("whole", 1.0), [stage("left", 0.5), stage("right", 0.5)]
    estimate.start("a", whole)
    for half in halves:
        estimate.start("b", half)
    now = 4.0
    assert estimate.fraction() == pytest.approx((4 + 4 + 4) / 40)
    now = 10.0
    estimate.finish("a", whole, 10.0)
    for half in halves:
        estimate.finish("b", half, 5.0)
    for figure in "ab":
        estimate.done(figure)
    # Twenty expected seconds passed in ten.
    assert (estimate.fraction(), estimate.seconds_left()) == (0.5, 10.0)


def test_the_bar_leaves_a_line_per_figure(capsys):
    with Bar(Estimate({"a": 1.0})) as bar:
        bar.start("a", stage("one", 1.0))
        bar.finish("a", stage("one", 1.0), 0.5)
        bar.done("a", stored=False)
        bar.done("b", stored=True)
    err = capsys.readouterr().err
    assert "a: done\n" in err
    assert "b: already stored\n" in err


def test_lines_of_figures_side_by_side(capsys):
    one, two = stage("one", 0.5), stage("two", 0.5)
    with Lines(sys.stderr) as lines:
        lines.start("a", one)
        lines.start("b", two)
        lines.finish("a", one, 12.34)
        lines.done("a", stored=False)
        lines.finish("b", two, None)
    expected = ["[a] one …", "[b] two …", "[a] one: 12.3 s", "[a] done", "[b] two: from its checkpoint"]
    assert capsys.readouterr().err.splitlines() == expected
