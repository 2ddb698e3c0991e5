"""Reference runs kept with the code."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import figures
from paper_repro.cli import main
from paper_repro.errors import UserError
from paper_repro.reference import publish, shrunk
from tests.fake_figures import EXPERIMENT, register, write


def test_pictures_claims_and_provenance_are_published(here):
    for preset in ("quick", "paper"):
        assert main(["run", "--preset", preset, "--seed", "3", "--out", "results"]) == 0
    folder = here / "docs" / "paper"
    assert publish(here / "results", folder, "paper") == ["fake_fig1"]
    assert sorted(path.name for path in folder.iterdir()) == ["claims.json", "fake_fig1.png", "provenance.json"]
    record = json.loads((folder / "provenance.json").read_text())["fake_fig1"]
    assert (record["preset"], record["seed"], record["config"]["size"]) == ("paper", 3, 8)
    claims = json.loads((folder / "claims.json").read_text())
    assert [claim["preset"] for claim in claims] == ["paper"] * 4


def test_figures_that_were_not_run_keep_their_reference(here, monkeypatch):
    write(here.parent / "code", "fake_fig2")
    register(monkeypatch, here.parent / "code", "fake_fig2")
    assert main(["run", "fake_fig1", "fake_fig2"]) == 0
    publish(here / "results", here / "docs")
    assert main(["run", "fake_fig2", "--seed", "1", "--out", "other"]) == 0
    assert publish(here / "other", here / "docs") == ["fake_fig2"]
    records = json.loads((here / "docs" / "provenance.json").read_text())
    assert {name: record["seed"] for name, record in records.items()} == {"fake_fig1": 0, "fake_fig2": 1}
    claims = json.loads((here / "docs" / "claims.json").read_text())
    assert [claim["figure"] for claim in claims] == ["fake_fig1"] * 4 + ["fake_fig2"] * 4
    monkeypatch.delitem(figures.FIGURES, "fake_fig1")  # a figure that is gone takes its claims along
    publish(here / "other", here / "docs")
    assert len(json.loads((here / "docs" / "claims.json").read_text())) == 4


def test_several_seeds_are_one_reference(here):
    assert main(["run", "fake_fig1", "--seeds", "0-2"]) == 0
    assert publish(here / "results", here / "docs", seeds=(0, 1, 2)) == ["fake_fig1"]
    claims = json.loads((here / "docs" / "claims.json").read_text())
    assert [claim["seeds"] for claim in claims] == [[0, 1, 2]] * 4
    record = json.loads((here / "docs" / "provenance.json").read_text())["fake_fig1"]
    assert record["seed"] == 0
    assert list(record["arrays_sha256_of_other_seeds"]) == ["1", "2"]
    with pytest.raises(UserError, match="expected seeds 0-3"):
        publish(here / "results", here / "docs", seeds=(0, 1, 2, 3))


def test_a_damaged_reference_is_one_sentence_and_nothing_is_written(here):
    (here / "docs").mkdir()
    (here / "docs" / "claims.json").write_text("{")
    assert main(["run", "fake_fig1"]) == 0
    with pytest.raises(UserError, match="is damaged: no JSON"):
        publish(here / "results", here / "docs")
    assert [path.name for path in (here / "docs").iterdir()] == ["claims.json"]


def test_what_was_scored_by_earlier_rules_says_so(here, monkeypatch):
    register(monkeypatch, here.parent / "code", "fake_fig2")
    (here / "docs").mkdir()
    (here / "docs" / "claims.json").write_text(json.dumps([{"figure": "fake_fig2", "verdict": "holds"}]))
    assert main(["run", "fake_fig1"]) == 0
    for _ in range(2):
        publish(here / "results", here / "docs")
        claims = json.loads((here / "docs" / "claims.json").read_text())
        assert [claim.get("rescored") for claim in claims] == [None] * 4 + [False]


def test_earlier_code_and_empty_folders_are_refused(here, monkeypatch):
    with pytest.raises(UserError, match="nothing has been computed"):
        publish(here / "results", here / "docs")
    assert main(["run"]) == 0
    write(here.parent / "code", "fake_fig1", experiment=EXPERIMENT.replace("* x.sum()", "+ x.sum()"))
    register(monkeypatch, here.parent / "code", "fake_fig1")
    with pytest.raises(UserError, match="run it again"):
        publish(here / "results", here / "docs")
    assert not (here / "docs").exists()


def test_bad_input_is_one_sentence_and_a_code(here):
    """So is an empty folder, in test_streams."""
    call = [sys.executable, "-m", "paper_repro.reference"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, "Missing argument" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_large_pictures_are_shrunk_and_small_ones_left():
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    png = buffer.getvalue()
    assert shrunk(png, len(png)) is png
    small = shrunk(png, 10_000)
    assert len(small) <= 10_000
    with Image.open(io.BytesIO(small)) as picture:
        assert picture.width < 160
        assert picture.width / picture.height == pytest.approx(4 / 3, rel=0.02)
    with pytest.raises(UserError, match="cannot be brought to"):
        shrunk(png, 100)
