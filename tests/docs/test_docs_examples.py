"""The examples in the docstrings of `theory`, in the README and in the guides run and print what they say."""

import ast
import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from tests import cases
from tests.theory.spectral_law import test_generation, test_parametrisations

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
README = ROOT / "README.md"
SLOW = {"from_features_to_a_learned_distribution", "training_networks"}  # eight seconds each
GUIDES = [page for page in sorted((ROOT / "docs").glob("*.md")) if BLOCK.search(page.read_text())]


def examples():
    """Every docstring of the package with a `>>>` in it; modules without one, of which some are slow, stay away."""
    files = sorted(path for path in (ROOT / "theory").rglob("*.py") if ">>>" in path.read_text())
    for name in (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files):
        module = importlib.import_module(name.removesuffix(".__init__"))
        for test in doctest.DocTestFinder(exclude_empty=True).find(module):
            if test.examples:
                yield pytest.param(test, id=test.name)


@pytest.mark.parametrize("example", list(examples()))
def test_docstring(example):
    report = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert not report, "".join(report)


def test_some_docstring_has_an_example():
    assert list(examples())


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in GUIDES])
def test_guides_import_what_there_is(page):
    for statement in ast.parse("\n".join(BLOCK.findall(page.read_text()))).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            exec(compile(ast.Module([statement], []), page.name, "exec"), {})  # noqa: S102


def marks(page):
    return pytest.mark.slow if page.stem in SLOW else ()


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name, marks=marks(page)) for page in GUIDES])
def test_guide(page, tmp_path, monkeypatch):
    """The python blocks of a page in their order, as one script in an empty directory."""
    monkeypatch.chdir(tmp_path)
    run(page, "\n".join(BLOCK.findall(page.read_text())))


@pytest.mark.slow
def test_examples_of_the_readme_run_by_themselves():
    """The second one ends at the gap mass that `learned_distribution` stores for F/P = 1/16, 0.0072."""
    first, second = BLOCK.findall(README.read_text())
    assert run(README, first)
    assert re.search(r"gap mass (\S+)", run(README, second))[1] == "0.007"


def run(page, script):
    """What the script prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, str(page), "exec"), {"__name__": page.stem})  # noqa: S102
    plt.close("all")
    return printed.getvalue()


def test_figure_of_the_guide_takes_at_most_eighty_lines():
    """Lines of code in the three files of its folder, as the guide promises: no blank lines, comments, docstrings."""
    files = BLOCK.findall((ROOT / "docs" / "adding_a_figure.md").read_text())[:3]
    assert sum(len(lines_of_code(ast.parse(file))) for file in files) <= 80


@pytest.mark.parametrize("setting", [cases.SETTINGS[0], pytest.param(cases.SETTINGS[5], marks=pytest.mark.slow)])
def test_parametrisation_of_the_guide_takes_at_most_forty_lines_and_is_a_row_of_the_table_of_cases(setting):
    """Its file in lines of code; the row passes the properties that a row declares to keep."""
    file, row, *_ = BLOCK.findall((ROOT / "docs" / "adding_a_parametrisation.md").read_text())
    assert len(lines_of_code(ast.parse(file))) <= 40
    names = {"__name__": "weight_decay"}
    exec(compile(file + row, "adding_a_parametrisation.md", "exec"), names)  # noqa: S102
    case = cases.case("weight_decay", names["ROW"], setting)
    test_parametrisations.test_weights_equal_gradient_flow_of_the_matrices(case)
    test_parametrisations.test_gain_equals_the_solution_of_the_mode_equation_on_the_whole_grid(case)
    test_parametrisations.test_initial_gain_is_exact(case)
    test_parametrisations.test_learning_rate_multiplies_training_time(case)
    test_generation.test_variance_equals_scipy_integration_mode_by_mode(case)


def lines_of_code(tree):
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    code = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.expr | ast.arg | ast.keyword)
        for line in (node.lineno, node.end_lineno)
    }
    return code - docstrings
