"""Several figures at once, each in a process of its own.

Small networks leave most of the time to tracing and compiling, which keep one core busy whatever the machine has.
"""

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from paper_repro.compiler import ONE_THREAD, set_flags
from paper_repro.errors import UserError
from paper_repro.progress import Progress
from paper_repro.runner import Job, complete, plan, spare_the_collector
from paper_repro.store import Store, StoredResult

LARGEST_NUMBER = 4  # a process of the paper preset can hold some gigabytes
_STARTING = 15.0  # expected seconds of work below which starting processes is not worth its own seconds


def complete_all(
    jobs: Sequence[Job], out: Path, store: Store, progress: Progress
) -> Iterator[tuple[Job, StoredResult]]:
    """Every job with its result, in the order in which they are finished; see `runner.complete`.

    Raises UserError where the file system refuses, and RuntimeError where a process fails, with what it said.
    """
    missing = [job for job in jobs if store.load(job.address) is None]
    number = _number_of_processes(missing)
    if number < 2:
        for job in jobs:
            yield job, complete(job, store, progress)
        return
    for job in jobs:
        if job not in missing:
            yield job, complete(job, store, progress)
    # The longest first, so that none is left alone at the end.
    for job in _by_processes(sorted(missing, key=lambda job: -job.expected_seconds), number, out, progress):
        result = store.load(job.address)
        if result is None:
            raise RuntimeError(f"the result of {job.figure} has been removed while it was waited for")
        yield job, result


def _number_of_processes(jobs: Sequence[Job]) -> int:
    """One per core on a CPU, up to four; one where a device's memory would have to be shared."""
    import jax

    if sum(job.expected_seconds for job in jobs) < _STARTING or jax.default_backend() != "cpu":
        return 1
    return min(len(jobs), os.cpu_count() or 1, LARGEST_NUMBER)


def _by_processes(jobs: Sequence[Job], number: int, out: Path, progress: Progress) -> Iterator[Job]:
    context = multiprocessing.get_context("spawn")  # a fork would copy JAX's locks, but not its threads
    tasks, messages = context.SimpleQueue(), context.Queue()
    for job in jobs:
        tasks.put((job.figure, job.preset, job.seed))
    for _ in range(number):
        tasks.put(None)
    flags = [ONE_THREAD] if number >= (os.cpu_count() or 1) else []
    processes = [context.Process(target=_work, args=(out, tasks, messages, flags), daemon=True) for _ in range(number)]
    by_name = {job.figure: job for job in jobs}
    try:
        for process in processes:
            process.start()
        while by_name:
            name, *arguments = _next_message(messages, processes)
            if name == "failed":
                raise arguments[0]
            getattr(progress, name)(*arguments)
            if name == "done":
                yield by_name.pop(arguments[0])
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _next_message(messages: Any, processes: Sequence[Any]) -> tuple:
    """The next message. Raises RuntimeError when a process has died without one."""
    while True:
        dead = [process.exitcode for process in processes if process.exitcode not in (None, 0)]
        try:
            return messages.get(timeout=0.5)
        except queue.Empty:
            if dead:
                raise RuntimeError(
                    f"a process that computed figures ended with exit code {dead[0]}; the same command goes on "
                    "from the last finished stages"
                ) from None


class _Messages:
    """A `Progress` that reports to the process that shows it."""

    def __init__(self, messages: Any) -> None:
        self.messages = messages

    def start(self, figure: str, stage: str, share: float) -> None:
        self.messages.put(("start", figure, stage, share))

    def finish(self, figure: str, seconds: float | None) -> None:
        self.messages.put(("finish", figure, seconds))

    def done(self, figure: str, stored: bool) -> None:
        self.messages.put(("done", figure, stored))

    def __enter__(self) -> "_Messages":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _work(out: Path, tasks: Any, messages: Any, flags: Sequence[str]) -> None:
    """Complete figures until none is left; the body of a process."""
    set_flags(*flags)  # read when JAX is first used, in `plan`
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told as well, and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    spare_the_collector()
    try:
        while (task := tasks.get()) is not None:
            name, preset, seed = task
            (job,) = plan([name], preset, seed, None)
            complete(job, Store(out), _Messages(messages))
    except UserError as error:
        messages.put(("failed", error))
    except Exception:
        messages.put(("failed", RuntimeError(traceback.format_exc())))


def _end_with_parent() -> None:
    """A killed parent takes its processes along."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
