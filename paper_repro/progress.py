"""What a waiting user sees: a bar with the time left on a terminal, a line per stage elsewhere."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress_bar import ProgressBar
from rich.text import Text

from figures.common.stages import Stage
from paper_repro.durations import duration


class Progress(Protocol):
    """Told of every stage as it starts and finishes, and of every figure that is done; from any thread.

    Several figures, and several stages of each, may run at the same time.
    """

    def start(self, figure: str, stage: Stage) -> None:
        """A stage begins."""
        ...

    def finish(self, figure: str, stage: Stage, seconds: float | None) -> None:
        """A stage ends; None where it was taken from a checkpoint."""
        ...

    def done(self, figure: str, stored: bool) -> None:
        """`stored` where the figure had been computed before."""
        ...

    def __enter__(self) -> "Progress": ...

    def __exit__(self, *_: object) -> None: ...


@dataclass(frozen=True)
class Named:
    """A display that is told of one job, under the name of that job: a figure may be computed for several seeds."""

    display: Progress
    name: str

    def start(self, figure: str, stage: Stage) -> None:
        """A stage begins."""
        self.display.start(self.name, stage)

    def finish(self, figure: str, stage: Stage, seconds: float | None) -> None:
        """A stage ends."""
        self.display.finish(self.name, stage, seconds)

    def done(self, figure: str, stored: bool) -> None:
        """The job is done."""
        self.display.done(self.name, stored)

    def __enter__(self) -> "Named":
        self.display.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.display.__exit__(*exception)


def progress_for(weights: Mapping[str, float]) -> Progress:
    """The display that suits standard error. `weights` are the expected seconds of each figure to compute."""
    if sys.stderr.isatty():
        return Bar(Estimate(dict(weights)))
    return Lines(sys.stderr)


@dataclass
class Lines:
    """A line per stage as it starts, so that a log shows what is being computed, and one as it ends."""

    stream: TextIO

    def start(self, figure: str, stage: Stage) -> None:
        """`[figure] stage …`"""
        self._print(f"[{figure}] {stage.name} …")

    def finish(self, figure: str, stage: Stage, seconds: float | None) -> None:
        """`[figure] stage: 1.2 s`"""
        self._print(f"[{figure}] {stage.name}: {'from its checkpoint' if seconds is None else f'{seconds:.1f} s'}")

    def done(self, figure: str, stored: bool) -> None:
        """A line for the figure."""
        self._print(f"[{figure}] {'already stored' if stored else 'done'}")

    def _print(self, line: str) -> None:
        self.stream.write(f"{line}\n")  # in one piece, whichever threads write
        self.stream.flush()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class Estimate:
    """Time left, from the expected seconds of what remains and how much of that passed in a second so far."""

    weights: dict[str, float]
    clock: Callable[[], float] = time.perf_counter
    finished: dict[str, float] = field(default_factory=dict)  # expected seconds behind us, by figure
    measured_weight: float = 0.0  # the part of them that was computed in this run …
    measured_since: float | None = None  # … and since when
    running: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)  # expected seconds, start

    def start(self, figure: str, stage: Stage) -> None:
        """A stage begins."""
        now = self.clock()
        if self.measured_since is None:
            self.measured_since = now
        self.running[figure, stage.name] = (self._weight(figure, stage), now)

    def finish(self, figure: str, stage: Stage, seconds: float | None) -> None:
        """A stage ends; a stage from a checkpoint says nothing about the pace."""
        self.running.pop((figure, stage.name), None)
        weight = self._weight(figure, stage)
        if seconds is not None:
            self.measured_weight += weight
        self.finished[figure] = self.finished.get(figure, 0.0) + weight

    def done(self, figure: str) -> None:
        """The figure ends, whatever its shares added up to."""
        self.finished[figure] = self.weights.get(figure, 0.0)

    def _weight(self, figure: str, stage: Stage) -> float:
        return self.weights.get(figure, 0.0) * stage.share

    def fraction(self) -> float:
        """Part of the work that is done, between 0 and 1."""
        total = sum(self.weights.values())
        return min((total - self._weight_left()) / total, 1.0) if total > 0 else 1.0

    def seconds_left(self) -> float:
        """Expected seconds until everything is computed."""
        return max(self._weight_left(), 0.0) * self._pace()

    def _weight_left(self) -> float:
        running = list(self.running.values())  # a copy, since other threads start and finish stages
        behind = sum(list(self.finished.values())) + sum(self._done_of_stage(*one) for one in running)
        return sum(self.weights.values()) - behind

    def _pace(self) -> float:
        """Seconds for an expected second: below one where figures are computed side by side."""
        if self.measured_since is None or self.measured_weight == 0:
            return 1.0
        return (self.clock() - self.measured_since) / self.measured_weight

    def _done_of_stage(self, weight: float, start: float) -> float:
        """What a running stage has probably done; never quite all of it."""
        return min(self.clock() - start, 0.95 * weight)


class Bar:
    """A bar over all figures of the command."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), *_columns(estimate))
        self.display = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.display.add_task("starting", total=None)

    def start(self, figure: str, stage: Stage) -> None:
        """Show the stage's name."""
        self.estimate.start(figure, stage)
        self.display.update(self.task, description=f"{figure}: {stage.name}")

    def finish(self, figure: str, stage: Stage, seconds: float | None) -> None:
        """Move the bar."""
        self.estimate.finish(figure, stage, seconds)

    def done(self, figure: str, stored: bool) -> None:
        """Leave a line above the bar."""
        self.estimate.done(figure)
        self.display.update(self.task, description=f"{figure}: drawing")
        self.display.console.print(Text(f"{figure}: {'already stored' if stored else 'done'}"))

    def __enter__(self) -> "Bar":
        self.display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.display.stop()


class _FractionColumn(ProgressColumn):
    def __init__(self, estimate: Estimate) -> None:
        super().__init__()
        self.estimate = estimate

    def render(self, task: Task) -> ProgressBar:
        """The bar itself."""
        return ProgressBar(total=1.0, completed=self.estimate.fraction(), width=30)


class _TimeLeftColumn(ProgressColumn):
    def __init__(self, estimate: Estimate) -> None:
        super().__init__()
        self.estimate = estimate

    def render(self, task: Task) -> Text:
        """`about 3 min left`."""
        return Text(f"about {duration(self.estimate.seconds_left())} left")


def _columns(estimate: Estimate) -> tuple[ProgressColumn, ...]:
    return _FractionColumn(estimate), _TimeLeftColumn(estimate)
