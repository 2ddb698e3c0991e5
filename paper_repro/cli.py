"""The command line `paper-repro`. Nothing heavy is imported before a command needs it."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import figures
from paper_repro.commands import carry_out
from paper_repro.errors import EXIT_INTERRUPTED, UserError
from paper_repro.folders import check_no_file, folder
from paper_repro.seeds import named, parse_seeds
from paper_repro.users_data import GivenData, shown_reading

WIDTH_WITHOUT_TERMINAL = 210

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Figures, as in `list`.")]


Out = Annotated[Path, typer.Option(parser=folder, metavar="FOLDER", help="Folder of the results.")]

app = typer.Typer(add_completion=False, help="Regenerate the papers' figures and test their claims.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: see `carry_out`. Without arguments it shows its help."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return carry_out(typer.main.get_command(app), given or ["--help"], "paper-repro")


@app.command("list")
def list_figures() -> None:
    """Figures, one line each, with presets, expected time on two cores and, where measured, memory of a process."""
    from paper_repro.durations import duration

    table = Table(box=None, pad_edge=False)
    for heading in ("figure", "shows", "time (memory) by preset", "notes"):
        table.add_column(heading, overflow="fold")
    for name, entry in figures.FIGURES.items():
        times = ", ".join(
            f"{preset} {duration(seconds)}"
            + (f" ({entry.gigabytes[preset]:.1f} GB)" if preset in entry.gigabytes else "")
            for preset, seconds in entry.seconds.items()
        )
        accepts = "accepts --data" + " with --snapshots" * entry.accepts_snapshots
        notes = ["runs only when named"] * entry.on_request + [accepts] * entry.accepts_data
        table.add_row(*map(Text, (name, entry.title, times, ", ".join(notes))))
    _console().print(table)


@app.command()
def run(
    names: Names = None,
    preset: Annotated[str, typer.Option(help="quick or paper.")] = "quick",
    seed: Annotated[str | None, typer.Option(metavar="N", help="Seed of all randomness; 0 when not given.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="A-B", help="Several seeds, scored together.")] = None,
    out: Out = Path("results"),
    data: Annotated[str | None, typer.Option(help="Your own data: a file, or a folder or .zip of images.")] = None,
    key: Annotated[str | None, typer.Option(metavar="NAME", help="Which array of an .npz --data is.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="Axes of --data: chw or hwc; for a table, rows or columns are samples.")
    ] = None,
    snapshots: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Samples of your own run, trained on --data, at several steps.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers compute.")
    ] = None,
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Dask's pages, for this machine only.")] = False,
) -> int:
    """Compute what is missing, draw it, and score it."""
    try:
        given = _given_data(data, key, layout, snapshots)
        return _run(names or [], preset, parse_seeds(seed, seeds) or (0,), out, given, scheduler, dashboard)
    except KeyboardInterrupt as error:
        sentence = "interrupted; the same command goes on from the last finished stage"
        raise UserError(sentence, exit_code=EXIT_INTERRUPTED) from error


def _run(
    names: list[str],
    preset: str,
    seeds: tuple[int, ...],
    out: Path,
    data: GivenData | None,
    scheduler: str | None,
    dashboard: bool,
) -> int:
    from paper_repro.environment import compiled_programs, environment_of, forgive_incomplete_programs

    # Before JAX, NumPy and SciPy are imported, and inherited by every process that is started.
    variables = environment_of(preset)
    os.environ.update(variables | compiled_programs(out))
    forgive_incomplete_programs()
    from paper_repro import runner

    chosen = runner.check_names(names or runner.default_names(), preset)
    runner.check_data(chosen if names else [], data, seeds)
    runner.check_writable(out)
    _check_dashboard(dashboard, scheduler)
    if data is not None:  # what is imported next takes seconds
        print(f"reading {data.name} …", file=sys.stderr, flush=True)
    from paper_repro.computing import Surroundings, spare_the_collector, versions
    from paper_repro.drawings import Drawings
    from paper_repro.engines import on_scheduler
    from paper_repro.execution import complete_all
    from paper_repro.progress import progress_for
    from paper_repro.scorecard import Scorecard, score
    from paper_repro.store import Store
    from paper_repro.terminal import print_scorecard

    surroundings = Surroundings(variables, versions())
    with nullcontext() if scheduler is None else on_scheduler(scheduler, surroundings) as cluster:
        store, drawings = Store(out), Drawings(out)
        with shown_reading() as told:
            jobs = runner.plan(chosen, preset, seeds, data, told)
            missing = [job for job in jobs if not store.folder(job.address).exists()]
            to_compute = runner.prepare(missing, told)
        spare_the_collector()
        store.clean()
        drawings.clean()
        results = {}
        # One thread draws while the next figures are computed.
        with progress_for(to_compute) as progress, ThreadPoolExecutor(max_workers=1) as draughtsman:
            drawn = []
            completed = complete_all(jobs, store, progress, surroundings, scheduler=cluster, dashboard=dashboard)
            with closing(completed):
                for job, result in completed:
                    results[job.name] = result
                    if job.seed == seeds[0]:
                        drawn.append(draughtsman.submit(drawings.draw, job.parts, result))
            faults = [fault for fault in map(_fault_of, drawn) if fault is not None]
    by_figure = {job.parts: [results[one.name] for one in jobs if one.figure == job.figure] for job in jobs}
    page = _write_page(out, seeds)  # before anything that a full standard output could end
    scorecard = Scorecard([score(parts, found) for parts, found in by_figure.items()])
    print_scorecard(_console(), scorecard)
    _note(faults)
    if not faults:
        _note(sentence for one in scorecard.scored for sentence in one.parts.advice(one.result.arrays))
    _console().print(Text(f"page: {page}"))
    return int(bool(faults or any(one.fault for one in scorecard.scored)))


def _given_data(data: str | None, key: str | None, layout: str | None, snapshots: str | None) -> GivenData | None:
    if data is None and (key is not None or layout is not None):
        raise UserError("--key and --layout say how --data is to be read, which is not given")
    if data is None and snapshots is not None:
        raise UserError("--snapshots are held against the --data that they were trained on, which are not given")
    return None if data is None else GivenData(data, key, layout, snapshots)


def _fault_of(drawing: Future) -> str | None:
    """Why a result could not be drawn."""
    from paper_repro.drawings import CannotDraw

    try:
        drawing.result()
    except CannotDraw as error:
        return str(error)
    return None


@app.command()
def compare(
    names: Names = None,
    preset: Annotated[str | None, typer.Option(help="quick or paper; both when not given.")] = None,
    seed: Annotated[str | None, typer.Option(metavar="N", help="The newest when not given.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="A-B", help="Several seeds, scored together.")] = None,
    out: Out = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list on standard output.")] = False,
) -> int:
    """The scorecard of what has been computed."""
    from paper_repro.runner import check_names, check_preset

    asked = parse_seeds(seed, seeds)
    chosen = check_names(names or list(figures.FIGURES), preset if names else None)
    check_preset(preset)
    from paper_repro.claims_as_json import claims_as_json
    from paper_repro.scorecard import Scorecard, collect
    from paper_repro.store import Store
    from paper_repro.terminal import print_scorecard

    check_no_file(out)
    store = Store(out)
    scored = collect(store, chosen, preset, asked)
    _note(store.damaged.values())
    if not scored:
        nothing = _nothing_computed(out, names or [], preset, asked)
        if names or not as_json:
            raise UserError(nothing)
        _note([nothing])
    _note(_missing_seeds(scored, asked or ()) if asked else _other_seeds(scored))
    _note(one.label for one in scored if as_json and not one.current)
    _note(f"{one.label}: {one.fault}" for one in scored if as_json and one.fault)
    _note(f"{name} has not been computed yet" for name in sorted(set(names or []) - {one.figure for one in scored}))
    if as_json:
        print(json.dumps(claims_as_json(Scorecard(scored)), indent=1, allow_nan=False))
    else:
        print_scorecard(_console(), Scorecard(scored))
    return 0


@app.command()
def report(
    out: Out = Path("results"),
    seeds: Annotated[str | None, typer.Option(metavar="A-B", help="Several seeds, scored together.")] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Write single-file.html, with the pictures inside, for sending.")
    ] = False,
) -> int:
    """Write index.html: what was found, all computed figures, and the scorecard on one page."""
    from paper_repro.runner import check_writable

    asked = parse_seeds(None, seeds)
    check_no_file(out)
    check_writable(out)
    print(_write_page(out, asked, single_file=single_file, say_seeds=True))
    return 0


def _write_page(
    out: Path, seeds: tuple[int, ...] | None, *, single_file: bool = False, say_seeds: bool = False
) -> Path:
    from paper_repro.report import write_page
    from paper_repro.scorecard import Scorecard, collect
    from paper_repro.store import Store

    # Of one seed the newest result is what was asked for last.
    several = seeds if seeds and len(seeds) > 1 else None
    store = Store(out)
    scored = collect(store, list(figures.FIGURES), None, several, or_newest=True)
    _note(store.damaged.values())
    together = [one for one in scored if set(one.seeds) & set(several or one.seeds)]
    if not together:
        raise UserError(_nothing_computed(out, [], None, seeds))
    if say_seeds:
        _note(_missing_seeds(together, several) if several else _other_seeds(scored))
    return write_page(out, Scorecard(scored), single_file=single_file)


def _note(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(f"note: {sentence}", file=sys.stderr)


def _missing_seeds(scored: Sequence, asked: Sequence[int]) -> Iterator[str]:
    for one in scored:
        missing = sorted(set(asked) - set(one.seeds))
        if missing:
            yield f"{one.label}: not computed for {named(missing)}"


def _other_seeds(scored: Sequence) -> Iterator[str]:
    """One sentence for all figures: a run of several seeds stores them all, and the newest alone is shown."""
    more = [one for one in scored if one.other_seeds]
    if more:
        first, others = more[0], f" and {len(more) - 1} more" if len(more) > 1 else ""
        together = sorted((*first.seeds, *first.other_seeds))
        yield (
            f"{first.label}{others}: {named(first.other_seeds)} stored too, and not shown; "
            f"--seeds {together[0]}-{together[-1]} scores them together"
        )


def _check_dashboard(dashboard: bool, scheduler: str | None) -> None:
    if dashboard and scheduler is not None:
        raise UserError("--dashboard is for processes on this machine; a scheduler has a dashboard of its own")
    if dashboard and find_spec("bokeh") is None:
        raise UserError("--dashboard needs the package bokeh: pip install 'diffusion-learning-theory[dashboard]'")


def _nothing_computed(out: Path, names: list[str], preset: str | None, seeds: tuple[int, ...] | None) -> str:
    what = f" for {', '.join(names)}" if names else ""
    what += f" at preset {preset}" if preset is not None else ""
    what += f" with {named(seeds)}" if seeds else ""
    return f"nothing has been computed{what} under {str(out)!r}; `paper-repro run` does that"


def _console() -> Console:
    """Standard output, wide enough for the tables where there is no terminal to ask for a width."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH_WITHOUT_TERMINAL)
