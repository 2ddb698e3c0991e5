"""The command line `paper-repro`. Nothing heavy is imported before a command needs it."""

import io
import json
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import figures
from paper_repro.errors import UserError

WIDTH_WITHOUT_TERMINAL = 170
LARGEST_SEED = 2**63 - 1
EXIT_INTERRUPTED = 130

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Figures, as in `list`.")]


def _folder(text: str | Path) -> Path:
    if not str(text).strip():  # an unset variable would write into the working folder; that by itself is "."
        raise typer.BadParameter("the name of a folder is empty")
    return Path(text)


Out = Annotated[Path, typer.Option(parser=_folder, metavar="FOLDER", help="Folder of the results.")]

app = typer.Typer(add_completion=False, help="Regenerate the papers' figures and test their claims.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 for bad input, 130 when interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _print_any_character()
    with warnings.catch_warnings():
        _show_warnings_as_sentences()
        try:
            command = typer.main.get_command(app)
            code = command.main(given or ["--help"], prog_name="paper-repro", standalone_mode=False)
        except UserError as error:
            return _fail(str(error), error.exit_code)
        except Exception as error:
            # The base class of usage errors has lived in different packages; what it can do has not changed.
            if not hasattr(error, "format_message"):
                raise
            return _fail(error.format_message(), getattr(error, "exit_code", 2))  # type: ignore[attr-defined]
    return code if isinstance(code, int) else 0


@app.command("list")
def list_figures() -> None:
    """Figures, one line each, with presets and expected time on two cores."""
    from paper_repro.durations import duration

    table = Table(box=None, pad_edge=False)
    for heading in ("figure", "shows", "time by preset", "notes"):
        table.add_column(heading, overflow="fold")
    for name, entry in figures.FIGURES.items():
        times = ", ".join(f"{preset} {duration(seconds)}" for preset, seconds in entry.seconds.items())
        notes = ["runs only when named"] * entry.on_request + ["accepts --data"] * entry.accepts_data
        table.add_row(*map(Text, (name, entry.title, times, ", ".join(notes))))
    _console().print(table)


@app.command()
def run(
    names: Names = None,
    preset: Annotated[str, typer.Option(help="quick or paper.")] = "quick",
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of all randomness.")] = "0",
    out: Out = Path("results"),
    data: Annotated[str | None, typer.Option(help="Your own data: a file or a folder of images.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers compute.")
    ] = None,
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Dask's pages, for this machine only.")] = False,
) -> int:
    """Compute what is missing, draw it, and score it."""
    try:
        return _run(names or [], preset, _whole_number(seed), out, data, scheduler, dashboard)
    except KeyboardInterrupt:
        sentence = "interrupted; the same command goes on from the last finished stage"
        print(sentence, file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(
    names: list[str], preset: str, seed: int, out: Path, data: str | None, scheduler: str | None, dashboard: bool
) -> int:
    from paper_repro.environment import compiled_programs, environment_of, forgive_incomplete_programs

    # Before JAX, NumPy and SciPy are imported, and inherited by every process that is started.
    variables = environment_of(preset)
    os.environ.update(variables | compiled_programs(out))
    forgive_incomplete_programs()
    from paper_repro import runner

    chosen = runner.check_names(names or runner.default_names(), preset)
    runner.check_data(chosen if names else [], data)
    runner.check_writable(out)
    _check_dashboard(dashboard, scheduler)
    from paper_repro.computing import Surroundings, spare_the_collector, versions
    from paper_repro.drawings import Drawings
    from paper_repro.engines import on_scheduler
    from paper_repro.execution import complete_all
    from paper_repro.progress import progress_for
    from paper_repro.scorecard import score
    from paper_repro.store import Store

    surroundings = Surroundings(variables, versions())
    with nullcontext() if scheduler is None else on_scheduler(scheduler, surroundings) as cluster:
        jobs = runner.plan(chosen, preset, seed, data)
        spare_the_collector()
        store, drawings = Store(out), Drawings(out)
        store.clean()
        drawings.clean()
        scored = {}
        to_compute = {job.figure: job.expected_seconds for job in jobs if not store.folder(job.address).exists()}
        # One thread draws while the next figures are computed.
        with progress_for(to_compute) as progress, ThreadPoolExecutor(max_workers=1) as draughtsman:
            drawn = []
            completed = complete_all(jobs, store, progress, surroundings, scheduler=cluster, dashboard=dashboard)
            with closing(completed):
                for job, result in completed:
                    drawn.append(draughtsman.submit(drawings.draw, job.parts, result))
                    scored[job.figure] = score(job.parts, result)
            for drawing in drawn:
                drawing.result()
    _print_scorecard([scored[job.figure] for job in jobs if scored[job.figure] is not None])
    page = _write_page(out)
    _console().print(Text(f"page: {page}"))
    return 0


@app.command()
def compare(
    names: Names = None,
    preset: Annotated[str | None, typer.Option(help="quick or paper; both when not given.")] = None,
    seed: Annotated[str | None, typer.Option(metavar="N", help="Any when not given.")] = None,
    out: Out = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list on standard output.")] = False,
) -> int:
    """The scorecard of what has been computed."""
    from paper_repro.runner import check_names

    number = None if seed is None else _whole_number(seed)
    chosen = check_names(names or list(figures.FIGURES), preset if names else None)
    _check_some_figure_has(preset)
    from paper_repro.scorecard import as_json as claims_as_json
    from paper_repro.scorecard import collect
    from paper_repro.store import Store

    _check_folder(out)
    scored = collect(Store(out), chosen, preset, number)
    if not scored and not (as_json and not names):
        raise UserError(_nothing_computed(out, names or [], preset, number))
    for one in scored:
        if as_json and not one.current:
            print(f"note: {one.label}", file=sys.stderr)
    for name in sorted(set(names or []) - {one.figure for one in scored}):
        print(f"note: {name} has not been computed yet", file=sys.stderr)
    if as_json:
        print(json.dumps(claims_as_json(scored), indent=1, allow_nan=False))
    else:
        _print_scorecard(scored)
    return 0


@app.command()
def report(out: Out = Path("results")) -> int:
    """Write index.html: the scorecard and all computed figures on one page."""
    from paper_repro.runner import check_writable

    _check_folder(out)
    check_writable(out)
    print(_write_page(out))
    return 0


def _write_page(out: Path) -> Path:
    from paper_repro.report import write_page
    from paper_repro.scorecard import collect
    from paper_repro.store import Store

    scored = collect(Store(out), list(figures.FIGURES), None, None)
    if not scored:
        raise UserError(_nothing_computed(out, [], None, None))
    return write_page(out, scored)


def _print_scorecard(scored: list) -> None:
    from paper_repro.scorecard import summary, table

    console = _console()
    for one in scored:
        console.print(table(one))
        console.print()
    console.print(Text(summary(scored), style="bold"))


def _whole_number(seed: str) -> int:
    is_short = seed.isascii() and seed.isdecimal() and len(seed) <= len(str(LARGEST_SEED))
    if not is_short or int(seed) > LARGEST_SEED:
        raise UserError(f"seed {seed!r} is not a whole number from 0 to {LARGEST_SEED}")
    return int(seed)


def _check_some_figure_has(preset: str | None) -> None:
    presets = dict.fromkeys(key for entry in figures.FIGURES.values() for key in entry.seconds)
    if preset is not None and preset not in presets:
        raise UserError(f"unknown preset {preset!r}; expected one of {', '.join(presets)}")


def _check_dashboard(dashboard: bool, scheduler: str | None) -> None:
    if dashboard and scheduler is not None:
        raise UserError("--dashboard is for processes on this machine; a scheduler has a dashboard of its own")
    if dashboard and find_spec("bokeh") is None:
        raise UserError("--dashboard needs the package bokeh: pip install 'diffusion-learning-theory[dashboard]'")


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{str(out)!r} is not a folder")


def _nothing_computed(out: Path, names: list[str], preset: str | None, seed: int | None) -> str:
    what = f" for {', '.join(names)}" if names else ""
    what += f" at preset {preset}" if preset is not None else ""
    what += f" with seed {seed}" if seed is not None else ""
    return f"nothing has been computed{what} under {str(out)!r}; `paper-repro run` does that"


def _console() -> Console:
    """Standard output, wide enough for the tables where there is no terminal to ask for a width."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH_WITHOUT_TERMINAL)


def _fail(sentence: str, code: int) -> int:
    print(f"error: {' '.join(sentence.split())}", file=sys.stderr)
    return code


def _print_any_character() -> None:
    """Let a terminal without Unicode show `?` rather than end the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _show_warnings_as_sentences() -> None:
    """Print a warning about the user's data once, without the line of code that raised it."""
    shown: set[str] = set()
    show_with_source = warnings.showwarning

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        if category is not UserWarning:
            show_with_source(message, category, filename, lineno, file, line)
        elif str(message) not in shown:
            shown.add(str(message))
            print(f"warning: {message}", file=sys.stderr)

    warnings.showwarning = show
