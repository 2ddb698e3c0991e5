"""What all figures share: sizes, fonts, and colours that colour-blind readers can tell apart."""

import functools
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays

# Okabe & Ito's palette.
BLUE, ORANGE, GREEN, PINK, VERMILION, SKY, YELLOW, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#F0E442",
    "#000000",
)
EXACT = "0.5"  # what comes of the exact score: grey
# Kinds that are told apart, beside the roles: theory is black, what was trained vermilion, what was predicted blue.
KINDS = (GREEN, ORANGE, PINK, SKY)

WIDEST = 11.0  # inches: pages show pictures 800 pixels wide, where the smallest text of these has 8
SMALLEST = 8.0
EXPONENT = r"$τ^* \propto λ^{-α}$"

_SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": SMALLEST,
    "legend.title_fontsize": SMALLEST,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "image.cmap": "viridis",
}


def styled(draw: Callable[[Arrays], Figure]) -> Callable[[Arrays], Figure]:
    """Run a figure's `draw` under the common settings."""

    @functools.wraps(draw)
    def with_settings(data: Arrays) -> Figure:
        with plt.rc_context(_SETTINGS):
            return draw(data)

    return with_settings


def mode_colours(count: int) -> np.ndarray:
    """One colour per mode, dark for large variance, light for small: an order that survives greyscale."""
    return plt.get_cmap("viridis")(np.linspace(0.0, 0.8, count))


def setting_colours(count: int) -> np.ndarray:
    """One colour per value of a setting (a depth, a width, an initial gain), in order: neither modes nor roles."""
    return plt.get_cmap("plasma")(np.linspace(0.0, 0.85, count))


# Data points on a map of colours.
TRAINING_POINTS: dict[str, Any] = {
    "marker": "o",
    "ls": "none",
    "ms": 5,
    "mfc": "none",
    "mec": VERMILION,
    "mew": 1.2,
    "label": "training points",
}


def label_panels(axes: np.ndarray) -> None:
    """Letters a, b, c … at the upper left of the axes, row by row."""
    for letter, axis in zip("abcdefghijklmnopqrstuvwxyz", axes.flat, strict=False):
        axis.text(
            -0.02, 1.03, letter, transform=axis.transAxes, fontweight="bold", fontsize=10, ha="right", va="bottom"
        )


def power_law_guide(axis: Axes, x: np.ndarray, through: tuple[float, float], exponent: float, label: str) -> None:
    """A dashed line y ∝ x^-exponent through a point."""
    axis.plot(x, through[1] * (x / through[0]) ** (-exponent), "--", color="0.5", lw=1, label=label, zorder=0)


def fraction(ratio: float) -> str:
    """A ratio as it is written: 1/16, 1/4, 1, 4."""
    return f"{ratio:g}" if ratio >= 1 else f"1/{1 / ratio:g}"
