"""Wu et al. 2024, Theoretical Insights for Diffusion Guidance: A Case Study for Gaussian Mixture Models."""

from figures.figure import FigureEntry

FIGURES = {
    "guidance": FigureEntry(
        package="figures.wu2024.guidance",
        title="What guidance does to the modes of a class while networks learn, and to two clusters",
        source="Wu et al. 2024; this project",
        seconds={"quick": 20, "paper": 250},
        gigabytes={"paper": 1.8},
        on_request=True,
    ),
}
