"""Figures and stages side by side, in a command of its own: what it stores, and how it ends."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from paper_repro.execution import cores
from tests.fake_figures import EXPERIMENT, INDEPENDENT, arrays_of, command, write

NAMES = ("fake_fig1", "fake_fig2", "independent")
SIDE_BY_SIDE, ONE_BY_ONE = 100.0, 1.0  # expected seconds with which the command does so on its own account


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    for name in NAMES:
        write(folder, name, experiment=INDEPENDENT if name == "independent" else EXPERIMENT)
    return folder


@pytest.fixture(scope="module")
def expected(code) -> dict[str, bytes]:
    """The arrays that one process computes."""
    done = run(command(code, ONE_BY_ONE), "run", "--out", str(code / "expected"))
    assert done.returncode == 0, done.stderr
    arrays = arrays_of(code / "expected")
    assert len(arrays) == len(NAMES)
    return arrays


def run(words: list[str], *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([*words, *arguments], env=os.environ | environment, capture_output=True, text=True)


@pytest.mark.slow
def test_processes_store_what_one_process_stores(code, expected, tmp_path):
    out = tmp_path / "out"
    together = run(command(code, SIDE_BY_SIDE), "run", *NAMES, "--out", str(out))
    assert together.returncode == 0, together.stderr
    assert arrays_of(out) == expected
    for name in NAMES:
        assert f"[{name}] done\n" in together.stderr
    assert re.search(r"\[independent\] part 3: [\d.]+ s\n", together.stderr)
    assert together.stderr.count("warning: only a few samples\n") == 1
    # The scorecard is in the order asked for, whatever finished first.
    positions = [together.stdout.index(name) for name in NAMES]
    assert positions == sorted(positions)
    (record,) = (json.loads(path.read_text()) for path in out.glob("store/independent/*/provenance.json"))
    assert list(record["stages"]) == ["first", *(f"part {i}" for i in range(4)), "total"]
    assert {stage["device"] for stage in record["stages"].values()} == {record["device"]}
    for cost in ("seconds", "processor_seconds", "peak_gigabytes"):
        assert all(stage[cost] >= 0 for stage in record["stages"].values()), cost
    assert record["environment"]["JAX_ENABLE_X64"] == "1"
    assert record["environment"]["XLA_FLAGS"].startswith("--xla_cpu_multi_thread_eigen=false")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be bound to cores here")
def test_only_cores_that_are_ours_are_counted():
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(ours)})
    try:
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, ours)
    assert cores() == len(ours)


@pytest.mark.slow
def test_independent_stages_of_one_figure_have_processes_of_their_own(code, expected, tmp_path):
    log = tmp_path / "log"
    done = run([*command(code, SIDE_BY_SIDE), "run", "independent", "--out", str(tmp_path)], FAKE_LOG=str(log))
    assert done.returncode == 0, done.stderr
    assert arrays_of(tmp_path).items() <= expected.items()
    processes = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in log.read_text().splitlines()}
    assert processes["first"] == processes["total"]  # the command itself: nothing to compute beside them
    if cores() > 1:
        assert processes["first"] not in {processes[f"part {i}"] for i in range(4)}
        assert len(set(processes.values())) > 2


@pytest.mark.slow  # test_engines has its sentence
@pytest.mark.skipif(cores() == 1, reason="the command itself computes on one core")
def test_a_process_that_dies_is_told_in_one_sentence(tmp_path):
    for name in NAMES[:2]:
        write(tmp_path, name, experiment=EXPERIMENT.replace('log("two")', "os._exit(7)"))
    failed = run(command(tmp_path, SIDE_BY_SIDE), "run", "--out", str(tmp_path / "out"))
    assert failed.returncode == 1
    last = failed.stderr.splitlines()[-1]
    assert re.match(r"error: the process of stage 'stage two' of \w+ ended with exit code 7; the same command", last)
    assert "Traceback" not in failed.stderr


@pytest.mark.slow
def test_a_command_that_is_ended_leaves_no_process_and_is_continued(code, expected, tmp_path):
    log, out = tmp_path / "log", tmp_path / "out"
    slow = os.environ | {"FAKE_LOG": str(log), "FAKE_SLEEP": "60", "FAKE_SLEEPER": "all"}
    words = [*command(code, SIDE_BY_SIDE), "run", *NAMES, "--out", str(out)]
    for how, code_of_exit in (
        (signal.SIGKILL, -signal.SIGKILL),
        (signal.SIGTERM, -signal.SIGTERM),
        (signal.SIGINT, 130),
    ):
        log.unlink(missing_ok=True)
        with (tmp_path / "said").open("w") as said:
            process = subprocess.Popen(words, env=slow, stderr=said, stdout=subprocess.DEVNULL)
        wait_until(lambda: len(re.findall("two|part", read(log))) >= min(2, cores()))
        os.kill(process.pid, how)
        assert process.wait(30) == code_of_exit
        wait_until(lambda: processes_with(str(tmp_path)) == [])
    assert read(tmp_path / "said").splitlines()[-1].startswith("interrupted; the same command goes on")
    assert "Traceback" not in read(tmp_path / "said")
    log.unlink()
    assert run(words, FAKE_LOG=str(log)).returncode == 0
    assert read(log).count("one\n") + read(log).count("first") < len(NAMES)  # the others came from their checkpoints
    assert arrays_of(out) == expected


@pytest.mark.slow
def test_a_command_that_is_suspended_goes_on(code, expected, tmp_path):
    """For longer than Dask waits for a sign of life, which the user's configuration makes a second here."""
    log, out = tmp_path / "log", tmp_path / "out"
    slow = {"FAKE_LOG": str(log), "FAKE_SLEEP": "6", "FAKE_SLEEPER": "all"}
    words = [*command(code, SIDE_BY_SIDE), "run", *NAMES[:2], "--out", str(out)]
    environment = os.environ | slow | {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "1s"}
    process = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_until(lambda: re.search("two|part", read(log)))
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(5)
    os.kill(process.pid, signal.SIGCONT)
    try:
        assert process.wait(120) == 0
    finally:
        process.kill()
    assert arrays_of(out).items() <= expected.items()
    assert len(arrays_of(out)) == 2


