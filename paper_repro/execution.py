"""Every figure that is asked for, from the store or computed: one after the other, or several at the same time."""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack

from paper_repro.computing import Surroundings
from paper_repro.engines import Here, HereOrTogether, OnDask, on_this_machine
from paper_repro.progress import Progress
from paper_repro.runner import Job, complete
from paper_repro.store import Store, StoredResult

LARGEST_NUMBER = 4  # a process of the paper preset can hold some gigabytes
_STARTING = 15.0  # expected seconds of work below which starting processes is not worth its own seconds


def complete_all(
    jobs: Sequence[Job],
    store: Store,
    progress: Progress,
    surroundings: Surroundings,
    *,
    scheduler: OnDask | None = None,
    dashboard: bool = False,
) -> Generator[tuple[Job, StoredResult], None, None]:
    """Every job with its result, in the order in which they are finished; see `runner.complete`.

    Raises UserError where the file system refuses or a process dies, and RuntimeError where a stage fails.
    """
    missing = [job for job in jobs if store.load(job.address) is None]
    here = Here(surroundings)
    for job in jobs:
        if job not in missing:
            yield job, complete(job, store, progress, here)
    processes = _number_of_processes(missing)
    with ExitStack() as stack:
        if scheduler is not None:
            engine, number = scheduler, max(scheduler.number_of_workers(), LARGEST_NUMBER)
        elif processes > 1:
            together = on_this_machine(processes, surroundings, dashboard=dashboard)
            number = processes
            if len(missing) == 1 and not dashboard:
                engine = HereOrTogether(here, together, stack)
            else:
                engine = stack.enter_context(together)
        else:
            engine, number = here, 1
        if isinstance(engine, OnDask) and min(number, len(missing)) > 1:
            yield from _side_by_side(missing, number, store, progress, engine)
        else:
            for job in missing:
                yield job, complete(job, store, progress, engine)


def _number_of_processes(jobs: Sequence[Job]) -> int:
    """One per core of a CPU that is ours, up to four; one where a device's memory would have to be shared."""
    import jax

    if sum(job.expected_seconds for job in jobs) < _STARTING or jax.default_backend() != "cpu":
        return 1
    if os.name == "nt":  # a child inherits its end of a channel, which Windows does not offer
        return 1
    return min(cores(), LARGEST_NUMBER)


def cores() -> int:
    """Those that this process may use: fewer than there are under `taskset`, or in a job of a cluster."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _side_by_side(
    jobs: Sequence[Job], number: int, store: Store, progress: Progress, engine: OnDask
) -> Generator[tuple[Job, StoredResult], None, None]:
    """Each figure's `compute` in a thread, which mostly waits for stages."""
    engine.figures_left = len(jobs)

    def finish(job: Job) -> StoredResult:
        try:
            return complete(job, store, progress, engine)
        finally:
            engine.finish_figure()

    with ThreadPoolExecutor(number) as threads:
        # The longest first, so that none is left alone at the end.
        by_length = sorted(jobs, key=lambda job: -job.expected_seconds)
        results = {threads.submit(finish, job): job for job in by_length}
        try:
            for result in as_completed(results):
                yield results[result], result.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            engine.give_up()
            raise
