"""Built-in data sets, without downloads: photograph patches, handwritten digits, two moons, Gaussians and point masses.

Data sets are arrays of shape (n, d), one sample per row; pixels run from -1 (black) to 1 (white).
Users' own files are read by `sims.data.user_files`.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray
from numpy.typing import ArrayLike
from sklearn.datasets import load_digits, load_sample_images, make_moons

from theory.definitions.checks import whole_arguments

REC601_LUMA = np.array([0.299, 0.587, 0.114])
_NAMES = ("temple", "flower")  # what the photographs show, in the order of scikit-learn


def _photographs(channels: str) -> Float[np.ndarray, "photograph height width channel"]:
    """The two photographs that scikit-learn ships, scaled to [-1, 1]."""
    pixels = np.stack(load_sample_images().images) / 127.5 - 1.0
    if channels == "colour":
        return pixels
    # The weights sum to one only up to rounding, so a white pixel could come out one ulp above 1.
    return np.clip(pixels @ REC601_LUMA, -1.0, 1.0)[..., np.newaxis]


@whole_arguments("count", "size")
def natural_image_patches(
    key: PRNGKeyArray,
    *,
    count: int,
    size: int = 8,
    channels: Literal["grey", "colour"] = "grey",
    of: Literal["both", "temple", "flower"] = "both",
) -> Float[np.ndarray, "count pixels"]:
    """Square patches at uniformly random places of the two photographs that scikit-learn ships.

    Places are drawn with replacement and patches may overlap.

    **Arguments:** `key`, the random key; the same key gives the same patches, in 32-bit and in 64-bit mode; `count`,
    number of patches; `size`, side of a patch in pixels, at most the shorter side of the photographs (427); `channels`,
    `"grey"` for the Rec. 601 luma 0.299 R + 0.587 G + 0.114 B, `"colour"` for RGB; `of`, both photographs, with
    equal odds, or one of them.

    **Returns:** Shape (count, size * size) or (count, size * size * 3), values in [-1, 1]; a row reshapes to (size,
    size) or (size, size, 3).

    Raises ValueError unless `count` and `size` are 1, 2, …, for a size beyond the photographs, unknown channels, and a
    photograph that is not there.
    """
    if channels not in ("grey", "colour"):
        raise ValueError(f"channels must be 'grey' or 'colour'; got {channels!r}")
    if not isinstance(of, str) or of not in ("both", *_NAMES):
        raise ValueError(f"of must be 'both', 'temple' or 'flower'; got {of!r}")
    photographs = _photographs(channels)
    number, height, width, _ = photographs.shape
    if size > min(height, width):
        raise ValueError(
            f"the patch size must lie between 1 and {min(height, width)}, the shorter side of the {height} x {width} "
            f"photographs; got {size}"
        )
    windows = np.lib.stride_tricks.sliding_window_view(photographs, (size, size), axis=(1, 2))
    windows = np.moveaxis(windows, 3, -1)  # (photograph, row, column, size, size, channel), still a view

    def uniform_index(index_key: PRNGKeyArray, length: int) -> np.ndarray:
        return np.asarray(jax.random.randint(index_key, (count,), 0, length, dtype=jnp.int32))

    photograph_key, row_key, column_key = jax.random.split(key, 3)
    photograph = uniform_index(photograph_key, number) if of == "both" else np.full(count, _NAMES.index(of))
    row = uniform_index(row_key, height - size + 1)
    column = uniform_index(column_key, width - size + 1)
    return windows[photograph, row, column].reshape(count, -1)


def digits() -> Float[np.ndarray, "1797 64"]:
    """The handwritten digits of 8 x 8 pixels that scikit-learn ships, scaled to [-1, 1]; shape (1797, 64)."""
    grey_levels, _ = load_digits(return_X_y=True)  # 0 to 16
    return grey_levels / 8.0 - 1.0


def digit_classes() -> Int[np.ndarray, " 1797"]:
    """Which digit each of `digits` is, 0 to 9."""
    return load_digits(return_X_y=True)[1]


@whole_arguments("count")
def two_moons(key: PRNGKeyArray, *, count: int, noise: float = 0.05) -> Float[np.ndarray, "count 2"]:
    """Two half circles that reach into each other, each of radius one, with normal noise of that deviation.

    Raises ValueError unless `count` is 1, 2, … and the noise is zero or more.
    """
    if not noise >= 0:
        raise ValueError(f"noise must be zero or more; got {noise}")
    seed = int(jax.random.randint(key, (), 0, 2**31 - 1, dtype=jnp.int32))
    points, _ = make_moons(count, noise=noise, random_state=seed)
    return np.asarray(points)


@whole_arguments("count")
def gaussian_samples(
    key: PRNGKeyArray, *, count: int, mean: ArrayLike, variances: ArrayLike, basis: ArrayLike | None = None
) -> Float[np.ndarray, "count d"]:
    """Samples of N(mean, U diag(variances) Uᵀ), drawn as x = mean + U · sqrt(variances) · z with z ~ N(0, I).

    **Arguments:** `key`, the random key; normal variates are drawn in JAX's default float precision; `count`, number of
    samples; `mean`, shape (d,); `variances`, shape (k,), none negative; zeros are allowed; `basis`, U, shape (d, k),
    one mode per column; the identity (then k = d) when not given.

    **Returns:** Shape (count, d).

    Raises ValueError unless `count` is 1, 2, …, for a negative or NaN variance, and shapes that do not fit together.
    """
    mean, variances = np.asarray(mean, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    basis = np.eye(mean.size) if basis is None else np.asarray(basis, dtype=np.float64)
    if mean.ndim != 1 or variances.ndim != 1 or basis.shape != (mean.size, variances.size):
        raise ValueError(
            "mean, variances and basis must have the shapes (d,), (k,) and (d, k); got "
            f"{mean.shape}, {variances.shape} and {basis.shape}"
        )
    if not np.all(variances >= 0.0):
        raise ValueError(f"variances must be zero or more; got {variances.min()}")
    normal = np.asarray(jax.random.normal(key, (count, variances.size)), dtype=np.float64)
    return mean + (np.sqrt(variances) * normal) @ basis.T


def triple() -> Float[np.ndarray, "3 1"]:
    """The one-dimensional point masses -1, 0, 1 of Vastola 2025, Fig. 2; shape (3, 1)."""
    return np.array([[-1.0], [0.0], [1.0]])


@whole_arguments("vertices")
def polygon(vertices: int, angle: float = 0.0, radius: float = 1.0) -> Float[np.ndarray, "vertices 2"]:
    """Corners of a regular polygon about the origin, counter-clockwise; `polygon(6)` is Vastola 2025, Fig. 1.

    **Arguments:** `vertices`, number of corners; `angle`, where the first corner lies, in radians from the first axis;
    `radius`, distance of the corners from the origin.

    **Returns:** Shape (vertices, 2).

    Raises ValueError unless `vertices` is 1, 2, ….
    """
    angles = angle + 2.0 * np.pi * np.arange(vertices) / vertices
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def line() -> Float[np.ndarray, "6 2"]:
    """Six equally spaced point masses from (-1, -1) to (1, 1), Vastola 2025, Fig. 1; shape (6, 2)."""
    coordinate = np.linspace(-1.0, 1.0, 6)
    return np.stack([coordinate, coordinate], axis=1)


def l_shape() -> Float[np.ndarray, "6 2"]:
    """Six point masses in the shape of an L, Vastola 2025, Fig. 1; shape (6, 2)."""
    horizontal = [-1.0, -1.0, -1.0, 0.0, 0.5, 1.0]
    vertical = [-1.0, 0.0, 1.0, -1.0, -1.0, -1.0]
    return np.stack([horizontal, vertical], axis=1)


def random_points() -> Float[np.ndarray, "6 2"]:
    """The six irregularly placed, but fixed, point masses of Vastola 2025, Fig. 1; shape (6, 2)."""
    horizontal = [-1.0, -0.9, -0.3, 0.1, 0.2, 0.9]
    vertical = [-1.0, 1.0, 0.2, -0.1, -0.1, 0.7]
    return np.stack([horizontal, vertical], axis=1)


def rotated_square(angle: float) -> Float[np.ndarray, "4 2"]:
    """Four point masses on the unit circle, the first at `angle` radians; Vastola 2025, Fig. 3 (0, π/8, π/4).

    Shape (4, 2).
    """
    return polygon(4, angle)
