"""Where stages are computed: here one after the other, or at the same time by Dask's workers, each with a child."""

import asyncio
import logging
import sys
import threading
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import figures
from figures.common.stages import Stage
from paper_repro.children import ChildDied, compute_on_worker, end_children
from paper_repro.computing import Surroundings, archive_of
from paper_repro.errors import UserError
from paper_repro.memory import lack_of_memory
from paper_repro.progress import Progress
from paper_repro.tasks import Outcome, Task, pickled

CONNECT_SECONDS = 5.0
# A stage takes its arrays along, and Dask would keep what it sent in its logs.
_SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "1 TB",
    "distributed.admin.low-level-log-length": 0,
}
_GOES_ON = "the same command goes on from the last finished stages"


class Engine(Protocol):
    """Computes stages."""

    @property
    def surroundings(self) -> Surroundings:
        """What every process that computes for it has."""
        ...

    def compute(
        self, figure: str, code_version: str, stages: Sequence[Stage], progress: Progress
    ) -> Iterator[tuple[Stage, bytes]]:
        """Each stage with the archive of its arrays, in the order in which they are finished."""
        ...

    def lent(self) -> AbstractContextManager[None]:
        """While it lasts, the figure of this thread waits for another's, to which it leaves its worker."""
        ...


@dataclass(frozen=True)
class Here:
    """In this process and thread."""

    surroundings: Surroundings

    def compute(
        self, figure: str, code_version: str, stages: Sequence[Stage], progress: Progress
    ) -> Iterator[tuple[Stage, bytes]]:
        """One after the other, in their order. Raises UserError for a stage that finds no memory."""
        del code_version
        for stage in stages:
            progress.start(figure, stage)
            try:
                archive = archive_of(stage.work, self.surroundings)
            except Exception as error:
                lack = lack_of_memory(error)
                if lack is not None:
                    raise _too_little_memory(figure, stage, lack) from error
                raise
            yield stage, archive

    def lent(self) -> AbstractContextManager[None]:
        """There is none."""
        return nullcontext()


@dataclass(frozen=True)
class HereOrTogether:
    """A single stage here; several that are handed over together by an engine that starts with the first of them."""

    here: Here
    together: AbstractContextManager[Engine]
    stack: ExitStack
    started: list[Engine] = field(default_factory=list)

    @property
    def surroundings(self) -> Surroundings:
        """The same for both."""
        return self.here.surroundings

    def compute(
        self, figure: str, code_version: str, stages: Sequence[Stage], progress: Progress
    ) -> Iterator[tuple[Stage, bytes]]:
        """See `Here` and `OnDask`."""
        if len(stages) < 2:
            yield from self.here.compute(figure, code_version, stages, progress)
            return
        if not self.started:
            self.started.append(self.stack.enter_context(self.together))
        yield from self.started[0].compute(figure, code_version, stages, progress)

    def lent(self) -> AbstractContextManager[None]:
        """A single figure waits for no other."""
        return nullcontext()


