"""Weitzner et al. 2024, On the Relation Between Linear Diffusion and Power Iteration: the question, for DDIM."""

from figures.figure import FigureEntry

FIGURES = {
    "power_iteration": FigureEntry(
        package="figures.weitzner2024.power_iteration",
        title="Where samples prefer the leading mode of the data: in training, and by how little in sampling",
        source="this project; the question: Weitzner et al. 2024, arXiv 2410.14730",
        seconds={"quick": 25, "paper": 300},
        gigabytes={"paper": 1.5},
        on_request=True,
    ),
}
