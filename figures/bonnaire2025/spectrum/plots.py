"""Density and distribution of the eigenvalues, measured and by the fixed point, for few and for more points."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.bonnaire2025.spectrum.statistics import kolmogorov_smirnov
from figures.common.stages import Arrays
from figures.common.style import BLACK, EXACT, VERMILION, WIDEST, label_panels, plt, styled
from sims.measurements.estimates import mean_over

CAPTION = (
    "Eigenvalues λ of U, the features' second moments over training points and noise: n + d of the p = ψ_p d, all "
    "draws together; the others lie at s_t². Vermilion: tanh features, drawn. Black: the fixed point for d → ∞. "
    "Dotted: the left edge of ρ_1, by which τ_mem is defined, and of ρ_2. The d largest are learned first and do not "
    "know n; with more points ρ_1 moves to the left, and is learned later. d eigenvalues lie left of ρ_1."
)
DIFFERS = "the distribution and the second number of points are ours; the dimension is smaller under `quick`."
_BINS = 70


@styled
def draw(data: Arrays) -> Figure:
    rows = len(data["samples"])
    figure, axes = plt.subplots(rows, 2, figsize=(WIDEST, 3.5 * rows), sharex=True, squeeze=False)
    for place, (left, right) in enumerate(axes):
        _draw_density(left, data, place)
        _draw_distribution(right, data, place)
    for axis in axes[-1]:
        axis.set_xlabel("eigenvalue λ of U")
    label_panels(axes)
    return figure


def _draw_density(axis: Axes, data: Arrays, place: int) -> None:
    eigenvalues, shown = data[f"eigenvalues_{place}"], data["shown"]
    bins = np.linspace(np.log(eigenvalues.min()), np.log(shown[-1]), _BINS + 1)
    count = np.histogram(np.log(eigenvalues), bins)[0] / eigenvalues.size / np.diff(bins)
    axis.stairs(count, np.exp(bins), fill=True, color=VERMILION, alpha=0.4, label="drawn")
    axis.plot(shown, data["density"][place], color=BLACK, lw=1.2, label="fixed point")
    _draw_edges(axis, data, place)
    axis.set(xscale="log", xlim=(0.7 * data["atom"], shown[-1]), ylim=(0, None))
    axis.set_ylabel("density per unit of ln λ")
    axis.set_title(_sizes(data, place))
    axis.legend(loc="upper right")


def _draw_distribution(axis: Axes, data: Arrays, place: int) -> None:
    eigenvalues = np.sort(data[f"eigenvalues_{place}"].ravel())
    axis.step(eigenvalues, np.arange(1, eigenvalues.size + 1) / eigenvalues.size, color=VERMILION, lw=2, label="drawn")
    axis.plot(data["shown"], data["distribution"][place], color=BLACK, lw=1, label="fixed point")
    _draw_edges(axis, data, place)
    distance = mean_over(kolmogorov_smirnov(data[f"share_{place}"]))
    axis.set(xscale="log", ylim=(-0.02, 1.02))
    axis.set_ylabel("share of the n + d eigenvalues up to λ")
    axis.set_title(f"one draw lies {distance.value:.3f} ± {distance.half_width:.3f} from it (Kolmogorov-Smirnov)")
    axis.legend(loc="lower right")


def _draw_edges(axis: Axes, data: Arrays, place: int) -> None:
    axis.axvline(data["atom"], color=EXACT, lw=1, label="$s_t^2$")
    for edge, name in zip(data["edge"][place], ("ρ₁", "ρ₂"), strict=True):
        axis.axvline(edge, color=BLACK, lw=0.8, ls=":")
        axis.annotate(f" {name} →", (edge, 0.97), xycoords=("data", "axes fraction"), va="top", fontsize=8)


def _sizes(data: Arrays, place: int) -> str:
    sizes = f"ψ_p = {int(data['features'])}, ψ_n = {int(data['samples'][place])}, d = {int(data['dimension'])}"
    return f"{sizes}: {len(data[f'eigenvalues_{place}'])} draws"
