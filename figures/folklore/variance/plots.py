"""Noise of gradients along training, at equal quality and by noise level; stability; and a table of verdicts."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.common.stages import Arrays
from figures.common.style import BLACK, EXACT, GREEN, ORANGE, PINK, SKY, VERMILION, WIDEST, label_panels, plt, styled
from figures.folklore.variance.families import FAMILIES
from figures.folklore.variance.statistics import (
    ADAM,
    PLAIN,
    distance,
    level_noise,
    level_of_quality,
    matched_noise,
    noise_at_record,
    schedule_noise,
    share_matched,
    unstable,
)
from figures.folklore.variance.verdicts import rows

CAPTION = (
    "Does diffusion have little gradient noise? Networks with equally many parameters, the same data and batches, by "
    "Adam. R = tr Cov(g)/|E g|² of a batch's gradient. a: distance of samples to held-out data; dashed: where families "
    "are compared. b: R along training (GAN: generator G, discriminator D). c: R where samples first are as good as "
    "the dashed line, as it is and as Adam scales it; families that never get there are missing. d: R of the denoiser "
    "by noise level, and over the levels of three schedules. e: share of models that diverge or have spikes, by "
    "learning rate. f: what a widely read page says, and what was measured. Bars: 95 % intervals over networks. "
    "GAN over VAE, ln R: {{1, ring: GAN over VAE|value .1f}} {{1, ring: GAN over VAE|interval .1f}}; VAE over "
    "diffusion: {{1, ring: VAE over diffusion|value .1f}} {{1, ring: VAE over diffusion|interval .1f}}."
)
# Of a family and a player in it: colour, line, and words.
_STYLES = {
    ("diffusion", 0): (VERMILION, "-", "diffusion"),
    ("VAE", 0): (GREEN, "-", "VAE"),
    ("VAE, score function", 0): (SKY, "-", "VAE, score function"),
    ("VAE, score function, baseline", 0): (SKY, "--", "VAE, with baseline"),
    ("GAN", 0): (PINK, "-", "GAN, G"),
    ("GAN", 1): (PINK, "--", "GAN, D"),
    ("GAN, minimax", 0): (ORANGE, "-", "minimax GAN, G"),
    ("GAN, minimax", 1): (ORANGE, "--", "minimax GAN, D"),
}
_LINES = {"linear": ":", "cosine": "-.", "sigmoid": (0, (6, 1))}  # of schedules
_PLACE = 0  # the data set that is drawn


@styled
def draw(data: Arrays) -> Figure:
    figure = plt.figure(figsize=(WIDEST, 10.2))
    grid = figure.add_gridspec(3, 6, height_ratios=(1, 1, 0.95))
    axes = [figure.add_subplot(grid[0, 2 * column : 2 * column + 2]) for column in range(3)]
    axes += [figure.add_subplot(grid[1, :3]), figure.add_subplot(grid[1, 3:])]
    table = figure.add_subplot(grid[2, :])
    _draw_distances(axes[0], data)
    _draw_noise(axes[1], data)
    _draw_matched(axes[2], data)
    _draw_levels(axes[3], data)
    _draw_rates(axes[4], data)
    _draw_table(table, data)
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    label_panels(np.array([*axes, table]))
    return figure


def _draw_distances(axis: Axes, data: Arrays) -> None:
    level = level_of_quality(data, _PLACE)
    for name in FAMILIES:
        found = distance(data, _PLACE, name)
        colour, line, _ = _STYLES[name, 0]
        mean = np.maximum(found.mean(axis=1), level / 30)  # it has no floor, and may come out below zero
        axis.plot(data[f"records_{_PLACE}"], mean, marker="o", ls=line, ms=3, lw=1, color=colour)
    axis.axhline(level, color=BLACK, lw=0.8, ls="--")
    axis.set(xscale="log", yscale="log", ylim=(level / 30, None))
    axis.set_xlabel("steps")
    axis.set_ylabel("energy distance to held-out data")


def _draw_noise(axis: Axes, data: Arrays) -> None:
    records = data[f"records_{_PLACE}"]
    for (name, player), (colour, line, label) in _STYLES.items():
        noises = [noise_at_record(data, _PLACE, name, each, player).log_ratio for each in range(len(records))]
        _interval(axis, records, noises, colour, line, label)
    axis.set(xscale="log", yscale="log")
    axis.set_xlabel("steps")
    axis.set_ylabel("noise over signal R")


def _draw_matched(axis: Axes, data: Arrays) -> None:
    for row, ((name, player), (colour, *_)) in enumerate(_STYLES.items()):
        if share_matched(data, _PLACE, name) * distance(data, _PLACE, name).shape[1] < 2:
            continue
        for kind, fill in ((PLAIN, colour), (ADAM, "white")):
            found = matched_noise(data, _PLACE, name, player, kind).log_ratio
            value, half = np.exp(found.value), found.half_width
            error = [[value - np.exp(found.value - half)], [np.exp(found.value + half) - value]]
            axis.errorbar(
                value, row + 0.15 - 0.3 * kind, xerr=error, fmt="o", ms=4, lw=1, color=colour, mfc=fill, mec=colour
            )
    axis.set_yticks(np.arange(len(_STYLES)), [label for *_, label in _STYLES.values()], fontsize=8)
    axis.set(xscale="log", ylim=(len(_STYLES) - 0.5, -0.5))
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("R at equal quality (hollow: scaled)")


def _draw_levels(axis: Axes, data: Arrays) -> None:
    last, levels = len(data[f"records_{_PLACE}"]) - 1, data["levels"]
    noises = [level_noise(data, _PLACE, each, last).log_ratio for each in range(len(levels))]
    _interval(axis, levels, noises, VERMILION, "-", "at one level")
    every = noise_at_record(data, _PLACE, "diffusion", last).log_ratio
    axis.axhline(float(np.exp(every.value)), color=VERMILION, lw=0.9, ls="--", label="over the levels of training")
    for index, (name, line) in enumerate(_LINES.items()):
        found = schedule_noise(data, _PLACE, index).log_ratio
        axis.axhline(float(np.exp(found.value)), color=EXACT, lw=1, ls=line, label=f"over a {name} schedule")
    axis.set(xscale="log", yscale="log", title="denoiser, end of training")
    axis.set_xlabel("noise level σ")
    axis.set_ylabel("noise over signal R")
    low, high = axis.get_ylim()
    axis.set_ylim(low / 6, high)  # room for the key
    axis.legend(ncols=2, loc="lower left")


def _draw_rates(axis: Axes, data: Arrays) -> None:
    for shift, name in enumerate(("diffusion", "VAE", "GAN")):
        share = unstable(data, _PLACE, name).mean(axis=1)
        axis.plot(data["rates"], share + 0.012 * (shift - 1), "o-", ms=4, lw=1, color=_STYLES[name, 0][0])
    axis.set(xscale="log", ylim=(-0.05, 1.05), title="diffusion, VAE and GAN")
    axis.set_xlabel("learning rate of Adam")
    axis.set_ylabel("share of models that diverge or spike")


def _draw_table(axis: Axes, data: Arrays) -> None:
    axis.set_axis_off()
    axis.set(xlim=(0, 1), ylim=(0, 1))
    found, places = rows(data, _PLACE), (0.0, 0.36, 0.77)
    heights = np.linspace(0.95, 0.08, 1 + len(found))
    for place, words in zip(places, ("said", "measured", "verdict"), strict=True):
        axis.text(place, heights[0], words, weight="bold", va="center")
    for height, row in zip(heights[1:], found, strict=True):
        for place, words, width in zip(places, row, (52, 64, 32), strict=True):
            axis.text(place, height, textwrap.fill(words, width), va="center", fontsize=9)


def _interval(axis: Axes, x: np.ndarray, found: list, colour: str, line: str, label: str) -> None:
    value, half = (np.array([float(getattr(each, part)) for each in found]) for part in ("value", "half_width"))
    low, high = np.exp(value - half), np.exp(value + half)
    error = [np.exp(value) - low, high - np.exp(value)]
    axis.errorbar(x, np.exp(value), yerr=error, marker="o", ls=line, ms=3, lw=1, color=colour, label=label)
