"""The drawing of Figure 1 of Vastola 2025: a map per data set and time."""

from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import TRAINING_POINTS, VERMILION, plt, styled
from figures.vastola2025.fig1.experiment import DATA_SETS

CAPTION = (
    "The proxy score is mostly variance between data points: half way between neighbours of the hexagon its "
    "share is {{boundary between neighbours, hexagon, t = 0.1|value .2f}} or more. Simulated maps deviate from "
    "theory by {{boundary map against simulated proxy scores|value .3f}} (root mean square)."
)


_POINTS = TRAINING_POINTS | {"mfc": VERMILION, "mec": "white", "mew": 0.6}


@styled
def draw(data: Arrays) -> Figure:
    names = list(DATA_SETS)
    figure, axes = plt.subplots(len(names), len(data["times"]), figsize=(9.2, 7.4), sharex=True, sharey=True)
    half = data["axis"][-1]
    for row, (name, maps) in enumerate(zip(names, data["fraction"], strict=True)):
        for column, (time, fraction) in enumerate(zip(data["times"], maps, strict=True)):
            axis = axes[row, column]
            image = axis.imshow(fraction, origin="lower", extent=(-half, half, -half, half), vmin=0, vmax=1)
            axis.plot(*data[f"points_{name}"].T, **_POINTS)
            if row == 0:
                axis.set_title(f"t = {time:g}")
        axes[row, 0].set_ylabel(f"{name}\ny")
    for axis in axes[-1]:
        axis.set_xlabel("x")
    label = "tr C / (tr C + |s|²), share of variance\nC, s: covariance and mean of the proxy score"
    figure.colorbar(image, ax=axes, shrink=0.8, label=label)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center")
    return figure
