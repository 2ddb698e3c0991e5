"""Checkpoints: the arrays of every finished stage, on disk until their figure is complete."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from figures.common.stages import Arrays, SharedWork, Stage
from paper_repro.addresses import Address
from paper_repro.archives import origin_of, unpack
from paper_repro.atomic import write_atomically
from paper_repro.computing import device
from paper_repro.engines import Engine
from paper_repro.progress import Progress
from paper_repro.shared_results import complete_shared
from paper_repro.store import Store, read_bytes

COSTS = ("device", "seconds", "processor_seconds", "peak_gigabytes")  # what provenance says of a stage


class Checkpoints:
    """A `RunStage` that stores the arrays of every finished stage and takes them from there the next time."""

    def __init__(self, store: Store, address: Address, engine: Engine, progress: Progress) -> None:
        self.store = store
        self.folder = store.partial(address)
        self.address = address
        self.engine = engine
        self.progress = progress
        self.origins: dict[str, dict[str, Any]] = {}  # of every stage so far
        self.resumed: list[str] = []
        self.shared_results: list[dict[str, Any]] = []  # which of them this figure has used, and what they cost

    def __call__(self, name: str, work: Callable[[], Mapping], *, share: float) -> Arrays:
        """Arrays of the stage. Raises ValueError for a name that this figure has used before."""
        return self.all([Stage(name, work, share)])[0]

    def all(self, stages: Sequence[Stage]) -> list[Arrays]:
        """Arrays of the stages, in their order. Raises ValueError for a name that this figure has used before."""
        figure = self.address.figure
        found: dict[str, Arrays] = {}
        missing = []
        for stage in stages:
            if stage.name in self.origins:
                raise ValueError(f"{figure} has two stages called {stage.name!r}")
            self.origins[stage.name] = {}
            stored = self._stored(stage)
            if stored is None:
                missing.append(stage)
            else:
                found[stage.name] = stored
                self.progress.start(figure, stage)
                self.progress.finish(figure, stage, None)
        for stage, archive in self.engine.compute(figure, self.address.code_version, missing, self.progress):
            write_atomically(self._path(stage), archive)
            # The arrays go through their stored form here too, so that a resumed run sees exactly the same.
            arrays = unpack(archive)
            assert arrays is not None
            found[stage.name] = arrays
            self.origins[stage.name] = origin_of(archive)
            self.progress.finish(figure, stage, self.origins[stage.name]["seconds"])
        return [found[stage.name] for stage in stages]

    def shared(self, works: Sequence[SharedWork], compute: Callable[[Sequence[int]], Sequence[Arrays]]) -> list[Arrays]:
        """Arrays of each work, stored for all figures; `compute` runs stages of this one for those that are missing."""
        before = set(self.origins)

        def provenance() -> dict[str, Any]:
            stages = {name: cost for name, cost in self._costs().items() if name not in before}
            return self._origin() | {"computed_for": self.address.figure, "stages": stages}

        results = complete_shared(works, compute, self.store, self.engine, provenance)
        self.shared_results += [
            {key: result.provenance[key] for key in ("figure", "digest", "computed_for", "stages")}
            for result in results
        ]
        return [result.arrays for result in results]

    def _stored(self, stage: Stage) -> Arrays | None:
        """What another run has left, unless another version of a package or other flags could have changed it."""
        archive = read_bytes(self._path(stage)) or b""
        arrays, origin = unpack(archive), origin_of(archive)
        here = asdict(self.engine.surroundings)
        if arrays is None or {key: origin.get(key) for key in here} != here:
            return None
        self.origins[stage.name] = origin
        self.resumed.append(stage.name)
        return arrays

    def _path(self, stage: Stage) -> Path:
        """A file name that is safe everywhere and differs for different stages."""
        readable = re.sub(r"[^A-Za-z0-9]+", "-", stage.name).strip("-")[:40]
        return self.folder / f"stage-{readable}-{hashlib.sha256(stage.name.encode()).hexdigest()[:8]}.npz"

    def provenance(self) -> dict[str, Any]:
        """When and where each stage was computed and for how long, and what they had in common."""
        used = {"shared_results": self.shared_results} if self.shared_results else {}
        return self._origin() | {"stages": self._costs()} | used

    def _costs(self) -> dict[str, dict[str, Any]]:
        return {name: {key: origin.get(key) for key in COSTS} for name, origin in self.origins.items()}

    def _origin(self) -> dict[str, Any]:
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "device": device(),
            "stages_from_checkpoints": self.resumed,
            **asdict(self.engine.surroundings),
        }
