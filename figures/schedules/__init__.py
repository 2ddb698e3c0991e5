"""Figures on which noise levels to sample at."""

from figures.figure import FigureEntry

FIGURES = {
    "schedules": FigureEntry(
        package="figures.schedules.optimal",
        title="The best noise levels to sample at, for your spectrum (--data FILE; photographs without it)",
        source="this project; Karras et al. 2022, Eq. 5",
        seconds={"quick": 30, "paper": 600},
        accepts_data=True,
        title_on_data="The best noise levels to sample at on {name}",
        on_request=True,
    ),
    "schedule_exponents": FigureEntry(
        package="figures.schedules.exponents",
        title="Which modes noise schedules let networks generate first",
        source="this project",
        seconds={"quick": 28, "paper": 150},
        gigabytes={"paper": 1.5},
        on_request=True,
    ),
}
