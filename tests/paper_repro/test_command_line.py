"""The command line, with a figure of its own that takes milliseconds."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import figures
from paper_repro.cli import main
from tests.fake_figures import CLAIMS, EXPERIMENT, PLOTS, arrays_of, command, register, write

KEYS = (
    "figure preset name source statement tests kind relation paper theory bound held_against margin measured interval "
    "effect_over_margin p_holds p_differs p_holm headline isolated verdict seeds verdicts_by_seed cochran current"
).split()


def listing(folder: Path) -> list[tuple[str, bytes]]:
    return sorted((str(p.relative_to(folder)), p.read_bytes() if p.is_file() else b"") for p in folder.rglob("*"))


def test_list_answers_without_the_heavy_imports():
    script = (
        "import sys; from paper_repro.cli import main; assert main(['list']) == 0;"
        "print({'jax', 'numpy', 'matplotlib', 'scipy', 'PIL'} & sys.modules.keys(), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stderr == "set()\n"
    lines = result.stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(figures.FIGURES)
    for line, entry in zip(lines, figures.FIGURES.values(), strict=True):
        assert entry.title in line
        assert ("accepts --data" in line) == entry.accepts_data
        assert ("runs only when named" in line) == entry.on_request


def test_run_computes_draws_scores_and_writes_the_page(here, capsys):
    assert main(["run"]) == 0
    out, err = capsys.readouterr()
    assert re.findall(r"\[fake_fig1\] (stage one|stage two|done)(?:: [\d.]+ s)?\n", err) == [
        "stage one",
        "stage two",
        "done",
    ]
    assert err.count("\n") == 5
    for shown in ("✓ holds", "✗ differs", "… undecided", "a claim that differs", "[0, 1]", "theory 1, within 0.1"):
        assert shown in out
    counts = [line.split() for line in out.splitlines() if re.match(r"(the papers|theory against|checks and)", line)]
    assert [line[-3:] for line in counts] == [["0", "1", "0"], ["1", "0", "1"], ["1", "0", "0"]]
    assert "of 3 claims with an interval, at most 0.1 would differ by chance" in out
    files = {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()}
    digest = next(here.glob("results/store/fake_fig1/*")).name
    stored = f"results/store/fake_fig1/{digest}"
    drawn = {f"results/figures/{name}" for name in ("fake_fig1.pdf", "fake_fig1.png", "thumbnails/fake_fig1.png")}
    assert files == {f"{stored}/arrays.npz", f"{stored}/provenance.json", "results/index.html"} | drawn
    provenance = json.loads((here / stored / "provenance.json").read_text())
    assert (provenance["seed"], provenance["preset"], provenance["config"]) == (
        0,
        "quick",
        {"size": 4, "data": None},
    )
    assert {"jax", "jaxlib", "numpy", "python"} <= provenance["versions"].keys()
    assert np.load(here / stored / "arrays.npz")["x"].dtype == np.float64


def test_a_second_run_takes_the_result_from_the_store(here, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_LOG", str(here.parent / "log"))
    assert main(["run"]) == 0
    capsys.readouterr()
    assert main(["run"]) == 0
    assert "[fake_fig1] already stored\n" in capsys.readouterr().err
    assert (here.parent / "log").read_text() == "one\ntwo\n"


def test_the_seed_and_the_preset_decide_the_bytes(here):
    for out, options in (("a", []), ("b", []), ("c", ["--seed", "1"]), ("d", ["--preset", "paper"])):
        assert main(["run", "--out", out, *options]) == 0
    assert arrays_of(here / "a") == arrays_of(here / "b")
    assert len(arrays_of(here / "a")) == 1
    different = [set(arrays_of(here / out).values()) for out in "acd"]
    assert len(set.union(*different)) == 3
    assert sorted(path.name for path in here.glob("d/figures/*")) == [
        "fake_fig1-paper.pdf",
        "fake_fig1-paper.png",
        "thumbnails",
    ]


def test_new_code_is_computed_and_a_new_drawing_is_not(here, monkeypatch, capsys):
    code = here.parent / "code"
    assert main(["run"]) == 0
    write(code, "fake_fig1", plots=PLOTS + "\nOTHER = 1\n", experiment=EXPERIMENT + "\n# comment\n")
    assert main(["run"]) == 0
    assert "already stored" in capsys.readouterr().err
    write(code, "fake_fig1", experiment=EXPERIMENT.replace("* x.sum()", "+ x.sum()"))
    assert main(["compare"]) == 0
    assert "fake_fig1 (quick, seed 0, computed with earlier code)" in capsys.readouterr().out
    assert main(["compare", "--json"]) == 0
    assert "earlier code" in capsys.readouterr().err
    register(monkeypatch, code, "fake_fig1")
    assert main(["run"]) == 0
    assert "already stored" not in capsys.readouterr().err
    assert main(["compare"]) == 0
    assert "earlier code" not in capsys.readouterr().out


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[::-1]])
@pytest.mark.parametrize("name", ["arrays.npz", "provenance.json"])
def test_a_damaged_result_is_computed_again(here, name, damage):
    assert main(["run"]) == 0
    before = arrays_of(here / "results")
    path = next(here.glob(f"results/store/*/*/{name}"))
    path.write_bytes(damage(path.read_bytes()))
    assert main(["compare"]) == 2
    assert main(["run"]) == 0
    assert arrays_of(here / "results") == before
    assert main(["compare"]) == 0


def test_a_damaged_checkpoint_is_computed_again(here, monkeypatch, capsys):
    assert main(["run", "--out", "whole"]) == 0
    (partial,) = interrupt_in_stage_two(here, monkeypatch)
    (checkpoint,) = partial.iterdir()
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    capsys.readouterr()
    assert main(["run"]) == 0
    assert "checkpoint" not in capsys.readouterr().err
    assert arrays_of(here / "results") == arrays_of(here / "whole")


def interrupt_in_stage_two(here, monkeypatch) -> list[Path]:
    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", interrupt)
        assert main(["run"]) == 130
    return list(here.glob("results/store/*/*.partial"))


def test_ctrl_c_says_how_to_go_on(here, monkeypatch, capsys):
    (partial,) = interrupt_in_stage_two(here, monkeypatch)
    assert capsys.readouterr().err.splitlines()[-1] == (
        "interrupted; the same command goes on from the last finished stage"
    )
    assert len(list(partial.iterdir())) == 1
    assert main(["run"]) == 0
    assert "[fake_fig1] stage one: from its checkpoint\n" in capsys.readouterr().err
    assert not partial.exists()
    provenance = json.loads(next(here.glob("results/store/*/*/provenance.json")).read_text())
    assert provenance["stages_from_checkpoints"] == ["stage one"]


@pytest.mark.slow
def test_a_killed_run_goes_on_and_gives_the_same_bytes(tmp_path):
    write(tmp_path, "fake_fig1")
    log = tmp_path / "log"
    fakes = command(tmp_path, seconds=1)

    def words(out: str) -> list[str]:
        return [*fakes, "run", "fake_fig1", "--seed", "3", "--out", out]

    environment = os.environ | {"FAKE_LOG": str(log)}
    slow = subprocess.Popen(words("killed"), cwd=tmp_path, env=environment | {"FAKE_SLEEP": "600"})
    deadline = time.monotonic() + 60
    while "two" not in (log.read_text() if log.exists() else ""):
        assert slow.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    slow.send_signal(signal.SIGKILL)
    assert slow.wait() == -signal.SIGKILL
    assert arrays_of(tmp_path / "killed") == {}
    left = next(tmp_path.glob("killed/store/fake_fig1"))
    (left / f".temporary-{'0' * 8}-1-00000000").mkdir()  # as a run on another machine leaves it
    os.utime(left / f".temporary-{'0' * 8}-1-00000000", (0, 0))
    subprocess.run(words("killed"), cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert log.read_text() == "one\ntwo\ntwo\n"
    subprocess.run(words("whole"), cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert log.read_text() == "one\ntwo\ntwo\none\ntwo\n"
    assert arrays_of(tmp_path / "killed") == arrays_of(tmp_path / "whole")
    assert len(arrays_of(tmp_path / "whole")) == 1
    assert [path.name for path in left.iterdir()] == [path.name for path in tmp_path.glob("whole/store/*/*")]


def test_json_has_exactly_the_promised_keys_and_no_infinities(here, capsys):
    assert main(["compare", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert main(["run"]) == 0
    assert main(["run", "--preset", "paper"]) == 0
    capsys.readouterr()
    assert main(["compare", "--json"]) == 0

    def refuse(constant):
        pytest.fail(f"{constant} is not JSON")

    out, err = capsys.readouterr()
    claims = json.loads(out, parse_constant=refuse)
    assert err == ""
    assert [list(claim) for claim in claims] == [KEYS] * 8
    assert [claim["preset"] for claim in claims] == ["quick"] * 4 + ["paper"] * 4
    assert [claim["verdict"] for claim in claims[:4]] == ["holds", "differs", "undecided", "holds"]
    assert [claim["kind"] for claim in claims[:4]] == ["equivalence"] * 3 + ["check"]
    assert (claims[1]["paper"], claims[1]["theory"], claims[1]["held_against"]) == (1.0, None, "paper")
    assert claims[1]["interval"] == pytest.approx([1.976, 2.024], abs=2e-3)
    assert claims[1]["effect_over_margin"] == pytest.approx(10, rel=0.02)
    assert claims[1]["p_differs"] < 1e-6 < claims[1]["p_holds"]
    assert (claims[2]["measured"], claims[2]["interval"]) == (None, [None, None])
    assert (claims[3]["interval"], claims[3]["p_holds"], claims[3]["cochran"]) == (None, None, None)
    assert main(["compare", "--json", "--preset", "paper"]) == 0
    assert json.loads(capsys.readouterr().out) == claims[4:]


def test_compare_shows_the_result_that_was_asked_for_last(here, capsys):
    for seed in ("0", "1", "0"):
        assert main(["run", "--seed", seed]) == 0
    capsys.readouterr()
    assert main(["compare"]) == 0
    assert "fake_fig1 (quick, seed 0)" in capsys.readouterr().out
    assert main(["compare", "--seed", "1"]) == 0
    assert "fake_fig1 (quick, seed 1)" in capsys.readouterr().out


def test_several_seeds_are_scored_together(here, capsys):
    assert main(["run", "fake_fig1", "--seeds", "0-2"]) == 0
    out, err = capsys.readouterr()
    assert "fake_fig1 (quick, seeds 0-2)" in out
    assert "3 of 3 agree" in " ".join(out.split())
    assert [f"[fake_fig1, seed {seed}] done\n" in err for seed in range(3)] == [True] * 3
    assert len(arrays_of(here / "results")) == 3
    each = []
    for seed in range(3):
        assert main(["compare", "--json", "--seed", str(seed)]) == 0
        each.append(json.loads(capsys.readouterr().out)[0])
    assert [claim["seeds"] for claim in each] == [[0], [1], [2]]
    assert main(["compare", "--json", "--seeds", "0-2"]) == 0
    pooled = json.loads(capsys.readouterr().out)[0]
    values = np.array([claim["measured"] for claim in each])
    assert pooled["seeds"] == [0, 1, 2]
    assert pooled["verdicts_by_seed"] == ["holds"] * 3
    assert pooled["measured"] == pytest.approx(values.mean(), rel=1e-12)
    spread = np.ptp(pooled["interval"]) / 2
    assert spread == pytest.approx(values.std(ddof=1) / np.sqrt(3) * 4.302653, rel=1e-6)
    assert pooled["cochran"]["p"] > 0.9
    assert main(["compare", "--seeds", "1-4"]) == 0
    out, err = capsys.readouterr()
    assert "fake_fig1 (quick, seeds 1-2)" in out
    assert "note: fake_fig1 (quick, seeds 1-2): not computed for seeds 3-4\n" == err


def test_the_page_of_seeds_that_are_not_stored_is_refused_and_a_gap_is_said(here, capsys):
    assert main(["run", "fake_fig1", "--seeds", "0-1"]) == 0
    page = (here / "results" / "index.html").read_bytes()
    capsys.readouterr()
    assert main(["report", "--seeds", "7-9"]) == 2
    assert "nothing has been computed with seeds 7-9" in capsys.readouterr().err
    assert (here / "results" / "index.html").read_bytes() == page
    assert main(["report", "--seeds", "0-2"]) == 0
    assert "note: fake_fig1 (quick, seeds 0-1): not computed for seed 2" in capsys.readouterr().err


def test_what_earlier_code_stored_and_today_cannot_read_is_no_error(here, monkeypatch, capsys):
    assert main(["run"]) == 0
    code = here.parent / "code"
    changed = EXPERIMENT.replace('"y": stage(', '"z": stage(')
    write(code, "fake_fig1", experiment=changed, plots=PLOTS.replace("next(iter(arrays.values()))", 'arrays["z"]'))
    register(monkeypatch, code, "fake_fig1")
    (here / "results" / "figures" / "fake_fig1.png").unlink()
    assert main(["report"]) == 0
    text = (here / "results" / "index.html").read_text()
    assert "<img" not in text
    assert "cannot draw it; run the figure again" in text
    claims = CLAIMS.replace('else "x"', 'else "z"')
    write(code, "fake_fig1", experiment=changed, claims=claims)
    register(monkeypatch, code, "fake_fig1")
    capsys.readouterr()
    assert main(["compare"]) == 2
    assert capsys.readouterr().err.startswith("error: nothing has been computed")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            "run fake_fig2",
            "unknown figure 'fake_fig2'; did you mean 'fake_fig1'? Known figures: fake_fig1, fake_own",
        ),
        ("run zzz", "unknown figure 'zzz'; known figures: fake_fig1, fake_own"),
        ("compare zzz", "unknown figure 'zzz'"),
        ("run --preset huge", "unknown preset 'huge'; fake_fig1 has quick, paper"),
        ("run fake_fig1 --preset huge", "unknown preset 'huge'"),
        ("compare --preset huge", "unknown preset 'huge'"),
        ("compare fake_fig1 --preset huge", "unknown preset 'huge'"),
        ("run --seed -1", "seed '-1' is not a whole number from 0 to"),
        ("run --seed 1.5", "seed '1.5' is not a whole number"),
        ("run --seed x", "seed 'x' is not a whole number"),
        ("run --seeds 3", "seeds '3' is no range; expected A-B, for example 0-4"),
        ("run --seeds 3-3", "expected A-B with A smaller than B"),
        ("run --seeds 0-x", "seed 'x' is not a whole number"),
        ("run --seeds 0-100", "seeds '0-100' are 101 seeds; expected at most 100"),
        ("run --seed 1 --seeds 0-4", "--seed and --seeds exclude each other"),
        ("compare --seeds 4-0", "seeds '4-0' is no range"),
        (f"run --seed {2**63}", f"seed '{2**63}' is not a whole number from 0 to {2**63 - 1}"),
        ("compare --seed -1", "seed '-1' is not a whole number"),
        ("run fake_own --data missing.npz", "missing.npz does not exist; expected .npy, .npz, IDX"),
        ("run fake_own --data bad.txt", "bad.txt has the unsupported extension '.txt'; expected .npy"),
        ("run fake_own --data nothing.npy", "nothing.npy is empty (0 bytes)"),
        ("run fake_own --data nothing.npy --layout cwh", "nothing.npy is empty (0 bytes)"),
        ("run fake_own --data bad.npy --layout cwh", "unknown layout 'cwh'; expected one of hwc, chw, rows, columns"),
        ("run fake_own --data bad.npy --key x", "bad.npy holds no named arrays; --key is for .npz archives"),
        ("run --key x", "--key and --layout say how --data is to be read, which is not given"),
        ("run fake_fig1 --data good.txt", "fake_fig1 does not accept --data; figures that do: fake_own"),
        ("run --data good.txt", "--data needs the name of exactly one figure"),
        ("run fake_own fake_fig1 --data good.txt", "--data needs the name of exactly one figure"),
        ("run fake_own --data=", "the name of the data is empty"),
        ("run fake_own --data /dev/null", "/dev/null is not a regular file"),
        ("run --out=", "the name of a folder is empty"),
        ("compare --out=", "the name of a folder is empty"),
        ("run --out \udcff", "the name of a folder must be UTF-8"),
        (f"compare --out {'x' * 300}", "File name too long"),
        ("run --out good.txt", "'good.txt' is not a folder"),
        ("run --out good.txt/below", "'good.txt' is not a folder"),
        ("run --out dangling", "'dangling' is not a folder"),
        ("run --out blocked", "'blocked/store' is not a folder"),
        ("run --out /proc/results", "cannot write results to '/proc/results'"),
        ("run --scheduler tcp://127.0.0.1:9", "no Dask scheduler answers at 'tcp://127.0.0.1:9': "),
        ("run --scheduler bar://x:1", "no Dask scheduler answers at 'bar://x:1': unknown address scheme 'bar'"),
        ("run --scheduler tcp://", "no Dask scheduler answers at 'tcp://': "),
        ("run --scheduler x --dashboard", "--dashboard is for processes on this machine"),
        ("report --out good.txt", "'good.txt' is not a folder"),
        ("compare --out good.txt", "'good.txt' is not a folder"),
        ("report", "nothing has been computed under 'results'"),
        ("compare", "nothing has been computed under 'results'"),
        ("compare fake_fig1 --json", "nothing has been computed for fake_fig1 under 'results'"),
        ("compare --preset paper --seed 3", "nothing has been computed at preset paper with seed 3"),
        ("compare --seeds 3-5", "nothing has been computed with seeds 3-5"),
        ("run --nonsense", "No such option"),
        ("nonsense", "No such command 'nonsense'"),
    ],
)
def test_bad_input_gets_one_sentence_and_touches_nothing(here, capsys, command, sentence):
    (here / "good.txt").write_text("good")
    (here / "bad.txt").write_text("bad")
    (here / "bad.npy").write_text("bad")
    (here / "nothing.npy").write_bytes(b"")
    (here / "dangling").symlink_to("nowhere")
    (here / "blocked").mkdir()
    (here / "blocked" / "store").write_text("")
    before = listing(here)
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert listing(here) == before


def test_a_folder_without_write_permission_is_refused(here, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert main(["run"]) == 2
    assert capsys.readouterr().err == "error: cannot write results to 'results': Permission denied\n"
    assert listing(here) == []


def test_without_arguments_the_help_is_shown(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("list", "run", "compare", "report"))
