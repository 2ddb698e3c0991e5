"""Users' data on the command line, and results that cannot be drawn or scored, with figures that take milliseconds."""

import json
import subprocess
import sys

import pytest

from paper_repro import progress
from paper_repro.cli import main
from paper_repro.users_data import GivenData, shown_reading
from tests.fake_figures import CLAIMS, EXPERIMENT, PLOTS, register, write


def test_own_data_is_addressed_by_its_content(here, capsys):
    for name in ("a.npy", "b.npy"):
        (here / name).write_text("good")
    assert main(["run", "fake_own", "--data", "a.npy"]) == 0
    capsys.readouterr()
    assert main(["run", "fake_own", "--data", "b.npy"]) == 0
    assert "already stored" in capsys.readouterr().err
    assert main(["run", "fake_own"]) == 0
    assert "already stored" not in capsys.readouterr().err
    assert main(["run", "fake_own", "--data", "a.npy"]) == 0
    capsys.readouterr()
    assert main(["compare", "fake_own"]) == 0
    shown = capsys.readouterr().out
    assert "fake_own (quick, seed 0, data a.npy)" in shown
    assert "earlier code" not in shown


@pytest.mark.filterwarnings("default")
def test_a_warning_about_the_data_is_one_sentence(here, capsys):
    (here / "few.npy").write_text("few")
    assert main(["run", "fake_own", "--data", "few.npy"]) == 0
    err = capsys.readouterr().err
    assert "\nwarning: only a few samples\n" in err
    assert err.count("only a few") == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("bad", "the data in mine.npy is not good"), ("worse", "the numbers in mine.npy are not good")],
)
def test_bad_data_is_refused_before_anything_is_computed(here, capsys, monkeypatch, content, sentence):
    monkeypatch.setenv("FAKE_LOG", str(here / "log"))
    (here / "mine.npy").write_text(content)
    assert main(["run", "fake_own", "--data", "mine.npy"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {sentence}"
    assert not (here / "log").exists()
    assert not list(here.glob("results/store/*/*"))


def test_a_folder_given_as_the_working_folder_has_its_name(here, monkeypatch):
    folder = here / "photographs"
    folder.mkdir()
    assert GivenData("photographs").name == "photographs"
    monkeypatch.chdir(folder)
    assert GivenData(".").name == "photographs"
    assert GivenData("./").name == "photographs"
    assert GivenData("..").name == here.name


def test_wrong_files_are_answered_without_the_heavy_imports(tmp_path):
    (tmp_path / "mine.pt").write_bytes(b"1")
    script = (
        "import sys; from paper_repro.cli import main;"
        f"assert main(['run', 'spectral_law', '--data', {str(tmp_path / 'mine.pt')!r}]) == 2;"
        f"own = ['--data', {str(tmp_path / 'mine.npy')!r}, '--snapshots', {str(tmp_path / 'nothing')!r}];"
        "assert main(['run', 'your_model', *own]) == 2;"
        "print({'jax', 'matplotlib', 'PIL', 'distributed'} & sys.modules.keys())"
    )
    (tmp_path / "mine.npy").write_bytes(b"1")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
    assert "nothing does not exist; expected a folder with one file or folder for each step" in result.stderr
    assert "convert it by np.save('mine.npy', torch.load('mine.pt').numpy())" in result.stderr


def test_reading_is_shown_from_its_beginning(capsys):
    with shown_reading() as told:
        for done in range(1, 101):
            told("covariance of mine.npy", done / 100)
        told("coordinates of mine.npy", 0.5)
    assert capsys.readouterr().err == "covariance of mine.npy: 1%\ncoordinates of mine.npy: 50%\n"


# --- Snapshots ---

WITH_SNAPSHOTS = EXPERIMENT.replace(
    "data: str | None = None", "data: str | None = None\n    snapshots: str | None = None"
)


@pytest.fixture
def run_and_data(here, monkeypatch):
    """A figure that takes snapshots, and both in the working folder."""
    write(here.parent / "code", "fake_own", experiment=WITH_SNAPSHOTS)
    options = {"accepts_data": True, "accepts_snapshots": True, "on_request": True}
    register(monkeypatch, here.parent / "code", "fake_own", **options)
    register(monkeypatch, here.parent / "code", "fake_fig1", accepts_data=True)
    (here / "a.npy").write_text("good")
    (here / "run").mkdir()
    for step in (0, 10):
        (here / "run" / f"step_{step}.npy").write_text("any")
    return here


def test_snapshots_reach_the_figure_and_only_their_name_is_stored(run_and_data, capsys):
    assert main(["run", "fake_own", "--data", "a.npy", "--snapshots", str(run_and_data / "run")]) == 0
    provenance = json.loads(next(run_and_data.glob("results/store/fake_own/*/provenance.json")).read_text())
    assert provenance["config"] == {"size": 4, "data": "a.npy", "snapshots": "run"}
    capsys.readouterr()
    assert main(["list"]) == 0
    assert "accepts --data with --snapshots" in capsys.readouterr().out


REFUSED = {
    "no data": (["fake_own", "--snapshots", "run"], "--snapshots are held against the --data that they were trained"),
    "no snapshots": (["fake_own", "--data", "a.npy"], "fake_own needs --snapshots with --data"),
    "another figure": (["fake_fig1", "--data", "a.npy", "--snapshots", "run"], "fake_fig1 does not accept --snapshots"),
    "seeds": (
        ["fake_own", "--data", "a.npy", "--snapshots", "run", "--seeds", "0-1"],
        "--snapshots are of one run, in which no seed decides anything",
    ),
    "a seed": (
        ["fake_own", "--data", "a.npy", "--snapshots", "run", "--seed", "3"],
        "--snapshots are of one run, in which no seed decides anything",
    ),
    "nothing": (["fake_own", "--data", "a.npy", "--snapshots", " "], "the name of the snapshots is empty"),
    "no folder": (["fake_own", "--data", "a.npy", "--snapshots", "a.npy"], "a.npy is not a folder"),
    "one": (["fake_own", "--data", "a.npy", "--snapshots", "one"], "one holds one snapshot, step_5.npy"),
}


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_snapshots_that_do_not_fit_are_refused_in_a_sentence(run_and_data, capsys, arguments, sentence):
    (run_and_data / "one").mkdir()
    (run_and_data / "one" / "step_5.npy").write_text("any")
    assert main(["run", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {sentence}")
    assert error.count("\n") == 1
    assert not list(run_and_data.glob("results/store/*/*"))


BROKEN = {
    "plots": {"plots": PLOTS.replace("figure, axes", "raise IndexError('no\\nmodes'); figure, axes")},
    "claims": {"claims": CLAIMS.replace("numbers =", "raise IndexError('no\\nmodes'); numbers =")},
}


@pytest.mark.parametrize("part", BROKEN)
def test_a_result_that_cannot_be_drawn_or_scored_is_a_sentence_and_the_others_stand(here, monkeypatch, capsys, part):
    write(here.parent / "code", "fake_own", **BROKEN[part])
    register(monkeypatch, here.parent / "code", "fake_own", on_request=True)
    register(monkeypatch, here.parent / "code", "fake_fig1")
    fault = {
        "plots": "fake_own (quick) cannot be drawn: IndexError: no modes",
        "claims": "fake_own (quick, seed 0): cannot be scored for seed 0: IndexError: no modes",
    }[part]
    assert main(["run", "fake_fig1", "fake_own"]) == 1
    out, err = capsys.readouterr()
    assert fault in out + err
    assert "Traceback" not in out + err
    assert "a claim that holds" in out
    page = (here / "results" / "index.html").read_text()
    assert fault.partition(": ")[2] in page
    assert 'src="figures/fake_fig1.png"' in page
    assert ('src="figures/fake_own.png"' in page) == (part == "claims")
    assert main(["report"]) == 0
    assert main(["compare"]) == 0
    capsys.readouterr()
    assert main(["compare", "--json"]) == 0
    out, err = capsys.readouterr()
    assert {claim["figure"] for claim in json.loads(out)} == {"fake_fig1"} | (
        {"fake_own"} if part == "plots" else set()
    )
    assert ("cannot be scored" in err) == (part == "claims")


def test_what_a_figure_says_of_its_arrays_and_of_the_file_is_on_the_page(here, monkeypatch):
    notes = "\ndef notes(arrays):\n    return [f'{arrays[\"x\"].size} numbers & more.']\n"
    write(here.parent / "code", "fake_own", plots=PLOTS + notes)
    options = {"accepts_data": True, "on_request": True, "title_on_data": "A fake of {name}"}
    register(monkeypatch, here.parent / "code", "fake_own", **options)
    (here / "a<b>.npy").write_text("good")
    assert main(["run", "fake_own", "--data", "a<b>.npy"]) == 0
    page = (here / "results" / "index.html").read_text()
    assert "A fake of a&lt;b&gt;.npy</h2>" in page
    assert "4 numbers &amp; more." in page


def test_what_a_figure_advises_is_said_in_the_terminal(here, monkeypatch, capsys):
    advise = "\ndef advise(arrays):\n    return f'Take {arrays[\"x\"].size} of them.'\n"
    write(here.parent / "code", "fake_own", plots=PLOTS + advise)
    register(monkeypatch, here.parent / "code", "fake_own", accepts_data=True, on_request=True)
    (here / "a.npy").write_text("good")
    assert main(["run", "fake_own", "--data", "a.npy"]) == 0
    assert "\nnote: Take 4 of them.\n" in capsys.readouterr().err


def test_data_are_looked_at_once_for_all_seeds(here, capsys, monkeypatch):
    experiment = EXPERIMENT.replace('told("looking", 1.0)', 'told("looking", 1.0); log("looked")')
    write(here.parent / "code", "fake_own", experiment=experiment)
    register(monkeypatch, here.parent / "code", "fake_own", accepts_data=True, on_request=True)
    monkeypatch.setenv("FAKE_LOG", str(here / "log"))
    (here / "a.npy").write_text("good")
    assert main(["run", "fake_own", "--data", "a.npy", "--seeds", "0-2"]) == 0
    assert (here / "log").read_text().count("looked") == 1


def test_the_time_left_is_that_of_the_users_data(here, monkeypatch):
    """The bar starts with what the figure says of these data, and not with its seconds in the table."""
    seen = {}
    monkeypatch.setattr(progress, "progress_for", lambda weights: seen.update(weights) or progress.Lines(sys.stderr))
    experiment = EXPERIMENT.replace("return 5.0", "return 7.5")
    write(here.parent / "code", "fake_own", experiment=experiment)
    register(monkeypatch, here.parent / "code", "fake_own", accepts_data=True, on_request=True)
    (here / "a.npy").write_text("good")
    assert main(["run", "fake_own", "--data", "a.npy", "--seeds", "0-1"]) == 0
    assert seen == {"fake_own, seed 0": 7.5, "fake_own, seed 1": 7.5}
