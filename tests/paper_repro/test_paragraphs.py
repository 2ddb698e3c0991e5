"""Prose is broken anew, and nothing else of a page changes."""

import doctest

import pytest

from paper_repro import paragraphs
from paper_repro.paragraphs import WIDTH, refilled


def test_the_example():
    assert doctest.testmod(paragraphs) == (0, 1)


@pytest.mark.parametrize(
    "kept",
    [
        "# A heading\nfollowed by text\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        f"```\nx = 1\n  - y {'long ' * 40}\n\n```\n",
        f"    indented code {'long ' * 40}\n    x\n",
        f"![{'a long picture ' * 12}](a.png)\n",
        "<!-- a -->\n<br>\n",
        "---\n\n[a]: https://example.org\n",
        f"[{'x' * 150}](https://example.org)\n",
        "- one\n- two\n  - three\n\n1. four\n2. five",
        "",
    ],
)
def test_what_is_no_ragged_prose_stays(kept):
    assert refilled(kept) == kept


def test_paragraphs_and_items_are_filled_with_their_indentation():
    ragged = "One\ntwo.\n\n- " + "word\n  " * 60 + "end.\n- next\n   one\n"
    filled = refilled(ragged).split("\n")
    assert filled[:2] == ["One two.", ""]
    assert [line[:2] for line in filled[2:]] == ["- ", "  ", "  ", "- ", ""]
    assert all(WIDTH - 5 < len(line) <= WIDTH for line in filled[2:4])
    assert filled[-2:] == ["- next one", ""]
    assert " ".join(refilled(ragged).split()) == " ".join(ragged.split())
    assert refilled(refilled(ragged)) == refilled(ragged)


@pytest.mark.parametrize("sign", ["-", "+", "*", ">", "|", "#", "##", "2.", "12)"])
@pytest.mark.parametrize("before", range(112, 121))
def test_no_line_begins_with_what_would_be_a_list_or_a_heading(sign, before):
    filled = refilled(f"{'x' * (before - 2)} 1 {sign} a/2, and so on")
    assert all(len(line) <= WIDTH for line in filled.split("\n"))
    assert not any(line.startswith(f"{sign} ") for line in filled.split("\n"))
