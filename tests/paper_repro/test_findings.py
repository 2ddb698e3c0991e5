"""The findings are filled from the claims of the reference runs; what does not fit is one sentence."""

import json
import subprocess
import sys

import pytest

from paper_repro.errors import UserError
from paper_repro.findings import NOTE, findings

EXPONENT = {
    "figure": "fake_fig1",
    "name": "exponent, F/P = 1/4",
    "held_against": "paper",
    "paper": 1.0,
    "theory": None,
    "measured": 0.98765,
    "interval": [0.97, 1.004],
    "verdict": "holds",
}
CHECK = EXPONENT | {"name": "|μ| = 3: a check", "measured": -1e-9, "interval": None}
EARLIER = {key: EXPONENT[key] for key in ("figure", "measured", "verdict")} | {
    "name": "of earlier rules",
    "theory": 2.0,
    "paper": None,
    "interval": [None, None],
}
DIFFERS = EXPONENT | {
    "name": "|μ| = 3: gaps fill",
    "tests": "paper",
    "relation": "greater",
    "margin": 0.1,
    "held_against": "bound",
    "bound": 0.0,
    "measured": -0.5,
    "interval": [-0.75, -0.25],
    "verdict": "differs",
    "isolated": True,
}
LATER = DIFFERS | {"name": "gaps fill, at last", "isolated": False}
PAPER = EXPONENT | {"measured": 1.01, "interval": [0.99, 1.03], "verdict": "differs"}


def filled(folder, prose, typed="0.5"):
    """What the findings say, below the note."""
    (folder / "results" / "paper").mkdir(parents=True, exist_ok=True)
    (folder / "results" / "claims.json").write_text(
        json.dumps([EXPONENT, CHECK, EARLIER, DIFFERS, DIFFERS | {"name": "ours", "tests": "theory"}])
    )
    (folder / "results" / "paper" / "claims.json").write_text(json.dumps([PAPER, DIFFERS, LATER]))
    comment = f"<!--\nLike {{{{figure/claim|value .1f}}}}.\nTyped by hand: {typed}\n-->\n"
    (folder / "findings.in.md").write_text(comment + prose)
    text = findings(folder)
    assert text.startswith(NOTE)
    return text.removeprefix(NOTE)


@pytest.mark.parametrize(
    ("prose", "expected"),
    [
        ("From Q = 0.5 on.\n", "From Q = 0.5 on.\n"),
        ("{{fake_fig1/exponent, F/P = 1/4|value .3f}}", "0.988"),
        ("{{fake_fig1/exponent, F/P = 1/4|interval .2f}}", "[0.97, 1.00]"),
        ("{{fake_fig1/exponent, F/P = 1/4|reference .0f}}", "1"),
        ("{{fake_fig1/exponent, F/P = 1/4|verdict}}", "holds"),
        ("{{paper:fake_fig1/exponent,\n  F/P = 1/4|value\n  .2f}}", "1.01"),
        ("{{fake_fig1/|μ| = 3: a check|value z.3f}}", "0.000"),
        ("{{fake_fig1/of earlier rules|reference .1f}}", "2.0"),
    ],
)
def test_prose_is_filled_from_both_presets(prose, expected, tmp_path):
    assert filled(tmp_path, prose) == expected


def test_statements_of_the_papers_that_differ_are_a_table(tmp_path):
    row = r"| `fake_fig1` | \|μ\| = 3: gaps fill | above 0 by 0.1 | -0.5 [-0.75, -0.25], isolated |"
    assert filled(tmp_path, "{{papers' statements that differ}}\n").splitlines()[2:] == [row]


def test_a_table_of_the_papers_sizes_has_what_the_quick_ones_do_not_contradict(tmp_path):
    row = "| `fake_fig1` | gaps fill, at last | above 0 by 0.1 | -0.5 [-0.75, -0.25] |"
    assert filled(tmp_path, "{{papers' statements that differ, paper}}\n").splitlines()[2:] == [row]


@pytest.mark.parametrize(
    ("prose", "sentence"),
    [
        ("{{fake_fig9/x|value .1f}}", "no reference run of a figure 'fake_fig9' at preset 'quick'"),
        ("{{paper:fake_fig9/x|value .1f}}", "no reference run of a figure 'fake_fig9' at preset 'paper'"),
        ("{{fake_fig1/exponent, F/P = 1|value}}", "no claim .*; the nearest is 'exponent, F/P = 1/4'"),
        ("{{fake_fig1/exponent, F/P = 1/4|value .3q}}", "'.3q' is no format of a number"),
        ("{{fake_fig1/exponent, F/P = 1/4|median}}", "is no placeholder"),
        ("{{fake_fig1/of earlier rules|interval .1f}}", "has no interval"),
        ("It is 0.51.", "has 0.51 outside a placeholder"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(prose, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence) as raised:
        filled(tmp_path, prose)
    assert "\n" not in str(raised.value)


def test_prose_without_its_comment_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*findings\.in\.md"):
        findings(tmp_path)
    (tmp_path / "findings.in.md").write_text("# What came out\n")
    with pytest.raises(UserError, match="does not begin with a comment"):
        findings(tmp_path)


@pytest.mark.slow
def test_the_command_writes_the_page_or_says_why_not(tmp_path):
    filled(tmp_path, "{{fake_fig1/exponent, F/P = 1/4|value .1f}}\n")
    command = [sys.executable, "-m", "paper_repro.findings", str(tmp_path)]
    subprocess.run(command, check=True)
    assert (tmp_path / "findings.md").read_text() == NOTE + "1.0\n"
    (tmp_path / "results" / "claims.json").unlink()
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: cannot read")
    assert (tmp_path / "findings.md").read_text() == NOTE + "1.0\n"
