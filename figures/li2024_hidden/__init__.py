"""Li, Dai & Qu 2024, Understanding Generalizability of Diffusion Models Requires Rethinking the Hidden Gaussian
Structure."""

from figures.figure import FigureEntry

FIGURES = {
    "hidden_gaussian": FigureEntry(
        package="figures.li2024_hidden.hidden_gaussian",
        title="What networks learn of the covariance of their data, and when they learn more",
        source="Li, Dai & Qu 2024; this project",
        seconds={"quick": 30, "paper": 600},
        on_request=True,
    ),
}
