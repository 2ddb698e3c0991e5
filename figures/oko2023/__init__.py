"""Oko, Akiyama & Suzuki 2023, Diffusion Models are Minimax Optimal Distribution Estimators: the question, in the mean
square, for the exact empirical score and for linear denoisers."""

from figures.figure import FigureEntry

FIGURES = {
    "estimation_rate": FigureEntry(
        package="figures.oko2023.estimation_rate",
        title="How fast generated densities come close to the data's as data grow in number",
        source="this project; the question: Oko, Akiyama & Suzuki 2023",
        seconds={"quick": 25, "paper": 240},
        on_request=True,
    ),
}
