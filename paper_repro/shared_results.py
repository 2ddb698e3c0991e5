"""What several figures need, such as trained networks: computed by the first that asks, and stored under what it is.

    OUT/store/<kind of work>/<digest>/arrays.npz, provenance.json

A result that a killed run has left unfinished goes on with the figure that began it, among whose checkpoints it is.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from figures.common.stages import Arrays, SharedWork
from paper_repro.addresses import Address
from paper_repro.code_version import module_version
from paper_repro.computing import Surroundings
from paper_repro.engines import Engine
from paper_repro.store import Store, StoredResult

# The provenance of a shared result but for its address and the time it took.
Provenance = Callable[[], dict[str, Any]]


def address_of_shared(work: SharedWork, surroundings: Surroundings) -> Address:
    """Of whatever figure, preset and seed: what these decide is in `decided_by`.

    Part of it are the surroundings, as for checkpoints: a figure's numbers all come from the same.
    """
    config = dict(work.decided_by) | {"surroundings": asdict(surroundings)}
    return Address(work.name, "", config, 0, None, module_version(work.module))


def complete_shared(
    works: Sequence[SharedWork],
    compute: Callable[[Sequence[int]], Sequence[Arrays]],
    store: Store,
    engine: Engine,
    provenance: Provenance,
) -> list[StoredResult]:
    """Each work's result: from the store, or from `compute` with the places of those that are missing there.

    Results that another thread of this command is computing are waited for, after our own are done; a thread that waits
    holds nothing that another waits for, and lends its worker.
    """
    addresses = [address_of_shared(work, engine.surroundings) for work in works]
    locks = [store.lock(address) for address in addresses]
    found: dict[int, StoredResult] = {}

    def complete(places: Sequence[int]) -> None:
        stored = {place: store.load(addresses[place]) for place in places}
        found.update({place: result for place, result in stored.items() if result is not None})
        missing = [place for place in places if place not in found]
        if not missing:
            return
        start = time.perf_counter()
        computed = compute(missing)
        seconds = round(time.perf_counter() - start, 3)  # of all of them: they may share stages
        for place, arrays in zip(missing, computed, strict=True):
            record = asdict(addresses[place]) | {"wall_seconds": seconds} | provenance()
            found[place] = store.save(addresses[place], arrays, record)

    ours = [place for place, lock in enumerate(locks) if lock.acquire(blocking=False)]
    try:
        complete(ours)
    finally:
        for place in ours:
            locks[place].release()
    for place in range(len(works)):
        if place not in ours:
            with engine.lent():
                locks[place].acquire()
            try:
                complete([place])
            finally:
                locks[place].release()
    return [found[place] for place in range(len(works))]
