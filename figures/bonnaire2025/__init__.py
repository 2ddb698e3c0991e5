"""Figures of Bonnaire, Urfin, Biroli & Mézard 2025."""

from figures.figure import FigureEntry

FIGURES = {
    "bonnaire2025_spectrum": FigureEntry(
        package="figures.bonnaire2025.spectrum",
        title="Eigenvalues of random features over training points: which generalise, which memorise",
        source="Bonnaire et al. 2025, Fig. 4 and Theorem 3.1",
        seconds={"quick": 45, "paper": 800},
        on_request=True,
    ),
    "bonnaire2025_times": FigureEntry(
        package="figures.bonnaire2025.times",
        title="Random features: when they generalise and when they memorise, by the number of points",
        source="Bonnaire et al. 2025, Fig. 5 and Sec. 4; this project",
        seconds={"quick": 40, "paper": 20000},
        on_request=True,
    ),
    "bonnaire2025_networks": FigureEntry(
        package="figures.bonnaire2025.networks",
        title="MLPs: when they generalise, when they memorise, and what stopping early does",
        source="Bonnaire et al. 2025, Secs. 2-3",
        seconds={"quick": 40, "paper": 400},
        on_request=True,
    ),
}
