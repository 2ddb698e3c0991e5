"""Figures after Bertrand et al. 2025, on targets of flow matching and generalisation."""

from figures.figure import FigureEntry

FIGURES = {
    "bertrand2025_cosine": FigureEntry(
        package="figures.bertrand2025.cosine",
        title="When the stochastic target of flow matching is the exact one, and where N points collapse",
        source="Bertrand et al. 2025, Fig. 1; this project",
        seconds={"quick": 40, "paper": 900},
        on_request=True,
    ),
    "vastola_or_bertrand": FigureEntry(
        package="figures.bertrand2025.vastola_or_bertrand",
        title="Does target noise make models generalise? Two papers, by dose, P/F and dimension",
        source="Vastola 2025, Secs. 4-6; Bertrand et al. 2025; this project",
        seconds={"quick": 60, "paper": 1200},
        gigabytes={"paper": 2.5},
        on_request=True,
    ),
}
