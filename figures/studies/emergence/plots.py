"""Emergence time against variance, a panel per mean and a row per architecture."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import label_panels, plt, setting_colours, styled
from figures.studies.emergence.experiment import DENOISERS, MEANS
from figures.studies.emergence.statistics import emergence_by_gain
from sims.measurements.estimates import mean_over


@styled
def draw_emergence_times(data: Arrays) -> Figure:
    architectures = [name for name in DENOISERS if f"initial_gain_{name}" in data]
    count = len(architectures)
    size = (10, 4.4 if count == 1 else 3.6 * count)
    figure, axes = plt.subplots(count, 2, figsize=size, sharex=True, sharey=True, squeeze=False)
    for row, name in zip(axes, architectures, strict=True):
        words = name.replace("_", "-") + ", " if count > 1 else ""
        for axis, mean in zip(row, MEANS, strict=True):
            _draw_mean(axis, data, name, mean)
            axis.set_title(f"{words}level: {mean} mean of initial and target variance")
        row[0].set_ylabel("emergence time ητ*")
    axes[0, 0].set_ylim(bottom=data["times"][0])  # a mode that begins where it ends emerges at once
    for axis in axes[-1]:
        axis.set_xlabel("variance λ of the mode")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    title = "Q: initial gain\nsolid: rising\ndashed: falling\npoints: trained"
    figure.legend(handles, labels, loc="outside right upper", title=title)
    label_panels(axes)
    return figure


def _draw_mean(axis, data: Arrays, name: str, mean: str) -> None:
    measured = emergence_by_gain(data, name, mean)
    gains = data["initial_gain_one_layer"].tolist()
    colours = dict(zip(gains, setting_colours(len(gains)), strict=True))
    for index, gain in enumerate(data[f"initial_gain_{name}"].tolist()):
        for rising, style in ((True, "-"), (False, "--")):
            branch = data[f"rises_{name}"][index] == rising
            times = np.where(branch, data[f"emergence_{mean}_{name}"][index], np.nan)
            axis.loglog(data["variance"], times, style, color=colours[gain], lw=1.3)
        axis.plot([], [], "o-", color=colours[gain], ms=3.5, label=f"Q = {gain:g}")
        seen = np.isfinite(measured[index]).all(axis=0)
        estimate = mean_over(measured[index][:, seen])
        variance = data["trained_variance"][seen]
        axis.errorbar(variance, estimate.value, yerr=estimate.half_width, fmt="o", ms=3.5, color=colours[gain])
    axis.plot(data["variance"], 3.0 / data["variance"], ":", color="0.5", lw=1, label="slope −1", zorder=0)
