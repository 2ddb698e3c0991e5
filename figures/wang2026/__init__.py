"""Wang, Zavatone-Veth & Pehlevan 2026, A Random Matrix Theory Perspective on the Consistency of Diffusion Models."""

from figures.figure import FigureEntry

FIGURES = {
    "consistency": FigureEntry(
        package="figures.wang2026.consistency",
        title="How alike models of disjoint data sets are, when they sample from the same noise",
        source="this project; end of training: Wang, Zavatone-Veth & Pehlevan 2026",
        seconds={"quick": 25, "paper": 300},
        on_request=True,
    ),
}
