"""Emergence time against variance, a panel per mean."""

import numpy as np
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import PALETTE, label_panels, plt, power_law_guide, styled
from figures.studies.emergence.experiment import MEANS
from figures.studies.emergence.statistics import emergence_by_gain
from sims.measurements.estimates import mean_over


@styled
def draw_emergence_times(data: Arrays) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True)
    for axis, mean in zip(axes, MEANS, strict=True):
        _draw_mean(axis, data, mean)
    axes[0].set_ylabel("emergence time ητ*")
    handles, labels = axes[0].get_legend_handles_labels()
    title = "solid: rising\ndashed: falling\npoints: trained"
    figure.legend(handles, labels, loc="outside right upper", title=title, title_fontsize=7.5)
    label_panels(axes)
    return figure


def _draw_mean(axis, data: Arrays, mean: str) -> None:
    measured = emergence_by_gain(data, mean)
    for index, (gain, colour) in enumerate(zip(data["initial_gain"], PALETTE, strict=False)):
        for rising, style in ((True, "-"), (False, "--")):
            branch = data["rises"][index] == rising
            times = np.where(branch, data[f"emergence_{mean}"][index], np.nan)
            axis.loglog(data["variance"], times, style, color=colour, lw=1.3)
        axis.plot([], [], "o-", color=colour, ms=3.5, label=f"Q = {gain:g}")
        seen = np.isfinite(measured[index]).all(axis=0)
        estimate = mean_over(measured[index][:, seen])
        axis.errorbar(
            data["trained_variance"][seen], estimate.value, yerr=estimate.half_width, fmt="o", ms=3.5, color=colour
        )
    power_law_guide(axis, data["variance"], (1.0, 3.0), 1.0, "slope -1")
    axis.set_xlabel("variance λ of the mode")
    axis.set_title(f"level: {mean} mean of initial and target variance")
