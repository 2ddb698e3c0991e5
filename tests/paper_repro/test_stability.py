"""What the program that compares two sets of seeds says."""

import sys

import pytest

from paper_repro import stability
from paper_repro.cli import main
from paper_repro.commands import run_program
from paper_repro.stability import Stability, Verdicts
from tests.fake_figures import CLAIMS, register, write


def program(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["stability", *arguments])
    with pytest.raises(SystemExit) as ended:
        run_program(stability.main, "paper_repro.stability")
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("results 0-1 0-1", "the sets 0-1 and 0-1 share seeds 0-1; expected two without a seed in common"),
        ("results 0-4 3-9", "the sets 0-4 and 3-9 share seeds 3-4"),
        ("results 0-1 2-3 --preset huge", "unknown preset 'huge'; expected one of quick, paper"),
        ("nowhere 0-1 2-3", "the folder 'nowhere' does not exist"),
        ("file 0-1 2-3", "'file' is not a folder"),
        ("results 0-1 2-x", "seed 'x' is not a whole number"),
        ("results 0-1 5-6", "no figure is stored at preset quick under 'results' for all of seeds 5-6"),
    ],
)
def test_bad_input_is_one_sentence(here, monkeypatch, capsys, arguments, sentence):
    (here / "file").write_text("")
    assert main(["run", "--seeds", "0-1"]) == 0
    capsys.readouterr()
    assert program(monkeypatch, *arguments.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {sentence}")


def test_claims_of_one_set_are_named(here, monkeypatch, capsys):
    """What a seed claims may depend on what it has drawn."""
    more = CLAIMS.replace("    ]\n", "    ] + [claim('of some seeds', 0.3, 0.001)] * bool(numbers[0] > 0.9)\n")
    write(here.parent / "code", "fake_fig1", claims=more)
    register(monkeypatch, here.parent / "code", "fake_fig1")
    assert main(["run", "--seeds", "0-3"]) == 0
    capsys.readouterr()
    assert program(monkeypatch, "results", "2-3", "0-1") == 0
    out = capsys.readouterr().out
    assert "claims with an interval: 3 and 4, in both 3" in out
    assert "fake_fig1 / of some seeds: claimed by seeds 0-1 only\n" in out


def test_a_claim_of_the_second_set_alone_turns_too_and_is_named():
    both, turning = Verdicts("holds", ("holds",) * 2), Verdicts("holds", ("holds", "differs"))
    found = Stability({("f", "a"): both, ("f", "b"): both}, {("f", "a"): both, ("f", "c"): turning})
    assert found.turning() == ["f / c: holds: holds, differs"]
    assert found.alone() == (["f / b"], ["f / c"])
