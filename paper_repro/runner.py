"""From names to stored results: what is asked for is checked first, then computed, drawn and kept."""

import gc
import importlib.metadata
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import figures
from paper_repro.addresses import Address, address_of, data_digest
from paper_repro.errors import UserError
from paper_repro.progress import Progress
from paper_repro.store import Checkpoints, Store, StoredResult

PACKAGES = (
    "diffusion-learning-theory",
    "jax",
    "jaxlib",
    "numpy",
    "scipy",
    "equinox",
    "optax",
    "diffrax",
    "matplotlib",
)

# Compiled functions keep memory maps of their own, and the compiler crashes when a process has 65,530. One figure needs
# less than half of that; what the next ones use again is worth keeping.
MOST_MEMORY_MAPS = 25_000


@dataclass(frozen=True)
class Job:
    """One figure at one preset, seed and data set."""

    figure: str
    preset: str
    seed: int
    config: Any
    module: ModuleType
    address: Address
    data_name: str | None

    @property
    def expected_seconds(self) -> float:
        """From the table of figures."""
        return figures.FIGURES[self.figure].seconds[self.preset]


def load_figure(name: str) -> ModuleType:
    """The figure's module; 64-bit numbers and drawing without a screen are turned on before the import."""
    import jax
    import matplotlib

    jax.config.update("jax_enable_x64", True)
    matplotlib.use("Agg")
    return figures.load(name)


def check_names(names: Sequence[str], preset: str | None) -> list[str]:
    """The names without repetition. Raises UserError for an unknown figure or preset."""
    for name in names:
        if name not in figures.FIGURES:
            close = get_close_matches(name, figures.FIGURES, n=1)
            hint = f"; did you mean {close[0]!r}" if close else ""
            known = ", ".join(figures.FIGURES)
            raise UserError(f"unknown figure {name!r}{hint}{'? K' if hint else '; k'}nown figures: {known}")
        presets = figures.FIGURES[name].seconds
        if preset is not None and preset not in presets:
            raise UserError(f"unknown preset {preset!r}; {name} has {', '.join(presets)}")
    return list(dict.fromkeys(names))


def default_names() -> list[str]:
    """The figures that run when none is named."""
    return [name for name, entry in figures.FIGURES.items() if not entry.on_request]


def check_data(names: Sequence[str], data: str | None) -> None:
    """Raises UserError where `--data` does not fit the figures or is not there."""
    if data is None:
        return
    accepting = ", ".join(name for name, entry in figures.FIGURES.items() if entry.accepts_data)
    if len(names) != 1:
        raise UserError(f"--data needs the name of exactly one figure that accepts it: {accepting}")
    if not figures.FIGURES[names[0]].accepts_data:
        raise UserError(f"{names[0]} does not accept --data; figures that do: {accepting}")
    if not os.path.exists(data):
        raise UserError(f"data file {data!r} does not exist")
    if not (os.path.isfile(data) or os.path.isdir(data)):
        raise UserError(f"data {data!r} is neither a file nor a folder")


def check_writable(out: Path) -> None:
    """Raises UserError where results cannot be written under `out`. Leaves nothing behind."""
    for folder in (out, out / "store", out / "figures"):
        existing = next((path for path in (folder, *folder.parents) if _exists(path)), folder)
        if not existing.is_dir():
            raise UserError(f"cannot write results to {str(out)!r}: {str(existing)!r} is not a folder")
        try:
            with tempfile.TemporaryFile(dir=existing):
                pass
        except OSError as error:
            raise UserError(f"cannot write results to {str(out)!r}: {error.strerror}") from error


def _exists(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except OSError as error:
        raise UserError(f"cannot write results to {str(path)!r}: {error.strerror}") from error


def plan(names: Sequence[str], preset: str, seed: int, data: str | None) -> list[Job]:
    """The jobs for figures that `check_names` has passed. Raises UserError for data that a figure rejects."""
    return [_job(name, preset, seed, data) for name in names]


def _job(name: str, preset: str, seed: int, data: str | None) -> Job:
    module = load_figure(name)
    config = module.PRESETS[preset]
    if data is not None:
        config = replace(config, data=data)
    try:
        if hasattr(module, "check"):
            module.check(config)
        data_sha256 = None if data is None else data_digest(Path(data))
    except ValueError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"data {data!r} cannot be read: {error.strerror}") from error
    data_name = None if data is None else Path(data).name
    return Job(name, preset, seed, config, module, address_of(name, preset, config, seed, data_sha256), data_name)


def spare_the_collector() -> None:
    """Collect garbage less often: tracing makes and drops millions of small objects, and no cycles worth a sixth of
    the run."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def complete(job: Job, store: Store, progress: Progress) -> StoredResult:
    """The job's result: from the store, or computed from its last checkpoint on and stored.

    Raises UserError where the file system refuses.
    """
    stored = store.load(job.address)
    if stored is not None:
        store.mark_as_newest(job.address)
        progress.done(job.figure, stored=True)
        return stored
    import jax

    start = time.perf_counter()
    checkpoints = Checkpoints(store.partial(job.address), job.figure, progress)
    arrays = job.module.compute(job.config, key=jax.random.key(job.seed), stage=checkpoints)
    seconds = time.perf_counter() - start
    result = store.save(job.address, arrays, _provenance(job, seconds, checkpoints.resumed))
    if _memory_maps() > MOST_MEMORY_MAPS:
        jax.clear_caches()
    progress.done(job.figure, stored=False)
    return result


def _memory_maps() -> int:
    """How many memory maps this process has; 0 where the system does not say."""
    try:
        return Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        return 0


def _provenance(job: Job, seconds: float, resumed: list[str]) -> dict[str, Any]:
    return {
        "figure": job.figure,
        "preset": job.preset,
        "seed": job.seed,
        "config": asdict(job.config) | ({} if job.data_name is None else {"data": job.data_name}),
        "data_sha256": job.address.data_sha256,
        "code_version": job.address.code_version,
        "wall_seconds": round(seconds, 3),
        "stages_from_checkpoints": resumed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
            found[package] = "not installed"
    return found


def is_current(provenance: dict[str, Any], module: ModuleType) -> bool:
    """Whether today's code and presets would give this stored result."""
    try:
        config = module.PRESETS[provenance["preset"]]
        data = provenance["data_sha256"]
        address = address_of(provenance["figure"], provenance["preset"], config, provenance["seed"], data)
    except KeyError:
        return False
    return address.digest == provenance.get("digest")
