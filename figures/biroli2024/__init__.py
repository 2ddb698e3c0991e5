"""Figures after Biroli et al. 2024, on when diffusion collapses onto one data point."""

from figures.figure import FigureEntry

FIGURES = {
    "collapse_time": FigureEntry(
        package="figures.biroli2024.collapse_time",
        title="The noise level at which N points collapse onto one, against N and dimension",
        source="Biroli et al. 2024; this project",
        seconds={"quick": 40, "paper": 1500},
        on_request=True,
    ),
}
