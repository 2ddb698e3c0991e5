"""The examples in the docstrings of `theory`, in the README and in the guides run and print what they say."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import theory

ROOT = Path(__file__).parents[2]
MODULES = ["theory", *sorted(module.name for module in pkgutil.walk_packages(theory.__path__, "theory."))]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples():
    """Every docstring of the package with a `>>>` in it."""
    for name in MODULES:
        for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
            if test.examples:
                yield pytest.param(test, id=test.name)


@pytest.mark.parametrize("example", list(examples()))
def test_docstring(example):
    report = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert not report, "".join(report)


def test_some_docstring_has_an_example():
    assert list(examples())


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_page(page, tmp_path, monkeypatch):
    """The python blocks of a page in their order, as one script in an empty directory."""
    monkeypatch.chdir(tmp_path)
    script = "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S))
    assert script
    exec(compile(script, str(page), "exec"), {"__name__": page.stem})  # noqa: S102
