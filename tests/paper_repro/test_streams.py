"""Standard streams that are closed, have no reader, or are full; working folders with packages of our names."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import paper_repro
from tests.fake_figures import arrays_of, command, write

ROOT = Path(paper_repro.__file__).parents[1]
LIST = f"'{sys.executable}' -m paper_repro list"
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")


def shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=folder, env=environment)


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        (f"{LIST} >&-", 0, "", ""),
        (f"{LIST} 2>&- | wc -w >/dev/null; exit ${{PIPESTATUS[0]}}", 0, "", ""),
        (f"{LIST} <&- >&- 2>&-", 0, "", ""),
        (f"{LIST} | true; exit ${{PIPESTATUS[0]}}", 0, "", ""),
        (f"{LIST} --help | true; exit ${{PIPESTATUS[0]}}", 0, "", ""),
        (f"{LIST} --nonsense 2>&-", 2, "", ""),  # nothing of it on standard output instead
        (f"{LIST} --nonsense >&- 2>&-", 2, "", ""),
        pytest.param(f"{LIST} >/dev/full", 1, "", "cannot write to standard output: No space left", marks=FULL),
        pytest.param(f"{LIST} >/dev/full 2>/dev/full", 1, "", "", marks=FULL),
    ],
)
def test_list_needs_no_streams(tmp_path, line, code, out, err):
    done = shell(line, tmp_path)
    assert (done.returncode, done.stdout) == (code, out)
    assert done.stderr.startswith(f"error: {err}" if err else "")
    assert done.stderr.count("\n") == bool(err)


@pytest.mark.slow_cases(">&- 2>&-")
@pytest.mark.parametrize(
    "streams",
    [
        pytest.param(">&-", marks=pytest.mark.slow),
        pytest.param("2>&-", marks=pytest.mark.slow),
        ">&- 2>&-",
        "2>&1 | true",
    ],
)
def test_a_run_finishes_and_writes_its_page_whoever_listens(tmp_path, streams):
    write(tmp_path, "fake_fig1")
    words = " ".join(f"'{word}'" for word in command(tmp_path, seconds=1))
    done = shell(f"{words} run fake_fig1 {streams}; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert len(arrays_of(tmp_path / "results")) == 1
    assert (tmp_path / "results" / "index.html").exists()


@pytest.mark.slow
def test_names_with_spaces_and_any_letters_and_a_report_that_is_interrupted(tmp_path):
    """In a claim, which takes as long as it likes: it says one word."""
    write(tmp_path, "fake_fig1")
    call, out = command(tmp_path, seconds=1), "Ergebnisse für α/結果"
    words = " ".join(f"'{word}'" for word in call)
    done = shell(f"{words} run --out '{out}' && {words} report --out '{out}'", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nErgebnisse für α/結果/index.html\n")
    write(
        tmp_path, "fake_fig1", claims="import time\ndef claims(arrays):\n    open('begun', 'w')\n    time.sleep(600)\n"
    )
    slow = subprocess.Popen([*call, "report", "--out", out], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "begun").exists():
        assert slow.poll() is None
        time.sleep(0.05)
    slow.send_signal(signal.SIGINT)
    assert slow.communicate()[1] == "interrupted\n"
    assert slow.returncode == 130


def test_a_working_folder_that_is_gone(tmp_path):
    write(tmp_path, "fake_fig1")
    words = " ".join(f"'{word}'" for word in command(tmp_path, seconds=1))
    (tmp_path / "gone").mkdir()
    done = shell(f"rmdir '{tmp_path}/gone'; {words} run", tmp_path / "gone")
    assert done.returncode == 2
    assert done.stderr.endswith("the working folder cannot be used: No such file or directory\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "code", "err"),
    [
        ("| true; exit ${PIPESTATUS[0]}", 0, ""),
        (">&- 2>&-", 0, ""),
        pytest.param(">/dev/full", 1, "error: cannot write to standard output: No space left on device\n", marks=FULL),
    ],
)
def test_a_proof_needs_no_streams(tmp_path, streams, code, err):
    done = shell(f"'{sys.executable}' -m theory.derivations forward_variance {streams}", tmp_path)
    assert (done.returncode, done.stderr) == (code, err)


def found_last(folder):
    """A folder for PYTHONPATH that makes ours the last of all packages, as an editable installation does."""
    installed = folder / "installed"
    installed.mkdir()
    (installed / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(ROOT)!r})\n")
    return installed


@pytest.mark.parametrize("foreign", [("figures/__init__.py", "theory.py", "sims/__init__.py"), ("figures/a.png",)])
@pytest.mark.parametrize("path", ["python_path", "working_folder"])
def test_our_packages_are_used_where_others_have_their_names(tmp_path, foreign, path):
    for name in foreign:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise ImportError('not ours')\n")
    installed = found_last(tmp_path)
    before = f"{tmp_path}:{installed}" if path == "python_path" else str(installed)
    done = shell(f"{LIST} && {LIST.removesuffix('list')} run --preset huge", tmp_path, PYTHONPATH=before)
    assert "wang2025_fig2" in done.stdout
    assert done.stderr == "error: unknown preset 'huge'; wang2025_fig2 has quick, paper\n"
    assert done.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments", "sentence"),
    [
        ("paper_repro.findings", "none", "error: the folder 'none' does not exist\n"),
        ("paper_repro.reference", "none none", "error: nothing has been computed at preset 'quick' under 'none'\n"),
        ("paper_repro.stability", "none 0-1 2-3", "error: the folder 'none' does not exist\n"),
        ("theory.derivations", "none", "no derivation is called 'none'"),
    ],
)
def test_other_programs_of_ours_use_our_packages_too(tmp_path, module, arguments, sentence):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "__init__.py").write_text("raise ImportError('not ours')\n")
    (tmp_path / "sims.py").write_text("raise ImportError('not ours')\n")
    command_line = f"'{sys.executable}' -m {module} {arguments}"
    done = shell(command_line, tmp_path, PYTHONPATH=str(found_last(tmp_path)))
    assert done.stderr.startswith(sentence)
    assert done.returncode == 2
