"""The table of figures: one folder each, in that of the paper whose statement is tested.

A folder holds `experiment.py` (`Config`, `PRESETS`, `compute(config, *, key, stage) -> arrays`), `claims.py`
(`claims(arrays) -> list[Claim]`), `plots.py` (`draw(arrays) -> Figure`, and the words below the picture) and, where
numbers are read from stored arrays for both, `statistics.py`. The folder of the paper has its lines of the table in its
`__init__.py`. The table is all that `paper-repro list` reads: it imports no figure, and so not JAX. To add a figure,
write its folder and add its line there; to add a paper, its folder here.
"""

from figures import (
    bertrand2025,
    biroli2024,
    bonnaire2025,
    both,
    chen2023,
    farghly2025,
    folklore,
    franzese2022,
    li2024,
    li2024_hidden,
    liu2022,
    oko2023,
    schedules,
    vastola2025,
    wang2025,
    wang2026,
    weitzner2024,
    wu2024,
    xu2023,
)
from figures.figure import Figure, FigureEntry

__all__ = ["FIGURES", "FigureEntry", "load"]

_PAPERS = (
    wang2025,
    vastola2025,
    both,
    xu2023,
    bertrand2025,
    biroli2024,
    bonnaire2025,
    farghly2025,
    folklore,
    schedules,
    li2024,
    franzese2022,
    wu2024,
    weitzner2024,
    liu2022,
    li2024_hidden,
    chen2023,
    wang2026,
    oko2023,
)

FIGURES: dict[str, FigureEntry] = {name: entry for paper in _PAPERS for name, entry in paper.FIGURES.items()}


def load(name: str) -> Figure:
    """The figure of this name. Raises ValueError for a name that is not in the table."""
    if name not in FIGURES:
        raise ValueError(f"unknown figure {name!r}; expected one of {', '.join(FIGURES)}")
    return Figure(FIGURES[name].package)
