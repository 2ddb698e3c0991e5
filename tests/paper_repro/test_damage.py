"""Files of results and references that people or accidents have changed: one sentence, and the rest is made."""

import json
from pathlib import Path

import pytest

from paper_repro.cli import main
from paper_repro.errors import UserError
from paper_repro.findings import findings
from paper_repro.reference import publish
from tests.fake_figures import arrays_of, register, write


@pytest.fixture
def two(here, monkeypatch):
    """Two figures are stored; the provenance of the first is returned with a function that changes it."""
    write(here.parent / "code", "fake_fig2")
    register(monkeypatch, here.parent / "code", "fake_fig2")
    assert main(["run", "fake_fig1", "fake_fig2"]) == 0
    return next(here.glob("results/store/fake_fig1/*/provenance.json"))


def lacking(*keys):
    return lambda record: {key: value for key, value in record.items() if key not in keys}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        *((lacking(key), f"it lacks '{key}'") for key in ("figure", "preset", "seed", "config", "digest", "created")),
        (lacking("versions", "code_version"), "it lacks 'code_version' and 'versions'"),
        (lacking("stages_from_checkpoints"), "it lacks 'stages_from_checkpoints'"),
        (lambda record: {}, "it lacks 'figure' and 'preset'"),
        (lambda record: [record], "no JSON object"),
        (lambda record: record | {"seed": "0"}, "'seed' cannot be what a run has written"),
        (lambda record: record | {"config": None}, "'config' cannot be"),
        (lambda record: record | {"environment": 3}, "'environment' cannot be"),
        (lambda record: record | {"data_sha256": "0" * 64, "config": {}}, "'config' cannot be"),
        (lambda record: record | {"figure": "fake_fig2"}, "it is of 'fake_fig2'"),
    ],
)
def test_a_provenance_that_says_too_little_is_one_sentence_beside_the_rest(two, here, capsys, change, fault):
    two.write_text(json.dumps(change(json.loads(two.read_text()))))
    page = here / "results" / "index.html"
    for words in (["report"], ["compare"], ["compare", "--json"]):
        page.unlink(missing_ok=True)
        capsys.readouterr()
        assert main(words) == 0
        out, err = capsys.readouterr()
        assert f"note: {two.relative_to(here)} is damaged ({fault}" in err
        assert err.count("\n") == 1
        shown = page.read_text() if words == ["report"] else out
        assert "fake_fig2" in shown
        assert "fake_fig1" not in shown
    assert main(["run", "fake_fig1"]) == 0
    assert main(["report"]) == 0
    assert "fake_fig1" in page.read_text()


def test_damaged_arrays_are_said_and_nothing_but_damage_is_bad_input(here, capsys):
    assert main(["run"]) == 0
    arrays = next(here.glob("results/store/*/*/arrays.npz"))
    for damage, fault in ((lambda: arrays.write_bytes(b"0"), "not what was written"), (arrays.unlink, "missing")):
        damage()
        for command in ("compare", "report"):
            capsys.readouterr()
            assert main([command]) == 2
            note, error = capsys.readouterr().err.splitlines()
            assert note.startswith(f"note: {arrays.relative_to(here)} is damaged ({fault}); its result is left out")
            assert error.startswith("error: nothing has been computed")
    assert main(["run"]) == 0
    assert len(arrays_of(here / "results")) == 1


@pytest.mark.parametrize(
    ("claims", "fault"),
    [("{", "no JSON"), ('{"a": 1}', "a list of claims"), ("[1]", "its claim 1 names no"), ("[" * 9999, "no JSON")],
)
def test_damaged_claims_of_the_reference(here, claims, fault):
    assert main(["run"]) == 0
    (here / "docs").mkdir()
    (here / "docs" / "claims.json").write_text(claims)
    with pytest.raises(UserError, match=f"claims.json is damaged: .*{fault}"):
        publish(here / "results", here / "docs")
    (here / "docs" / "claims.json").write_text("[]")
    (here / "docs" / "provenance.json").write_text("[]")
    with pytest.raises(UserError, match="provenance.json is damaged: expected an object"):
        publish(here / "results", here / "docs")
    (here / "docs" / "provenance.json").unlink()
    (here / "docs" / "provenance.json").mkdir()
    with pytest.raises(UserError, match="cannot read .*provenance.json: Is a directory"):
        publish(here / "results", here / "docs")


@pytest.mark.parametrize(
    "change", [lacking("measured"), lacking("interval"), lacking("verdict"), lambda claim: claim | {"measured": "x"}]
)
def test_findings_name_the_damaged_file(tmp_path, change):
    claim = {"figure": "f", "name": "c", "theory": 1.0, "measured": 1.0, "interval": None, "verdict": "holds"}
    (tmp_path / "results" / "paper").mkdir(parents=True)
    (tmp_path / "results" / "paper" / "claims.json").write_text("[]")
    (tmp_path / "findings.in.md").write_text("<!-- Typed by hand: -->\n{{f/c|value .1f}}\n")
    (tmp_path / "results" / "claims.json").write_text(json.dumps([claim]))
    assert "1.0" in findings(tmp_path)
    (tmp_path / "results" / "claims.json").write_text(json.dumps([change(claim)]))
    with pytest.raises(UserError, match="results/claims.json is damaged: 'c' of 'f' is no claim"):
        findings(tmp_path)


def test_places_that_make_no_sense(here):
    (here / "file").write_text("")
    with pytest.raises(UserError, match="the folder 'nowhere' does not exist"):
        findings(Path("nowhere"))
    with pytest.raises(UserError, match="file' is not a folder"):
        findings(here / "file")
    with pytest.raises(UserError, match="file' is not a folder"):
        publish(here / "file", here / "docs")
    assert main(["run"]) == 0
    with pytest.raises(UserError, match="file' is not a folder"):
        publish(here / "results", here / "file")
    with pytest.raises(UserError, match="unknown preset 'huge'; expected one of quick, paper"):
        publish(here / "results", here / "docs", "huge")