class Cluster(NamedTuple):
    address: str
    scheduler: subprocess.Popen


@contextmanager
def started_by_hand(folder: Path, code: Path, *words: str, workers: int, **environment: str) -> Iterator[Cluster]:
    """A Dask scheduler and its workers; `words` go to the scheduler."""
    surroundings = os.environ | environment | {"PYTHONPATH": os.pathsep.join([str(code), *sys.path])}
    processes = []

    def start(*words: str) -> None:
        call = [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--no-dashboard"]
        said = subprocess.DEVNULL
        processes.append(subprocess.Popen(call, env=surroundings, cwd=folder, stdout=said, stderr=said))

    file = folder / "scheduler.json"
    try:
        start("scheduler", "--port", "0", "--scheduler-file", str(file), *words)
        wait_until(lambda: read(file).rstrip().endswith("}"))  # the whole of it
        address = json.loads(file.read_text())["address"]
        for _ in range(workers):
            start("worker", address, "--nthreads", "1")
        yield Cluster(address, processes[0])
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path, code) -> Iterator[Cluster]:
    """Part 1 takes its two workers some seconds."""
    logged = {"FAKE_LOG": str(tmp_path / "log"), "FAKE_SLEEP": "3", "FAKE_SLEEPER": "1"}
    with started_by_hand(tmp_path, code, workers=2, **logged) as cluster:
        yield cluster


@pytest.mark.slow
def test_workers_started_by_hand_compute_the_same_though_one_is_killed(code, expected, cluster, tmp_path):
    log, out = tmp_path / "log", tmp_path / "out"
    words = [*command(code, SIDE_BY_SIDE), "run", *NAMES, "--out", str(out), "--scheduler", cluster.address]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(words, stderr=said, stdout=subprocess.DEVNULL)
    wait_until(lambda: "part 1 " in read(log))
    (child,) = re.findall(r"part 1 (\d+)", read(log))
    worker = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(worker, signal.SIGKILL)
    assert process.wait(60) == 0, read(tmp_path / "said")
    wait_until(lambda: not Path(f"/proc/{child}").exists())  # a child ends with its worker
    assert arrays_of(out) == expected
    assert read(log).count("part 1 ") == 2
    assert "warning: only a few samples" in read(tmp_path / "said")


@pytest.mark.slow
def test_a_scheduler_that_goes_is_told_in_one_sentence(code, cluster, tmp_path):
    log, out = tmp_path / "log", tmp_path / "out"
    words = [*command(code, SIDE_BY_SIDE), "run", *NAMES, "--out", str(out), "--scheduler", cluster.address]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(words, stderr=said, stdout=subprocess.DEVNULL)
    wait_until(lambda: "part 1 " in read(log))
    cluster.scheduler.kill()
    assert process.wait(60) == 1
    said = read(tmp_path / "said")
    assert "Traceback" not in said
    sentence = (
        rf"error: the scheduler at {cluster.address} (has gone|cannot compute stage '[^']+' of .+); the same command"
    )
    assert re.match(sentence, said.splitlines()[-1])


@pytest.fixture
def certified(tmp_path) -> dict[str, str]:
    """Dask's own settings for one certificate, which scheduler, workers and command share."""
    certificate, key = (str(tmp_path / name) for name in ("certificate.pem", "key.pem"))
    call = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test".split()
    subprocess.run([*call, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    settings = {"CA_FILE": certificate}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings |= {f"{role}__CERT": certificate, f"{role}__KEY": key}
    return {f"DASK_DISTRIBUTED__COMM__TLS__{name}": value for name, value in settings.items()}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here to make a certificate")
def test_certificates_of_the_dask_configuration_are_used(code, expected, certified, tmp_path):
    words = [*command(code, SIDE_BY_SIDE), "run", "fake_fig1"]
    with started_by_hand(tmp_path, code, "--protocol", "tls", workers=1, **certified) as cluster:
        assert cluster.address.startswith("tls://")
        done = run(words, "--out", str(tmp_path / "out"), "--scheduler", cluster.address, **certified)
        without = run(words, "--out", str(tmp_path / "other"), "--scheduler", cluster.address)
    assert done.returncode == 0, done.stderr
    assert arrays_of(tmp_path / "out").items() <= expected.items()
    assert len(arrays_of(tmp_path / "out")) == 1
    assert without.returncode == 2
    assert without.stderr.splitlines()[-1].startswith(f"error: no Dask scheduler answers at '{cluster.address}': ")


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def processes_with(word: str) -> list[str]:
    """Those whose command line or environment mentions `word`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in text:
            found.append(folder.name)
    return found
