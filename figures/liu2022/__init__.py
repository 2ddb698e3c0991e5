"""Liu et al. 2022, Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow."""

from figures.figure import FigureEntry

FIGURES = {
    "straightness": FigureEntry(
        package="figures.liu2022.straightness",
        title="How straight flows become while networks learn, and what few steps make of them",
        source="this project; Liu et al. 2022, arXiv 2209.03003; the question: arXiv 2410.14949",
        seconds={"quick": 20, "paper": 200},
        gigabytes={"paper": 1.5},
        on_request=True,
    ),
}
