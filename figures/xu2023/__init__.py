"""Figures that test Xu, Tong & Jaakkola 2023, the stable target field."""

from figures.figure import FigureEntry

FIGURES = {
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
    "target_variance": FigureEntry(
        package="figures.xu2023.target_variance",
        title="What references take from your data's targets (--data FILE; digits without it)",
        source="Xu et al. 2023; this project",
        seconds={"quick": 8, "paper": 65},
        accepts_data=True,
        title_on_data="What references take from the target's variance on {name}",
        on_request=True,
    ),
}
