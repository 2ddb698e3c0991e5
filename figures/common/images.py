"""Blocks of sample images, one for each time of training, beside the data."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure


def draw_images(figure: Figure, cell, generated: Iterable[np.ndarray], real: np.ndarray, titles: Sequence[str]) -> None:
    """A square of images (n, h, w) or (n, h, w, 3) for each title, in one scale of brightness; the data last."""
    blocks = [*generated, real]
    centre, spread = real.mean(), 2.2 * real.std()
    grid = cell.subgridspec(1, len(blocks), wspace=0.06)
    for column, (images, title) in enumerate(zip(blocks, [*titles, "data"], strict=True)):
        axis = figure.add_subplot(grid[0, column])
        brightness = np.clip((_mosaic(images) - centre + spread) / (2 * spread), 0, 1)
        axis.imshow(np.where(np.isnan(brightness), 1.0, brightness), cmap="gray", vmin=0, vmax=1)
        axis.set_title(title)
        axis.set_axis_off()


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Images in a square, with NaN lines between them and NaN where there are too few."""
    side = int(np.ceil(np.sqrt(len(images))))
    missing = np.full((side**2 - len(images), *images.shape[1:]), np.nan)
    images = np.concatenate([images, missing])
    framed = [np.pad(image, ((0, 1), (0, 1), (0, 0))[: image.ndim], constant_values=np.nan) for image in images]
    rows = [np.concatenate(framed[row * side : (row + 1) * side], axis=1) for row in range(side)]
    return np.concatenate(rows, axis=0)[:-1, :-1]
