"""From names to stored results: what is asked for is checked first, then computed, drawn and kept."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import figures
from paper_repro.addresses import Address, address_of
from paper_repro.checkpoints import Checkpoints
from paper_repro.computing import check_device, spare_memory_maps
from paper_repro.engines import Engine
from paper_repro.errors import UserError
from paper_repro.progress import Named, Progress
from paper_repro.store import Store, StoredResult
from paper_repro.users_data import GivenData, Told, check_format


@dataclass(frozen=True)
class Job:
    """One figure at one preset, seed and data set."""

    figure: str
    preset: str
    seed: int
    config: Any
    parts: figures.Figure
    address: Address
    data: GivenData | None
    name: str  # the figure's, with the seed where there are several

    @property
    def expected_seconds(self) -> float:
        """From the table of figures, whose times are of data of ours."""
        return figures.FIGURES[self.figure].seconds[self.preset]


def load_figure(name: str) -> figures.Figure:
    """The figure's parts; 64-bit numbers and drawing without a screen are turned on before the import.

    Raises UserError where JAX has no device to compute on.
    """
    import jax
    import matplotlib

    jax.config.update("jax_enable_x64", True)
    check_device()
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


def check_preset(preset: str | None) -> None:
    """Raises UserError for a preset that no figure has."""
    presets = dict.fromkeys(key for entry in figures.FIGURES.values() for key in entry.seconds)
    if preset is not None and preset not in presets:
        raise UserError(f"unknown preset {preset!r}; expected one of {', '.join(presets)}")


def default_names() -> list[str]:
    """The figures that run when none is named."""
    return [name for name, entry in figures.FIGURES.items() if not entry.on_request]


def check_data(names: Sequence[str], data: GivenData | None, seeds: Sequence[int]) -> None:
    """Raises UserError where `--data` and `--snapshots` do not fit the figures, are not there, or are not to be read.

    Snapshots are of one run of training, whatever the seed: they go with the seed 0 alone, lest equal results be pooled
    as independent ones.
    """
    if data is None:
        return
    accepting = ", ".join(name for name, entry in figures.FIGURES.items() if entry.accepts_data)
    if len(names) != 1:
        raise UserError(f"--data needs the name of exactly one figure that accepts it: {accepting}")
    if not figures.FIGURES[names[0]].accepts_data:
        raise UserError(f"{names[0]} does not accept --data; figures that do: {accepting}")
    wanted = figures.FIGURES[names[0]].accepts_snapshots
    if wanted and data.snapshots is None:
        raise UserError(f"{names[0]} needs --snapshots with --data: the folder of samples that your run wrote")
    if not wanted and data.snapshots is not None:
        with_snapshots = ", ".join(name for name, entry in figures.FIGURES.items() if entry.accepts_snapshots)
        raise UserError(f"{names[0]} does not accept --snapshots; figures that do: {with_snapshots}")
    if wanted and tuple(seeds) != (0,):
        raise UserError("--snapshots are of one run, in which no seed decides anything; expected no --seed or --seeds")
    check_format(data)


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


def plan(names: Sequence[str], preset: str, seeds: Sequence[int], data: GivenData | None, told: Told) -> list[Job]:
    """The jobs for figures that `check_names` has passed. Raises UserError for data that a figure rejects."""
    return [job for name in names for job in _jobs(name, preset, seeds, data, told)]


def _jobs(name: str, preset: str, seeds: Sequence[int], data: GivenData | None, told: Told) -> list[Job]:
    """A job for every seed; `told` hears of the user's data as they are looked at."""
    parts = load_figure(name)
    config = common = parts.experiment.PRESETS[preset]
    data_sha256 = None
    if data is not None:
        config = replace(config, **data.fields())
        with _sentences(data):
            data_sha256 = parts.experiment.check(config, told)
    # The hash stands for the data and how it is read, so a file may move.
    addresses = [address_of(name, preset, common, seed, data_sha256) for seed in seeds]
    names = [f"{name}, seed {seed}" if len(seeds) > 1 else name for seed in seeds]
    return [
        Job(name, preset, seed, config, parts, address, data, job_name)
        for seed, address, job_name in zip(seeds, addresses, names, strict=True)
    ]


def prepare(jobs: Sequence[Job], told: Told) -> dict[str, float]:
    """Let figures read users' data before anything is trained; the seconds that each job is expected to take.

    Raises UserError for data that they reject.
    """
    return {job.name: _prepared(job, told) for job in jobs}


def _prepared(job: Job, told: Told) -> float:
    if job.data is None:
        return job.expected_seconds
    with _sentences(job.data):
        return job.parts.experiment.prepare(job.config, told)


@contextmanager
def _sentences(data: GivenData) -> Iterator[None]:
    """Of what is wrong with a user's data."""
    try:
        yield
    except ValueError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"data {data.path!r} cannot be read: {error.strerror}") from error


def complete(job: Job, store: Store, progress: Progress, engine: Engine) -> StoredResult:
    """The job's result: from the store, or computed from its last checkpoint on and stored.

    Raises UserError where the file system refuses.
    """
    progress = Named(progress, job.name)
    stored = store.load(job.address)
    if stored is not None:
        store.mark_as_newest(job.address)
        progress.done(job.figure, stored=True)
        return stored
    import jax

    start = time.perf_counter()
    checkpoints = Checkpoints(store, job.address, engine, progress)
    arrays = job.parts.experiment.compute(job.config, key=jax.random.key(job.seed), stage=checkpoints)
    seconds = time.perf_counter() - start
    result = store.save(job.address, arrays, _provenance(job, seconds, checkpoints))
    spare_memory_maps()
    progress.done(job.figure, stored=False)
    return result


def _provenance(job: Job, seconds: float, checkpoints: Checkpoints) -> dict[str, Any]:
    config = asdict(job.config) | ({} if job.data is None else job.data.names)
    told = {"config": config, "wall_seconds": round(seconds, 3)}
    return asdict(job.address) | told | checkpoints.provenance()


def is_current(provenance: dict[str, Any], parts: figures.Figure) -> bool:
    """Whether today's code and presets would give this stored result."""
    try:
        config = parts.experiment.PRESETS[provenance["preset"]]
        data = provenance["data_sha256"]
        address = address_of(provenance["figure"], provenance["preset"], config, provenance["seed"], data)
    except KeyError:
        return False
    return address.digest == provenance.get("digest")
