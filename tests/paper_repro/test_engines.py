"""Where stages are computed: what comes back, and what is said when it does not."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import numpy as np
import psutil
import pytest

import figures
from figures.common.stages import Stage
from paper_repro.archives import origin_of, unpack
from paper_repro.children import _outcome
from paper_repro.code_version import code_version
from paper_repro.computing import Surroundings, versions
from paper_repro.engines import Here, OnDask, on_this_machine
from paper_repro.environment import environment_of
from paper_repro.errors import UserError
from paper_repro.tasks import Task, pickled
from tests import fake_figures
from tests.compilation import XLA_FLAGS

NAME = "fake_of_engines"


class Recorder:
    """A `Progress` that remembers."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, figure: str, stage: Stage) -> None:
        self.started.append(stage.name)

    def finish(self, figure: str, stage: Stage, seconds: float | None) -> None: ...

    def done(self, figure: str, stored: bool) -> None: ...

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def version(tmp_path_factory) -> Iterator[str]:
    """The code version of a fake figure, registered for this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("code")
        fake_figures.write(folder, NAME)
        fake_figures.register(patch, folder, NAME)
        yield code_version(figures.FIGURES[NAME].package)


@pytest.fixture(scope="module")
def surroundings() -> Surroundings:
    """Those of this process, so that it computes the same."""
    return Surroundings(environment_of("paper") | {"XLA_FLAGS": XLA_FLAGS}, versions())


@pytest.fixture(scope="module")
def engine(version, surroundings) -> Iterator[OnDask]:
    with on_this_machine(2, surroundings, dashboard=False) as engine:
        yield engine


@pytest.fixture(scope="module")
def compute(engine, version) -> Callable[..., dict[str, bytes]]:
    def compute(**works) -> dict[str, bytes]:
        stages = [Stage(name, work, 0.1) for name, work in works.items()]
        return {stage.name: archive for stage, archive in engine.compute(NAME, version, stages, Recorder())}

    return compute


def test_arrays_and_their_origin_are_those_of_this_process(engine, version, surroundings):
    key, float32 = jax.random.key(3), np.linspace(0.0, 1.0, 7, dtype=np.float32)

    def draw(key, float32):  # typed keys, and arrays of any type, arrive as they are
        import jax.numpy as jnp

        return {"noise": jax.random.normal(key, (50,)), "sum": jnp.sum(float32), "float32": jnp.exp(float32)}

    stages = [Stage(f"stage {i}", partial(draw, jax.random.fold_in(key, i), float32), 0.2) for i in range(4)]
    progress = Recorder()
    there = {stage.name: archive for stage, archive in engine.compute(NAME, version, stages, progress)}
    here = {stage.name: archive for stage, archive in Here(surroundings).compute(NAME, version, stages, Recorder())}
    assert there.keys() == here.keys()
    for name in here:
        ours, theirs = unpack(here[name]), unpack(there[name])
        assert ours is not None
        assert theirs is not None
        for array in ours:
            assert (ours[array].dtype, ours[array].tobytes()) == (theirs[array].dtype, theirs[array].tobytes())
        origins = origin_of(here[name]), origin_of(there[name])
        assert origins[0]["device"] == origins[1]["device"]
        assert all(origin["versions"] == versions() for origin in origins)
        assert all(origin["environment"] == surroundings.environment for origin in origins)
    assert sorted(progress.started) == sorted(there)


def test_a_process_has_its_flags_and_precision_from_the_start(compute, surroundings):
    def look():
        import jax.numpy as jnp

        flags = [os.environ[name] for name in sorted(surroundings.environment)]
        return {"flags": np.array(flags), "float": jnp.ones(1), "process": np.array(os.getpid())}

    first, second = (unpack(compute(look=look)["look"]) for _ in range(2))
    assert first is not None
    assert second is not None
    assert list(first["flags"]) == [surroundings.environment[name] for name in sorted(surroundings.environment)]
    assert first["float"].dtype == np.float64
    assert first["process"] == second["process"] != os.getpid()  # the one that has compiled the programs


@pytest.mark.slow
def test_a_figure_that_waits_for_another_lends_its_worker(engine, compute, monkeypatch):
    """With a figure for every worker stages of one keep to one process, unless the other waits."""

    def look():
        time.sleep(0.4)
        return {"process": np.array(os.getpid())}

    def processes():
        found = [unpack(archive) for archive in compute(one=look, two=look, three=look, four=look).values()]
        return {int(arrays["process"]) for arrays in found}

    monkeypatch.setattr(engine, "figures_left", 2)
    assert len(processes()) == 1
    with engine.lent():
        assert len(processes()) == 2
    assert len(processes()) == 1


def test_a_stage_that_ends_its_process_once_is_computed_again(compute, tmp_path):
    def end_once(marker: Path):
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"x": np.ones(3)}

    arrays = unpack(compute(once=partial(end_once, tmp_path / "marker"))["once"])
    assert arrays is not None
    np.testing.assert_array_equal(arrays["x"], 1.0)


def exit_with_7():
    import sys

    print("first line\nno space left", file=sys.stderr)
    os._exit(7)


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (exit_with_7, "ended with exit code 7, and last said: first line / no space left"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by the system, probably for want of memory"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "ended with signal SIGSEGV"),
    ],
)
def test_a_stage_that_ends_every_process_gets_one_sentence(compute, work, words):
    with pytest.raises(UserError) as caught:
        compute(deadly=work)
    assert str(caught.value).startswith(f"the process of stage 'deadly' of {NAME} {words}")
    assert str(caught.value).endswith("; the same command goes on from the last finished stages")
    assert caught.value.exit_code == 1


def too_large_for_numpy():
    return {"x": np.empty(2**58)}


def too_large_for_xla():
    return {"x": jax.jit(lambda: jax.numpy.zeros(2**50))()}


@pytest.mark.parametrize(
    ("work", "words"), [(too_large_for_numpy, "Unable to allocate"), (too_large_for_xla, "Out of memory allocating")]
)
def test_memory_that_cannot_be_had_is_one_sentence(compute, work, words):
    sentence = rf"stage 'large' of {NAME} needs more memory than there is \({words} [^\n]*\); the same command goes on"
    with pytest.raises(UserError, match=sentence) as caught:
        compute(large=work)
    assert caught.value.exit_code == 1
    with pytest.raises(UserError, match=sentence):
        list(Here(Surroundings({}, versions())).compute(NAME, "", [Stage("large", work, 1.0)], Recorder()))


def test_an_exception_comes_with_its_traceback_and_is_not_tried_again(compute, tmp_path):
    def fail(log: Path):
        with log.open("a") as stream:
            stream.write("called\n")
        raise ValueError("lost the thread")

    with pytest.raises(RuntimeError, match="stage 'bad' of fake_of_engines failed:(?s:.*)in fail\n(?s:.*)lost the thr"):
        compute(bad=partial(fail, tmp_path / "log"))
    assert (tmp_path / "log").read_text() == "called\n"


def test_warnings_of_a_stage_reach_the_caller(compute):
    def warn():
        warnings.warn("only a few samples", stacklevel=1)
        return {}

    for _ in range(2):
        with pytest.warns(UserWarning, match="only a few samples"):
            compute(warn=warn)


def test_work_that_cannot_be_sent_is_named(compute):
    with pytest.raises(TypeError, match="stage 'lock' of fake_of_engines must be picklable"):
        compute(lock=partial(print, threading.Lock()))


def test_no_port_is_open_on_this_machine(engine):
    assert engine._client.nthreads()  # Dask has opened ports by now
    assert psutil.CONN_LISTEN not in {each.status for each in psutil.Process().net_connections("tcp")}


def test_stages_in_hand_end_where_the_command_gives_up(version, surroundings, tmp_path):
    def sleep(log: Path):
        log.write_text(str(os.getpid()))
        time.sleep(60)

    with on_this_machine(2, surroundings, dashboard=False) as engine:
        works = [Stage(name, partial(sleep, tmp_path / name), 0.5) for name in "ab"]

        def compute():
            with pytest.raises(UserError):
                list(engine.compute(NAME, version, works, Recorder()))

        thread = threading.Thread(target=compute)
        thread.start()
        while not all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in "ab"):
            time.sleep(0.05)
        engine.give_up()
        thread.join(10)
        assert not thread.is_alive()
        children = [int((tmp_path / name).read_text()) for name in "ab"]
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(UserError, match="ended the command"):
            list(engine.compute(NAME, version, works, Recorder()))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"code_version": "0"}, f"other code of {NAME} than this command began with"),
        ({"package": "fakes.absent"}, f"no code of {NAME}: the module fakes.absent.experiment does not exist"),
        ({"surroundings": Surroundings({}, {"jax": "0.1"})}, f"jax {versions()['jax']} in place of 0.1"),
        ({}, None),
    ],
)
def test_a_process_that_would_compute_something_else_refuses(version, surroundings, changes, refusal):
    work = pickled(NAME, Stage("one", lambda: {}, 1.0))
    task = Task("command", NAME, figures.FIGURES[NAME].package, version, "one", work, surroundings)
    assert _outcome(replace(task, **changes), set()).refusal == refusal


def test_a_refusal_is_one_sentence(engine):
    with pytest.raises(UserError, match="a worker of this machine has other code of (.*); every worker needs"):
        list(engine.compute(NAME, "another version", [Stage("one", dict, 1.0)], Recorder()))
