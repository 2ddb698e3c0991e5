"""Chen et al. 2023, A Geometric Perspective on Diffusion Models: denoising as mean shift, and thin data."""

from figures.figure import FigureEntry

FIGURES = {
    "mean_shift": FigureEntry(
        package="figures.chen2023.mean_shift",
        title="Where denoising trajectories rest, and how thick networks generate flat data in training",
        source="Chen et al. 2023; this project",
        seconds={"quick": 25, "paper": 250},
        on_request=True,
    ),
}
