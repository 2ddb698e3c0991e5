"""One figure: its line in the table, and its parts, imported when they are asked for."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class FigureEntry:
    """A line of the table of figures."""

    package: str  # "figures.wang2025.fig2"
    title: str
    source: str
    seconds: dict[str, float]  # expected wall time on two cores, by preset
    gigabytes: dict[str, float] = field(default_factory=dict)  # most memory of one process, where it was measured
    accepts_data: bool = False  # whether `--data FILE` replaces its data set
    accepts_snapshots: bool = False  # whether it needs `--snapshots FOLDER` with them
    title_on_data: str = ""  # the title where it does, with {name} for the file's
    on_request: bool = False  # runs only when named


@dataclass(frozen=True)
class Figure:
    """The parts of one figure, each imported when it is first asked for: a process that computes needs no drawing."""

    package: str

    @property
    def experiment(self) -> ModuleType:
        """`Config`, `PRESETS`, `compute`.

        Where the figure accepts users' data (and snapshots) also `check(config, told)`, which gives the SHA-256 of all
        of it, and `prepare(config, told)`, which reads it before anything is trained and gives the seconds that the
        figure then takes.
        """
        return importlib.import_module(f"{self.package}.experiment")

    def claims(self, arrays: Mapping[str, Any]) -> list:
        """The statements that the arrays decide."""
        return importlib.import_module(f"{self.package}.claims").claims(arrays)

    def draw(self, arrays: Mapping[str, Any]) -> Any:
        """The figure as a Matplotlib figure."""
        return self._plots.draw(arrays)

    @property
    def caption(self) -> str:
        """The picture's result, with placeholders for the claims' numbers: `plots.CAPTION`; empty where it has none."""
        return getattr(self._plots, "CAPTION", "")

    @property
    def differs(self) -> str:
        """How the picture differs from the published one: `plots.DIFFERS`; empty where none is published."""
        return getattr(self._plots, "DIFFERS", "")

    def notes(self, arrays: Mapping[str, Any]) -> list[str]:
        """Sentences below the caption that these arrays need: `plots.notes(arrays)`; none where it has none."""
        return getattr(self._plots, "notes", lambda _: [])(arrays)

    def advice(self, arrays: Mapping[str, Any]) -> list[str]:
        """What these arrays advise, which the terminal says too: `plots.advise(arrays)`; nothing where it has none."""
        advise = getattr(self._plots, "advise", None)
        return [] if advise is None else [advise(arrays)]

    @property
    def _plots(self) -> ModuleType:
        return importlib.import_module(f"{self.package}.plots")
