"""Figures computed side by side, in a command of its own: what it stores, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fake_figures import FAKE, arrays_of

# A file, not `-c`: each process imports it anew, and so knows the same figures.
COMMAND = """
import importlib.util, sys
import figures
from paper_repro.cli import main
for name in ("fake_fig1", "fake_fig2", "fake_fig3"):
    spec = importlib.util.spec_from_file_location(f"figures.{name}", sys.argv[1])
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"figures.{name}"] = module
    spec.loader.exec_module(module)
    figures.FIGURES[name] = figures.FigureEntry("A fake", "Nobody 2000, Fig. 1", {"quick": 100, "paper": 200})
if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
"""
NAMES = ("fake_fig1", "fake_fig2", "fake_fig3")


@pytest.fixture
def command(tmp_path) -> list[str]:
    (tmp_path / "fake.py").write_text(FAKE)
    (tmp_path / "command.py").write_text(COMMAND)
    return [sys.executable, str(tmp_path / "command.py"), str(tmp_path / "fake.py")]


def run(command: list[str], *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([*command, *arguments], env=os.environ | environment, capture_output=True, text=True)


def test_processes_store_what_one_process_stores(command, tmp_path):
    together = run(command, "run", *NAMES, "--out", str(tmp_path / "together"))
    assert together.returncode == 0, together.stderr
    for name in NAMES:
        assert re.search(rf"\[{name}\] stage two: [\d.]+ s\n", together.stderr)
        assert f"[{name}] done\n" in together.stderr
    # The scorecard is in the order asked for, whatever finished first.
    positions = [together.stdout.index(name) for name in NAMES]
    assert positions == sorted(positions)
    for name in NAMES:
        assert run(command, "run", name, "--out", str(tmp_path / "alone")).returncode == 0
    assert arrays_of(tmp_path / "together") == arrays_of(tmp_path / "alone")
    again = run(command, "run", *NAMES, "--out", str(tmp_path / "together"))
    assert again.stderr.count("already stored") == len(NAMES)


def test_a_failing_figure_ends_the_command_with_its_reason(command, tmp_path):
    fake = tmp_path / "fake.py"
    fake.write_text(FAKE.replace('log("two")', 'raise RuntimeError("lost the thread")'))
    failed = run(command, "run", *NAMES, "--out", str(tmp_path / "out"))
    assert failed.returncode not in (0, 2)
    assert "lost the thread" in failed.stderr


def test_a_process_that_dies_is_told(command, tmp_path):
    fake = tmp_path / "fake.py"
    fake.write_text(FAKE.replace('log("two")', "os._exit(7)"))
    failed = run(command, "run", *NAMES, "--out", str(tmp_path / "out"))
    assert failed.returncode not in (0, 2)
    assert "ended with exit code 7" in failed.stderr


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_command_leaves_no_process_and_is_continued(command, tmp_path, how):
    log, out = tmp_path / "log", tmp_path / "out"
    environment = os.environ | {"FAKE_LOG": str(log), "FAKE_SLEEP": "60"}
    arguments = [*command, "run", *NAMES, "--out", str(out)]
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while _lines(log).count("two") < min(2, os.cpu_count() or 1):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, how)
    assert process.wait(30) != 0
    while _processes_with(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _processes_with(str(tmp_path)) == []
    log.unlink()
    assert run(command, "run", *NAMES, "--out", str(out), FAKE_LOG=str(log)).returncode == 0
    assert _lines(log).count("one") < len(NAMES)  # first stages came from their checkpoints
    assert len(arrays_of(out)) == len(NAMES)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _processes_with(word: str) -> list[str]:
    """Command lines, and working copies of spawned processes, that mention `word`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in text:
            found.append(folder.name)
    return found
