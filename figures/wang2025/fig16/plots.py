"""Patches of a convolutional network's samples as a picture."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.common.stages import Arrays
from figures.common.style import BLACK, GREEN, VERMILION, WIDEST, label_panels, plt, styled
from figures.studies.photograph_networks.plots import exponents_sentence, late_sentence
from figures.studies.trained_networks.plots import draw_curves, draw_emergence, draw_exponent, draw_heat_map, key_below
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.fig16.statistics import patches_of, whole_images

CAPTION = (
    "Samples of a one-level CNN, cut into patches of size/stride in pixels, all positions together. a-d: the first "
    "model. Dashed, and target: what the exact denoiser makes with the same Heun steps. c-e: black is the closed form "
    "of a linear network, pooled into patches. f: exponents of falling modes over all models, 95 %."
)
DIFFERS = (
    "photograph patches in place of faces, a network of eight channels and one level in place of CNNs and transformers "
    "of several sizes, the closed form (black), and the exponents side by side (f)."
)


@styled
def draw(data: Arrays) -> Figure:
    found, whole = patches_of(data), whole_images(data)
    smallest, largest = found[0], found[-1]
    figure, axes = plt.subplots(2, 3, figsize=(WIDEST, 8.2))
    draw_curves(axes[0, 0], smallest.reading)
    axes[0, 0].set_title(f"{smallest.name}: modes")
    key_below(axes[0, 0], columns=3)
    draw_heat_map(figure, axes[0, 1], smallest.reading)
    axes[0, 1].set_title(f"{smallest.name}: over target")
    cases = ((smallest.name, smallest.reading), (largest.name, largest.reading), ("whole images", whole))
    for axis, (name, reading) in zip((axes[0, 2], *axes[1, :2]), cases, strict=True):
        draw_emergence(axis, reading)
        axis.set_title(f"{name}: emergence")
    _draw_exponents(axes[1, 2], [(each.name.removeprefix("patches "), each.reading) for each in found], whole)
    label_panels(axes)
    return figure


def _draw_exponents(axis: Axes, found: list[tuple[str, Reading]], whole: Reading) -> None:
    readings = [*found, ("whole", whole)]
    kinds = (
        ("trained, geometric mean", VERMILION, -0.1, lambda reading: reading.exponents("falling")),
        ("trained, harmonic mean", GREEN, 0.1, lambda reading: reading.exponents("falling", "harmonic")),
        ("closed form, geometric mean", BLACK, 0.0, lambda reading: reading.closed_form_exponents("falling")[1]),
    )
    for label, colour, shift, of in kinds:
        for place, (_, reading) in enumerate(readings):
            draw_exponent(axis, place + shift, of(reading), "v", colour, label)
    axis.axhline(0.0, color="0.8", lw=0.8)
    axis.set_xticks(range(len(readings)), [name for name, _ in readings])
    axis.set_xlim(-0.5, len(readings) - 0.5)
    axis.set_xlabel("patches, size/stride in pixels")
    axis.set_ylabel("exponent α of falling modes")
    axis.set_title("exponents by patch size")
    key_below(axis, columns=1)


def notes(data: Arrays) -> list[str]:
    """Exponents of patches and of whole images, which are no claims where there are few models."""
    named = [(each.reading, each.name[0].upper() + each.name[1:]) for each in patches_of(data)]
    readings = [*named, (whole_images(data), "Whole images")]
    return [sentence(*each) for each in readings for sentence in (exponents_sentence, late_sentence)]