class OnDask:
    """By the workers of a Dask scheduler.

    The stages of one thread, and so of one figure at a time, prefer one worker, whose child has what it compiled. As
    long as there is a figure for every worker they go there one by one; from then on all at once, and so they do while
    a figure waits for another. Dask's work stealing gives what waits to a worker that has nothing to do.
    """

    def __init__(self, client: Any, surroundings: Surroundings, where: str) -> None:
        self.surroundings = surroundings
        self.where = where  # for sentences
        self.figures_left = 1  # counted down by `finish_figure`
        self._figures_waiting = 0
        self._client = client
        self._command = uuid.uuid4().hex
        self._threads = threading.local()
        self._number_of_threads = 0
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[str, Stage, Progress]] = {}  # by key, until they start
        self._unfinished: set[Any] = set()
        self._given_up = False
        client.subscribe_topic(self._command, self._has_started)

    def compute(
        self, figure: str, code_version: str, stages: Sequence[Stage], progress: Progress
    ) -> Iterator[tuple[Stage, bytes]]:
        """All at the same time, as far as there are workers.

        Raises UserError for a stage whose process ends twice or finds no memory and for workers that lack what it
        needs, and RuntimeError with the traceback of an exception that the stage raised.
        """
        from distributed import as_completed

        by_key = {f"{figure}-{uuid.uuid4().hex}": stage for stage in stages}
        self._waiting |= {key: (figure, stage, progress) for key, stage in by_key.items()}
        unsubmitted, futures = list(by_key), []
        completed = as_completed(loop=self._client.loop)

        def submit_more() -> None:
            if self._given_up:
                raise UserError("another figure has ended the command", exit_code=1)
            if not unsubmitted:
                return
            workers = sorted(self._threads_of_workers())
            to_each_its_own = self.figures_left >= len(workers) and not self._figures_waiting
            now = unsubmitted[:1] if to_each_its_own else unsubmitted[:]
            del unsubmitted[: len(now)]
            home = self._home(workers)
            submitted = [self._submit(figure, code_version, key, by_key[key], home) for key in now]
            futures.extend(submitted)
            self._unfinished.update(submitted)
            completed.update(submitted)

        try:
            submit_more()
            for future in completed:
                self._unfinished.discard(future)
                submit_more()
                stage = by_key[future.key]
                self._has_started((0.0, future.key))
                outcome = self._outcome(future, figure, stage)
                for one in outcome.warned:
                    warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
                if outcome.lack is not None:
                    raise _too_little_memory(figure, stage, outcome.lack)
                if outcome.traceback is not None:
                    raise RuntimeError(f"stage {stage.name!r} of {figure} failed:\n{outcome.traceback}")
                if outcome.archive is None:
                    raise UserError(f"a worker of {self.where} has {outcome.refusal}; every worker needs the same")
                yield stage, outcome.archive
        finally:
            for key in by_key:
                self._waiting.pop(key, None)
            self._cancel(set(futures) & self._unfinished)

    def finish_figure(self) -> None:
        """One of `figures_left` is done: stages of the others may go anywhere once there are fewer than workers."""
        with self._lock:
            self.figures_left -= 1

    @contextmanager
    def lent(self) -> Iterator[None]:
        """See `Engine`."""
        with self._lock:
            self._figures_waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._figures_waiting -= 1

    def give_up(self) -> None:
        """Let every thread that waits in `compute`, or comes there, raise; the workers end what they do for it."""
        self._given_up = True
        self._cancel(set(self._unfinished))

    def number_of_workers(self) -> int:
        """How many stages can be computed at the same time."""
        return sum(self._threads_of_workers().values())

    def _threads_of_workers(self) -> dict[str, int]:
        """By their addresses. Raises UserError for a scheduler that has gone."""
        try:
            return self._client.nthreads()
        except Exception as error:  # a timeout, a closed connection, or what they have become in Dask
            raise UserError(f"{self.where} has gone; {_GOES_ON}", exit_code=1) from error

    def _cancel(self, futures: set[Any]) -> None:
        self._unfinished -= futures
        if futures:
            with suppress(Exception):  # a scheduler that has gone computes nothing
                self._client.cancel(list(futures))

    def _submit(self, figure: str, code_version: str, key: str, stage: Stage, home: str | None) -> Any:
        preference = {} if home is None else {"workers": [home], "allow_other_workers": True}
        package, work = figures.FIGURES[figure].package, pickled(figure, stage)
        task = Task(self._command, figure, package, code_version, stage.name, work, self.surroundings)
        # Only a child that dies raises there: what the work raises is part of the outcome, and not tried again.
        return self._client.submit(compute_on_worker, task, key=key, retries=1, **preference)

    def _home(self, workers: Sequence[str]) -> str | None:
        """The one of these workers that this thread prefers, as long as their number stays."""
        with self._lock:
            if not hasattr(self._threads, "number"):
                self._threads.number = self._number_of_threads
                self._number_of_threads += 1
        return workers[self._threads.number % len(workers)] if workers else None

    def _has_started(self, event: tuple[float, str]) -> None:
        """Shown once, whether Dask's event or the result itself comes first."""
        waiting = self._waiting.pop(event[1], None)
        if waiting is not None:
            figure, stage, progress = waiting
            progress.start(figure, stage)

    def _outcome(self, future: Any, figure: str, stage: Stage) -> Outcome:
        from distributed import CancelledError, KilledWorker

        what = f"stage {stage.name!r} of {figure}"
        try:
            return future.result()
        except ChildDied as error:
            sentence = f"the process of {what} {error}"
        except KilledWorker as error:
            sentence = f"every worker that was given {what} has ended, the last at {error.last_worker.address}"
        except CancelledError:
            sentence = f"{self.where} has gone"
        except Exception as error:  # of Dask's own: what the stage raises is part of its outcome
            sentence = f"{self.where} cannot compute {what}: {error}"
        raise UserError(f"{sentence}; {_GOES_ON}", exit_code=1)


