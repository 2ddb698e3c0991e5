"""Li & van der Schaar 2024, On Error Propagation of Diffusion Models: the question, for linear denoisers."""

from figures.figure import FigureEntry

FIGURES = {
    "error_propagation": FigureEntry(
        package="figures.li2024.error_propagation",
        title="What a sampler makes of errors of the network, and of errors on its way",
        source="this project; the question: Li & van der Schaar 2024",
        seconds={"quick": 20, "paper": 120},
        gigabytes={"paper": 0.9},
        on_request=True,
    ),
}
