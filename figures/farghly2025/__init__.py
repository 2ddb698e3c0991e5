"""Figures after Farghly et al. 2025, on smoothed scores."""

from figures.figure import FigureEntry

FIGURES = {
    "score_smoothing": FigureEntry(
        package="figures.farghly2025.score_smoothing",
        title="Smoothing the score of twelve points of a circle, and how many points it is worth",
        source="Farghly et al. 2025, arXiv 2510.02305; this project",
        seconds={"quick": 45, "paper": 3000},
        on_request=True,
    ),
}
