"""Markdown whose prose fills its lines, after placeholders in it have become numbers."""

import re
import textwrap
from collections.abc import Iterator

WIDTH = 120

# Tables, headings, pictures, HTML, rules and definitions of links are lines of their own.
_KEPT = re.compile(r"\s*([#|<]|!\[|---|\[[^\]]*\]:)")
_CODE = " " * 4
_FENCE = "```"
_ITEM = re.compile(r"\s*([-*+]|\d+[.)])\s+")
# At the beginning of a line these would be a list, a heading, a quotation or a table.
_NEVER_FIRST = re.compile(r" (?=([-*+>|]|#+|\d+[.)])( |$))")
_TIE = "\0"


def refilled(text: str) -> str:
    """The text with every paragraph and every item of a list broken anew, at 120 characters; all else is kept.

    >>> print(refilled("- The slope is\\n  1 - a/2,\\n  in theory.\\n\\n| a | b |\\n|---|---|"))
    - The slope is 1 - a/2, in theory.
    <BLANKLINE>
    | a | b |
    |---|---|
    """
    return "\n".join(line for block in _blocks(text.split("\n")) for line in _filled(block))


def _blocks(lines: list[str]) -> Iterator[list[str] | str]:
    """The lines of a paragraph or an item together, any other line alone."""
    prose: list[str] = []
    in_code = False
    for line in lines:
        fence = line.lstrip().startswith(_FENCE)
        alone = in_code or fence or not line.strip() or _KEPT.match(line) or (not prose and line.startswith(_CODE))
        if prose and (alone or _ITEM.match(line)):
            yield prose
            prose = []
        if alone:
            yield line
        else:
            prose.append(line)
        in_code ^= fence
    if prose:
        yield prose


def _filled(block: list[str] | str) -> list[str]:
    if isinstance(block, str):
        return [block]
    mark = _ITEM.match(block[0])
    first = mark[0] if mark else block[0][: len(block[0]) - len(block[0].lstrip())]
    words = " ".join(" ".join(block).removeprefix(first).split())
    rest = " " * len(first)
    lines = textwrap.wrap(
        _NEVER_FIRST.sub(_TIE, words),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_TIE, " ") for line in lines]
