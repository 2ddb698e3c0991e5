"""The process that computes stages for one thread: started with the right environment, ended with its parent.

A Dask worker, also one started by hand, has neither our compiler flags nor 64 bit, and both are read when JAX starts.
"""

import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection

import cloudpickle

from paper_repro.code_version import code_version
from paper_repro.computing import archive_of, spare_memory_maps, spare_the_collector, versions
from paper_repro.environment import forgive_incomplete_programs
from paper_repro.memory import lack_of_memory
from paper_repro.tasks import Outcome, Task, Warned

_POLL_SECONDS = 0.1
_LAST_LINES = 3


class ChildDied(Exception):
    """A process ended before it had answered; says how, and what it said last."""


class Abandoned(Exception):
    """Nobody waits for the answer any longer."""


class Child:
    """A process that computes one stage after the other, and keeps what it has compiled."""

    def __init__(self, command: str, environment: dict[str, str]) -> None:
        self.command = command
        self.channel, theirs = multiprocessing.Pipe()
        self.said = tempfile.TemporaryFile()  # what it prints, for the case that it dies
        # Not through multiprocessing: Dask's workers are daemonic there, which may have no children.
        program = (
            f"import sys; sys.path[:] = {sys.path!r}\nfrom paper_repro.children import serve; serve({theirs.fileno()})"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=self.said,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def ask(self, task: Task, is_abandoned: Callable[[], bool]) -> Outcome:
        """Raises ChildDied, and Abandoned once `is_abandoned`; the process has ended after either."""
        try:
            self.channel.send(task)
            while not self.channel.poll(_POLL_SECONDS):
                if is_abandoned():
                    self.end()
                    raise Abandoned
            return self.channel.recv()
        except (EOFError, OSError) as error:
            code = self.process.wait()
            last_words = self._last_words()
            self.end()
            raise ChildDied(f"{_ending(code)}{last_words}") from error

    def end(self) -> None:
        """Kill the process, if it is there, and forget what it said."""
        self.process.kill()
        self.process.wait()
        self.channel.close()
        self.said.close()

    def _last_words(self) -> str:
        self.said.seek(0, os.SEEK_END)
        self.said.seek(max(self.said.tell() - 2000, 0))
        lines = [line.strip() for line in self.said.read().decode(errors="replace").splitlines() if line.strip()]
        return f", and last said: {' / '.join(lines[-_LAST_LINES:])}" if lines else ""


def _ending(code: int) -> str:
    """`exit code 7`, `signal SIGSEGV`, or what SIGKILL usually means."""
    if code == -signal.SIGKILL:
        return "was killed by the system, probably for want of memory"
    if code < 0:
        return f"ended with signal {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def serve(descriptor: int) -> None:
    """Compute the stages that come through the channel until its other end is closed; the body of a child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told as well, and ends this process
    channel = Connection(descriptor)
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(channel, tasks), daemon=True).start()
    spare_the_collector()
    checked: set[str] = set()
    while True:
        task = tasks.get()
        channel.send(_outcome(task, checked))
        if task.figure in checked:
            spare_memory_maps()


def _receive(channel: Connection, tasks: "queue.SimpleQueue[Task]") -> None:
    """A parent that ends, however it does, closes the channel, and takes this process along."""
    try:
        while True:
            tasks.put(channel.recv())
    except (EOFError, OSError):
        os._exit(1)


def _outcome(task: Task, checked: set[str]) -> Outcome:
    if task.figure not in checked:  # before its code is imported here, so it is the code that will be
        refusal = _refusal(task)
        if refusal is not None:
            return Outcome(refusal=refusal)
        checked.add(task.figure)
    with warnings.catch_warnings(record=True) as caught:
        forgive_incomplete_programs()
        archive = failure = lack = None
        try:
            archive = archive_of(cloudpickle.loads(task.work), task.surroundings)
        except Exception as error:
            failure, lack = traceback.format_exc(), lack_of_memory(error)
    warned = tuple(Warned(str(one.message), one.category, one.filename, one.lineno) for one in caught)
    return Outcome(archive, warned, failure, lack)


def _refusal(task: Task) -> str | None:
    """What this process has in place of what the command has."""
    found = versions()
    for package, version in task.surroundings.versions.items():
        if found.get(package) != version:
            return f"{package} {found.get(package)} in place of {version}"
    try:
        same = code_version(task.package) == task.code_version
    except ValueError as error:
        return f"no code of {task.figure}: {error}"
    return None if same else f"other code of {task.figure} than this command began with"


_of_this_thread = threading.local()
_alive: set[Child] = set()


def compute_on_worker(task: Task) -> Outcome:
    """The outcome of a stage; what Dask's workers run. Raises ChildDied and Abandoned."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    worker.log_event(task.command, key)

    def is_abandoned() -> bool:  # the command, or the scheduler, has gone or given up
        state = worker.state.tasks.get(key)
        return state is None or state.state != "executing"

    child: Child | None = getattr(_of_this_thread, "child", None)
    if child is None or child not in _alive or child.command != task.command:
        _end(child)
        child = _of_this_thread.child = Child(task.command, task.surroundings.environment)
        _alive.add(child)
    try:
        return child.ask(task, is_abandoned)
    except (ChildDied, Abandoned):
        _alive.discard(child)
        raise


def end_children() -> None:
    """End the children of all threads of this process."""
    for child in list(_alive):
        _end(child)


def _end(child: Child | None) -> None:
    if child is not None and child in _alive:
        _alive.discard(child)
        child.end()
