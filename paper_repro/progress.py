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


class Progress(Protocol):
    """Told of every stage as it starts and finishes, and of every figure that is done."""

    def start(self, figure: str, stage: str, share: float) -> None:
        """`share` is the stage's fraction of the figure's expected time."""
        ...

    def finish(self, figure: str, seconds: float | None) -> None:
        """End of the stage that the figure started last; None where it was taken from a checkpoint."""
        ...

    def done(self, figure: str, stored: bool) -> None:
        """`stored` where the figure had been computed before."""
        ...

    def __enter__(self) -> "Progress": ...

    def __exit__(self, *_: object) -> None: ...


def progress_for(weights: Mapping[str, float]) -> Progress:
    """The display that suits standard error. `weights` are the expected seconds of each figure to compute.

    Figures may be computed at the same time: each has one stage at a time.
    """
    if sys.stderr.isatty():
        return Bar(Estimate(dict(weights)))
    return Lines(sys.stderr)


@dataclass
class Lines:
    """A line per stage as it starts, so that a log shows what is being computed, and one as it ends."""

    stream: TextIO
    running: dict[str, str] = field(default_factory=dict)  # the stage of every figure that is being computed

    def start(self, figure: str, stage: str, share: float) -> None:
        """`[figure] stage …`"""
        del share
        self.running[figure] = stage
        self._print(f"[{figure}] {stage} …")

    def finish(self, figure: str, seconds: float | None) -> None:
        """`[figure] stage: 1.2 s`"""
        ending = "from its checkpoint" if seconds is None else f"{seconds:.1f} s"
        self._print(f"[{figure}] {self.running.pop(figure)}: {ending}")

    def done(self, figure: str, stored: bool) -> None:
        """A line for the figure."""
        self._print(f"[{figure}] {'already stored' if stored else 'done'}")

    def _print(self, line: str) -> None:
        print(line, file=self.stream, flush=True)

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
    stages: dict[str, tuple[float, float]] = field(default_factory=dict)  # expected seconds and start of what runs

    def start(self, figure: str, share: float) -> None:
        """A stage begins."""
        now = self.clock()
        if self.measured_since is None:
            self.measured_since = now
        self.stages[figure] = (self.weights.get(figure, 0.0) * share, now)

    def finish(self, figure: str, seconds: float | None) -> None:
        """The stage ends; a stage from a checkpoint says nothing about the pace."""
        weight, _ = self.stages.pop(figure)
        if seconds is not None:
            self.measured_weight += weight
        self.finished[figure] = self.finished.get(figure, 0.0) + weight

    def done(self, figure: str) -> None:
        """The figure ends, whatever its shares added up to."""
        self.finished[figure] = self.weights.get(figure, 0.0)

    def fraction(self) -> float:
        """Part of the work that is done, between 0 and 1."""
        total = sum(self.weights.values())
        return min((total - self._weight_left()) / total, 1.0) if total > 0 else 1.0

    def seconds_left(self) -> float:
        """Expected seconds until everything is computed."""
        return max(self._weight_left(), 0.0) * self._pace()

    def _weight_left(self) -> float:
        behind = sum(self.finished.values()) + sum(map(self._done_of_stage, self.stages))
        return sum(self.weights.values()) - behind

    def _pace(self) -> float:
        """Seconds for an expected second: below one where figures are computed side by side."""
        if self.measured_since is None or self.measured_weight == 0:
            return 1.0
        return (self.clock() - self.measured_since) / self.measured_weight

    def _done_of_stage(self, figure: str) -> float:
        """What a running stage has probably done; never quite all of it."""
        weight, start = self.stages[figure]
        return min(self.clock() - start, 0.95 * weight)


class Bar:
    """A bar over all figures of the command."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), *_columns(estimate))
        self.display = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.display.add_task("starting", total=None)

    def start(self, figure: str, stage: str, share: float) -> None:
        """Show the stage's name."""
        self.estimate.start(figure, share)
        self.display.update(self.task, description=f"{figure}: {stage}")

    def finish(self, figure: str, seconds: float | None) -> None:
        """Move the bar."""
        self.estimate.finish(figure, seconds)

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


def duration(seconds: float) -> str:
    """`40 s`, `10 min`, `1 h 30 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
