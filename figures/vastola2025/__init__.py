"""Figures of Vastola 2025: the covariance of what is learned over training sets, and what it generates."""

from figures.figure import FigureEntry

FIGURES = {
    "vastola2025_fig1": FigureEntry(
        package="figures.vastola2025.fig1",
        title="Boundary regions: proxy-score variance over proxy-score power",
        source="Vastola 2025, Fig. 1",
        seconds={"quick": 5, "paper": 105},
        gigabytes={"paper": 2.3},
    ),
    "vastola2025_fig2": FigureEntry(
        package="figures.vastola2025.fig2",
        title="Average learned distribution of linear models for {-1, 0, 1}",
        source="Vastola 2025, Fig. 2",
        seconds={"quick": 55, "paper": 1550},
        gigabytes={"paper": 1.0},
    ),
    "vastola2025_fig3": FigureEntry(
        package="figures.vastola2025.fig3",
        title="Average learned distribution of the rotated square, Gaussian and Fourier features",
        source="Vastola 2025, Fig. 3",
        seconds={"quick": 45, "paper": 2400},
        gigabytes={"paper": 0.9},
    ),
    "vkernel_linear": FigureEntry(
        package="figures.vastola2025.vkernel_linear",
        title="Covariance of the learned score: predicted against measured, by F/P",
        source="Vastola 2025, Prop. 5.1 in trained models",
        seconds={"quick": 35, "paper": 110},
        gigabytes={"paper": 1.4},
    ),
    "learned_distribution": FigureEntry(
        package="figures.vastola2025.learned_distribution",
        title="The average learned distribution, predicted and trained, F/P from 1/16 to 4",
        source="Vastola 2025, Prop. 5.1",
        seconds={"quick": 50, "paper": 190},
        gigabytes={"paper": 0.9},
    ),
    "gaps_fill_or_empty": FigureEntry(
        package="figures.vastola2025.gaps_fill_or_empty",
        title="When gaps fill and when they empty: F/P, ε, features, correlation in time",
        source="Vastola 2025, Secs. 4-6",
        seconds={"quick": 75, "paper": 850},
        gigabytes={"paper": 1.7},
    ),
    "j0_j1": FigureEntry(
        package="figures.vastola2025.j0_j1",
        title="What target noise does: DSM, exact score, dose and shape of the noise",
        source="reviewers of Vastola 2025; this project",
        seconds={"quick": 80, "paper": 320},
        gigabytes={"paper": 1.5},
    ),
    "gaussian_closure": FigureEntry(
        package="figures.vastola2025.gaussian_closure",
        title="Is the learned score Gaussian over training sets, and what does pretending cost",
        source="reviewers of Vastola 2025; this project",
        seconds={"quick": 60, "paper": 240},
        gigabytes={"paper": 0.9},
    ),
    "vastola2025_naive": FigureEntry(
        package="figures.vastola2025.naive",
        title="The naive sampler: SDE, Fokker-Planck and perturbation theory; gaps empty",
        source="Vastola 2025, Prop. 4.1",
        seconds={"quick": 30, "paper": 500},
        gigabytes={"paper": 0.8},
    ),
    "lazy_networks": FigureEntry(
        package="figures.vastola2025.lazy_networks",
        title="The V-kernel at training times: variance switches on mode by mode",
        source="Vastola 2025, Prop. 5.2",
        seconds={"quick": 45, "paper": 520},
        gigabytes={"paper": 2.3},
    ),
}
