"""Which changes make a stored result one of earlier code, and which do not."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

import figures
from paper_repro.code_version import closure, code_version

ROOT = Path(figures.__file__).parents[1]
# A package of figures as it might be: every file matters to `studied.fig.experiment` or does not, as its name says.
FILES = {
    "__init__": '"""Figures."""\nimport lazy_loader\n',
    "fig/__init__": '"""One figure."""\n',
    "fig/experiment": """
        import theory.numerics.special as special
        from pathlib import Path
        from ..near import helper, unrelated_name
        from studied.deep import middle
        from theory.numerics.special import exp1
        PRESETS = {"quick": 1}
        def compute(config):
            from studied.inside import f
            return helper(config) + middle.g(config) + f()
        """,
    "fig/claims": "CLAIM = 1",
    "fig/plots": "COLOUR = 'red'",
    "fig/statistics": "MEAN = 1",
    "near": "def helper(x):\n    return x\nunrelated_name = 1",
    "inside": "def f():\n    return 1",
    "deep/__init__": '"""A sub-folder."""\n',
    "deep/middle": "from .lower import bottom\ndef g(x):\n    return bottom.h(x)",
    "deep/lower/__init__": '"""Another."""\n',
    "deep/lower/bottom": 'def h(x):\n    """Docstring."""\n    return x  # comment\nfrom ...beside import b\n',
    "beside": "b = 1",
    "style": "FONT = 1",
}
ALWAYS = "near inside deep/middle deep/lower/bottom beside fig/experiment".split()
NEVER = "__init__ fig/__init__ fig/claims fig/plots fig/statistics deep/__init__ deep/lower/__init__ style".split()


@pytest.fixture
def write(tmp_path, monkeypatch) -> Callable[[str, str], None]:
    """Writes a file of the package `studied`, which is there already."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> None:
        path = tmp_path / "studied" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix(" " * 8) for line in text.splitlines()))

    for name, text in FILES.items():
        write(name, text)
    return write


def test_the_closure_is_followed_to_any_depth_and_however_it_is_imported(write):
    ours = {name for name in closure("studied.fig.experiment") if name.startswith("studied.")}
    assert ours == {f"studied.{name.replace('/', '.')}" for name in ALWAYS}
    assert "theory.numerics.special" in closure("studied.fig.experiment")


@pytest.mark.parametrize(("names", "changes"), [(ALWAYS, True), (NEVER, False)])
def test_only_what_the_experiment_reaches_changes_the_version(write, names, changes):
    for name in names:
        before = code_version("studied.fig")
        write(name, FILES[name] + "\n        added = 1\n")
        assert (code_version("studied.fig") != before) == changes, name


def test_comments_docstrings_and_presets_leave_the_version_alone(write):
    before = code_version("studied.fig")
    write("deep/lower/bottom", FILES["deep/lower/bottom"].replace("Docstring", "Other words").replace("comment", "no"))
    write("fig/experiment", FILES["fig/experiment"].replace('{"quick": 1}', '{"quick": 2, "tiny": 3}'))
    assert code_version("studied.fig") == before
    reads = FILES["fig/experiment"].rstrip() + '\n        SIZE = PRESETS["quick"]\n'
    write("fig/experiment", reads)
    other = code_version("studied.fig")
    write("fig/experiment", reads.replace('{"quick": 1}', '{"quick": 12}'))
    assert code_version("studied.fig") != other


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("from theory import EDM", "got EDM from theory, which is a package"),
        ("import theory", "got theory, which is a package"),
        ("from studied import deep", "got deep from studied, which is a package"),
        ("from .. import absent", "got absent from studied, which is a package"),
        ("from ..absent import x", "imports x from studied.absent, which does not exist"),
    ],
)
def test_an_import_that_cannot_be_followed_is_refused(write, line, sentence):
    write("fig/experiment", line)
    with pytest.raises(ValueError, match=f"studied.fig.experiment .*{sentence}"):
        code_version("studied.fig")


@pytest.mark.parametrize("name", figures.FIGURES)
def test_no_experiment_reaches_what_reads_or_draws_its_results(name):
    words = {word for module in closure(f"{figures.FIGURES[name].package}.experiment") for word in module.split(".")}
    assert not words & {"claims", "plots", "statistics", "style", "panels"}


def test_packages_hold_a_docstring_and_lazy_names_only():
    """But for the tables of figures, which no experiment reads."""
    lazy = ["import lazy_loader", "__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)"]
    for package in ("theory", "sims", "figures", "paper_repro"):
        for path in (ROOT / package).rglob("__init__.py"):
            if path == ROOT / "figures" / "__init__.py":
                continue
            docstring, *rest = (ast.unparse(statement) for statement in ast.parse(path.read_text()).body)
            assert docstring.startswith(("'", '"')), path
            if path.parent.parent == ROOT / "figures" and rest:
                assert rest[0] == "from figures.figure import FigureEntry", path
                assert [line.partition(" = ")[0] for line in rest[1:]] == ["FIGURES"], path
            else:
                assert rest in ([], [ast.unparse(ast.parse(line)) for line in lazy]), path
