"""HTML from Python: text is escaped once, when it becomes part of an element."""

import re
from collections.abc import Iterable
from html import escape

_VOID = {"img", "input", "br"}
# What is raised: a number, a symbol or a quotient of two, or what stands in brackets, which stay after a minus only.
_EXPONENT = re.compile(r"\^(-\([^()]*\)|-?\w+(?:[./]\w+)*)|\^\(([^()]*)\)")


class Html(str):
    """A string that is HTML already."""


def tag(name: str, /, *content: str, **attributes: str | int | bool | None) -> Html:
    """The element `name`.

    Content that is not `Html` is escaped, and so are attributes. In their names `_` stands for `-`, and a last one is
    dropped (`class_`). True gives an attribute without a value; False and None give none.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(content)}</{name}>")


def joined(content: Iterable[str], separator: str = "") -> Html:
    """The pieces one after the other, each escaped that is not `Html`."""
    return Html(separator.join(piece if isinstance(piece, Html) else escape(piece, quote=False) for piece in content))


def typeset(text: str) -> Html:
    """Prose of a claim, a caption or a note, with what stands after a caret raised: "λ^-α" becomes λ<sup>−α</sup>."""
    return Html(_EXPONENT.sub(_raised, escape(text, quote=False)))


def _raised(found: re.Match) -> str:
    return f"<sup>{(found[1] or found[2]).replace('-', '−')}</sup>"


def _attribute(key: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
