"""Figures that measure what is widely said of diffusion models, beside what papers state."""

from figures.figure import FigureEntry

FIGURES = {
    "folklore_variance": FigureEntry(
        package="figures.folklore.variance",
        title="Gradient noise of diffusion, VAEs and GANs side by side: what is said, and what is measured",
        source="a widely read page, in our words; this project",
        seconds={"quick": 60, "paper": 400},
        on_request=True,
    ),
}
