"""Franzese et al. 2022, How Much Is Enough? A Study on Diffusion Times: the question, for linear denoisers."""

from figures.figure import FigureEntry

FIGURES = {
    "diffusion_time": FigureEntry(
        package="figures.franzese2022.diffusion_time",
        title="How much noise to begin with: in few steps, in training, and after few samples",
        source="this project; the question: Franzese et al. 2022",
        seconds={"quick": 25, "paper": 180},
        gigabytes={"paper": 1.7},
        on_request=True,
    ),
}
