"""The table of figures: one folder each, by the paper whose statement is tested.

A folder holds `experiment.py` (`Config`, `PRESETS`, `compute(config, *, key, stage) -> arrays`), `claims.py`
(`claims(arrays) -> list[Claim]`), `plots.py` (`draw(arrays) -> Figure`, and the words below the picture) and, where
numbers are read from stored arrays for both, `statistics.py`. This table is all that `paper-repro list` reads: it
imports no figure, and so not JAX. To add a figure, write its folder and add its line here.
"""

from dataclasses import dataclass, field

from figures.figure import Figure


@dataclass(frozen=True)
class FigureEntry:
    """A line of the table of figures."""

    package: str  # "figures.wang2025.fig2"
    title: str
    source: str
    seconds: dict[str, float]  # expected wall time on two cores, by preset
    gigabytes: dict[str, float] = field(default_factory=dict)  # most memory of one process, where it was measured
    accepts_data: bool = False  # whether `--data FILE` replaces its data set
    accepts_snapshots: bool = False  # whether it needs `--snapshots FOLDER` with them
    title_on_data: str = ""  # the title where it does, with {name} for the file's
    on_request: bool = False  # runs only when named


FIGURES: dict[str, FigureEntry] = {
    "wang2025_fig2": FigureEntry(
        package="figures.wang2025.fig2",
        title="Weights, generated variance and the emergence power law, one- and two-layer",
        source="Wang & Pehlevan 2025, Fig. 2",
        seconds={"quick": 40, "paper": 130},
        gigabytes={"paper": 0.9},
    ),
    "wang2025_fig3": FigureEntry(
        package="figures.wang2025.fig3",
        title="MLP-UNets on photographs: samples, modes and emergence over training",
        source="Wang & Pehlevan 2025, Figs. 3, 10, 11",
        seconds={"quick": 25, "paper": 13000},
    ),
    "wang2025_fig4": FigureEntry(
        package="figures.wang2025.fig4",
        title="Convolutional U-Nets on photographs, one and two levels: when modes emerge",
        source="Wang & Pehlevan 2025, Figs. 4, 12, 13",
        seconds={"quick": 60, "paper": 17000},
        on_request=True,
    ),
    "wang2025_fig5": FigureEntry(
        package="figures.wang2025.fig5",
        title="Figure 2 from a larger initial gain: modes unlearn before they learn",
        source="Wang & Pehlevan 2025, Fig. 5",
        seconds={"quick": 10, "paper": 130},
        gigabytes={"paper": 1.0},
    ),
    "wang2025_fig6": FigureEntry(
        package="figures.wang2025.fig6",
        title="Emergence time against variance for five initialisations, both means, both branches",
        source="Wang & Pehlevan 2025, Fig. 6",
        seconds={"quick": 20, "paper": 155},
        gigabytes={"paper": 0.9},
    ),
    "wang2025_fig7": FigureEntry(
        package="figures.wang2025.fig7",
        title="Flow matching: weights at four times and what is generated",
        source="Wang & Pehlevan 2025, Fig. 7",
        seconds={"quick": 25, "paper": 210},
        gigabytes={"paper": 1.0},
    ),
    "wang2025_fig8": FigureEntry(
        package="figures.wang2025.fig8",
        title="Flow matching: emergence time against variance for five initialisations",
        source="Wang & Pehlevan 2025, Fig. 8",
        seconds={"quick": 15, "paper": 540},
        gigabytes={"paper": 1.0},
    ),
    "wang2025_fig9": FigureEntry(
        package="figures.wang2025.fig9",
        title="MLP-UNets on Gaussian data: emergence and its exponent by width",
        source="Wang & Pehlevan 2025, Figs. 9, 10",
        seconds={"quick": 40, "paper": 20000},
        on_request=True,
    ),
    "wang2025_fig14": FigureEntry(
        package="figures.wang2025.fig14",
        title="Eigenvalues of the denoiser's Jacobian over training, MLP-UNet and CNN",
        source="Wang & Pehlevan 2025, Fig. 14",
        seconds={"quick": 40, "paper": 20000},
        on_request=True,
    ),
    "wang2025_fig15": FigureEntry(
        package="figures.wang2025.fig15",
        title="How nearly the denoiser of a convolutional network is one linear convolution",
        source="Wang & Pehlevan 2025, Fig. 15",
        seconds={"quick": 50, "paper": 9000},
        on_request=True,
    ),
    "wang2025_fig16": FigureEntry(
        package="figures.wang2025.fig16",
        title="Patches of what a convolutional network generates, by size: when their modes emerge",
        source="Wang & Pehlevan 2025, Figs. 16-20",
        seconds={"quick": 60, "paper": 9000},
        on_request=True,
    ),
    "wang2025_fig21": FigureEntry(
        package="figures.wang2025.fig21",
        title="Learning mean and covariance together: overshoot, mixing of modes",
        source="Wang & Pehlevan 2025, Fig. 21",
        seconds={"quick": 30, "paper": 100},
        gigabytes={"paper": 0.9},
    ),
    "wang2025_table1": FigureEntry(
        package="figures.wang2025.table1",
        title="Table 1 with every cell checked: five architectures, trained",
        source="Wang & Pehlevan 2025, Tab. 1",
        seconds={"quick": 25, "paper": 110},
        gigabytes={"paper": 1.5},
    ),
    "deep_linear": FigureEntry(
        package="figures.wang2025.deep_linear",
        title="Deep linear networks: sharper transitions, waiting times, the same law",
        source="Wang & Pehlevan 2025, App. F.3",
        seconds={"quick": 45, "paper": 400},
        gigabytes={"paper": 0.8},
    ),
    "loss_weighting": FigureEntry(
        package="figures.wang2025.loss_weighting",
        title="The loss weighting sets the exponent of the spectral law",
        source="this project, from Wang & Pehlevan 2025, Sec. 4",
        seconds={"quick": 15, "paper": 75},
        gigabytes={"paper": 1.3},
    ),
    "likelihood_emergence": FigureEntry(
        package="figures.wang2025.likelihood_emergence",
        title="When a network in training has the likelihood of its data, and when its samples are there",
        source="this project, from Wang & Pehlevan 2025, Sec. 4",
        seconds={"quick": 15, "paper": 120},
        gigabytes={"paper": 0.9},
        on_request=True,
    ),
    "architecture_exponents": FigureEntry(
        package="figures.wang2025.architecture_exponents",
        title="What sets the exponent: linear networks, MLPs, CNNs, by SGD and Adam",
        source="this project, from Wang & Pehlevan 2025, Sec. 6",
        seconds={"quick": 90, "paper": 15000},
        on_request=True,
    ),
    "weighting_in_networks": FigureEntry(
        package="figures.wang2025.weighting_in_networks",
        title="The loss weight in nonlinear networks: SGD follows the law, Adam hardly",
        source="this project, from Wang & Pehlevan 2025, Sec. 4",
        seconds={"quick": 55, "paper": 6000},
        on_request=True,
    ),
    "xu2023_variance": FigureEntry(
        package="figures.xu2023.variance",
        title="Variance of the regression target: n references take ln n nats, whatever the data",
        source="Xu et al. 2023, Fig. 1; this project",
        seconds={"quick": 35, "paper": 300},
        on_request=True,
    ),
    "xu2023_reference_size": FigureEntry(
        package="figures.xu2023.reference_size",
        title="How many references divide the variance of the target by their number, and where",
        source="Xu et al. 2023, abstract; this project",
        seconds={"quick": 40, "paper": 600},
        on_request=True,
    ),
    "xu2023_training": FigureEntry(
        package="figures.xu2023.training",
        title="Training with references, beside larger batches",
        source="Xu et al. 2023, abstract; this project",
        seconds={"quick": 60, "paper": 3000},
        on_request=True,
    ),
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
    "collapse_time": FigureEntry(
        package="figures.biroli2024.collapse_time",
        title="The noise level at which N points collapse onto one, against N and dimension",
        source="Biroli et al. 2024; this project",
        seconds={"quick": 40, "paper": 1500},
        on_request=True,
    ),
    "score_smoothing": FigureEntry(
        package="figures.farghly2025.score_smoothing",
        title="Smoothing the score of twelve points of a circle, and how many points it is worth",
        source="Farghly et al. 2025, arXiv 2510.02305; this project",
        seconds={"quick": 45, "paper": 3000},
        on_request=True,
    ),
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
    "error_propagation": FigureEntry(
        package="figures.li2024.error_propagation",
        title="What a sampler makes of errors of the network, and of errors on its way",
        source="this project; the question: Li & van der Schaar 2024",
        seconds={"quick": 20, "paper": 120},
        gigabytes={"paper": 0.9},
        on_request=True,
    ),
    "guidance": FigureEntry(
        package="figures.wu2024.guidance",
        title="What guidance does to the modes of a class while networks learn, and to two clusters",
        source="Wu et al. 2024; this project",
        seconds={"quick": 20, "paper": 250},
        gigabytes={"paper": 1.8},
        on_request=True,
    ),
    "folklore_variance": FigureEntry(
        package="figures.folklore.variance",
        title="Gradient noise of diffusion, VAEs and GANs side by side: what is said, and what is measured",
        source="a widely read page, in our words; this project",
        seconds={"quick": 60, "paper": 400},
        on_request=True,
    ),
    "bonnaire2025_networks": FigureEntry(
        package="figures.bonnaire2025.networks",
        title="MLPs: when they generalise, when they memorise, and what stopping early does",
        source="Bonnaire et al. 2025, Secs. 2-3",
        seconds={"quick": 40, "paper": 400},
        on_request=True,
    ),
    "target_variance": FigureEntry(
        package="figures.xu2023.target_variance",
        title="What references take from your data's targets (--data FILE; digits without it)",
        source="Xu et al. 2023; this project",
        seconds={"quick": 8, "paper": 65},
        accepts_data=True,
        title_on_data="What references take from the target's variance on {name}",
        on_request=True,
    ),
    "schedules": FigureEntry(
        package="figures.schedules.optimal",
        title="The best noise levels to sample at, for your spectrum (--data FILE; photographs without it)",
        source="this project; Karras et al. 2022, Eq. 5",
        seconds={"quick": 30, "paper": 600},
        accepts_data=True,
        title_on_data="The best noise levels to sample at on {name}",
        on_request=True,
    ),
    "misprints": FigureEntry(
        package="figures.both.misprints",
        title="Misprints of both papers: printed, corrected, measured",
        source="Wang & Pehlevan 2025; Vastola 2025",
        seconds={"quick": 15, "paper": 120},
    ),
    "patch_convolution": FigureEntry(
        package="figures.wang2025.patch_convolution",
        title="Convolutions on photographs: generated spectrum against filter width",
        source="Wang & Pehlevan 2025, Props. 5.3, 5.4",
        seconds={"quick": 15, "paper": 420},
        gigabytes={"paper": 6.1},
    ),
    "natural_images": FigureEntry(
        package="figures.wang2025.natural_images",
        title="The spectral law on real photographs: linear denoisers trained by SGD",
        source="Wang & Pehlevan 2025, Secs. 4-5 on photographs",
        seconds={"quick": 15, "paper": 840},
        gigabytes={"paper": 2.8},
    ),
    "threshold_exponents": FigureEntry(
        package="figures.wang2025.threshold_exponents",
        title="Which exponent: the threshold of emergence, preconditioning, and momentum decide",
        source="this project, for Wang & Pehlevan 2025, Secs. 4-5",
        seconds={"quick": 65, "paper": 600},
        gigabytes={"paper": 1.7},
        on_request=True,
    ),
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
    "unification": FigureEntry(
        package="figures.both.unification",
        title="One denoiser over draws: mean is the spectral law, covariance the V-kernel",
        source="this project, from Wang & Pehlevan 2025 and Vastola 2025",
        seconds={"quick": 25, "paper": 260},
        gigabytes={"paper": 2.3},
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
    "spectral_law": FigureEntry(
        package="figures.wang2025.spectral_law",
        title="The spectral law on your own data (--data FILE; handwritten digits without it)",
        source="Wang & Pehlevan 2025, Secs. 4-5",
        seconds={"quick": 45, "paper": 600},
        accepts_data=True,
        title_on_data="The spectral law on {name}",
        on_request=True,
    ),
    "your_model": FigureEntry(
        package="figures.both.your_model",
        title="Your own training run (--data FILE --snapshots FOLDER; a small one without)",
        source="Wang & Pehlevan 2025, Secs. 4-6, on samples that any program wrote",
        seconds={"quick": 20, "paper": 120},
        accepts_data=True,
        accepts_snapshots=True,
        title_on_data="Your training run on {name}: what was learned, and when",
        on_request=True,
    ),
}


def load(name: str) -> Figure:
    """The figure of this name. Raises ValueError for a name that is not in the table."""
    if name not in FIGURES:
        raise ValueError(f"unknown figure {name!r}; expected one of {', '.join(FIGURES)}")
    return Figure(FIGURES[name].package)