def _too_little_memory(figure: str, stage: Stage, lack: str) -> UserError:
    sentence = f"stage {stage.name!r} of {figure} needs more memory than there is ({lack}); {_GOES_ON}"
    return UserError(sentence, exit_code=1)


@contextmanager
def on_this_machine(number: int, surroundings: Surroundings, *, dashboard: bool) -> Iterator[OnDask]:
    """Workers in threads of this process, each with a child.

    They talk through memory. Dask opens ports for its pages all the same, on the loopback: they are closed at once
    unless `dashboard`.
    """
    import dask
    from distributed import Client, LocalCluster

    _silence()
    loopback = "127.0.0.1:0"
    # A command that was suspended (Ctrl-Z) has given no sign of life for long, and would wait for ever for workers that
    # Dask has given up.
    living = {"distributed.scheduler.worker-ttl": None}
    settings = _SETTINGS | {"distributed.scheduler.work-stealing-interval": "100ms"} | living
    try:
        with (
            dask.config.set(settings),
            LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                processes=False,
                memory_limit=None,  # of this process, which computes nothing
                dashboard_address=loopback,
                worker_dashboard_address=loopback,
                silence_logs=False,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            if dashboard:
                port = client.scheduler_info()["services"]["dashboard"]
                print(f"dashboard: http://127.0.0.1:{port}/status", file=sys.stderr)
            else:
                client.sync(_close_ports, client.cluster)
            yield OnDask(client, surroundings, "this machine")
    finally:
        end_children()


async def _close_ports(cluster: Any) -> None:
    for node in (cluster.scheduler, *cluster.workers.values()):
        node.http_server.stop()


@contextmanager
def on_scheduler(address: str, surroundings: Surroundings) -> Iterator[OnDask]:
    """The workers of a scheduler that runs already, with the user's Dask configuration (TLS).

    Raises UserError where none answers.
    """
    import dask
    from distributed import Client

    _silence()
    with dask.config.set(_SETTINGS):
        _check_scheduler(address)
        with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
            if not client.nthreads():
                print(f"note: no worker has joined {address} yet; waiting for one", file=sys.stderr)
            yield OnDask(client, surroundings, f"the scheduler at {address}")


def _check_scheduler(address: str) -> None:
    """Greet the scheduler. A `Client` that finds none goes on complaining for seconds."""
    from distributed import Security
    from distributed.comm import connect

    async def greet() -> None:
        comm = await connect(address, timeout=CONNECT_SECONDS, **Security().get_connection_args("client"))
        await comm.close()

    try:
        asyncio.run(asyncio.wait_for(greet(), 2 * CONNECT_SECONDS))
    except Exception as error:  # whatever another server's answer makes of Dask's greeting
        reason = str(error) or type(error).__name__
        raise UserError(f"no Dask scheduler answers at {address!r}: {reason}") from error


def _silence() -> None:
    """What Dask has to say goes to the user in sentences of ours."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
