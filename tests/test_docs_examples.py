"""The examples in the docstrings of `theory` and in the README run and print what they say."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import theory

ROOT = Path(__file__).parents[1]
MODULES = ["theory", *sorted(module.name for module in pkgutil.walk_packages(theory.__path__, "theory."))]
README = ROOT / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.M | re.S) if README.exists() else []


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


def test_readme(tmp_path, monkeypatch):
    """The python blocks in their order, as one script in an empty directory."""
    monkeypatch.chdir(tmp_path)
    script = "\n".join(BLOCKS)
    if ">>>" in script:
        test = doctest.DocTestParser().get_doctest(script, {}, "README.md", str(README), 0)
        report = []
        doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
        assert not report, "".join(report)
    else:
        exec(compile(script, str(README), "exec"), {"__name__": "readme"})  # noqa: S102
