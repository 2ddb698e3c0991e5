"""Second moments of the data: mean, variances λ_k and the basis u_k in which the theory is diagonal."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.scipy.special import ndtri
from jaxtyping import Array, ArrayLike, Float, Int

from theory.definitions.arrays import default_floating, floating
from theory.definitions.checks import check_coordinates, check_integer, nan_unless, whole
from theory.definitions.sample_moments import sample_moments


def _not_negative(variance: ArrayLike) -> Float[Array, " modes"]:
    """Floating-point numbers; NaN in place of traced variances below zero, while those that are known are checked."""
    variance = floating(variance)
    return nan_unless(variance >= 0, variance) if isinstance(variance, Tracer) else variance


class Spectrum(eqx.Module):
    """Mean, variances λ_k and orthonormal basis u_k (columns) of the data covariance Σ = Σ_k λ_k u_k u_kᵀ.

    `basis=None` stands for the identity, so that a diagonal spectrum of thousands of modes stays O(d). A variance
    of exactly zero is a mode without data (rank-deficient samples); the closed forms take their limit there.
    Raises ValueError for shapes that do not fit, NaN, a negative variance (traced, it becomes NaN), and a basis that is
    not orthonormal.
    """

    mean: Float[Array, " modes"] = eqx.field(converter=floating)
    variance: Float[Array, " modes"] = eqx.field(converter=_not_negative)
    basis: Float[Array, "modes modes"] | None = eqx.field(
        default=None, converter=lambda basis: None if basis is None else floating(basis)
    )

    def __check_init__(self) -> None:
        if self.variance.ndim != 1 or self.mean.shape != self.variance.shape:
            raise ValueError(
                f"mean and variance must be of one shape (d,); got {self.mean.shape} and {self.variance.shape}"
            )
        if self.basis is not None and self.basis.shape != 2 * self.variance.shape:
            raise ValueError(
                f"the basis must be a square matrix of {self.variance.size} modes; got shape {self.basis.shape}"
            )

        if any(isinstance(array, Tracer) for array in (self.mean, self.variance, self.basis)):
            return
        # Checks of values are NumPy's here and below: JAX would compile each of their steps at the first call.
        mean, variance = np.asarray(self.mean), np.asarray(self.variance)
        if not (np.isfinite(mean).all() and np.all(np.isfinite(variance) & (variance >= 0))):
            raise ValueError(
                "the mean must be finite and the variances finite and not negative; got NaN, inf or less than zero"
            )
        if self.basis is not None and not np.isfinite(np.asarray(self.basis)).all():
            raise ValueError("the basis must be finite; got NaN or inf")
        if self.basis is not None and not _orthonormal(np.asarray(self.basis)):
            raise ValueError("the columns of the basis must be orthonormal; got some that are not")

    @property
    def dimension(self) -> int:
        """Number of modes d."""
        return self.variance.shape[0]

    @property
    def mode_mean(self) -> Float[Array, " modes"]:
        """Coordinates u_kᵀμ of the mean."""
        return self.mean if self.basis is None else self.mean @ self.basis

    @classmethod
    def from_variances(cls, variance: ArrayLike) -> "Spectrum":
        """Spectrum with the given variances in the order given, identity basis and zero mean.

        Raises ValueError unless `variance` is a vector of finite positive numbers.
        """
        variance = default_floating(variance)
        if variance.ndim != 1 or variance.size == 0:
            raise ValueError(f"variances must be a non-empty vector; got shape {variance.shape}")
        if isinstance(variance, Tracer):
            variance = nan_unless((variance > 0) & jnp.isfinite(variance), variance)
        elif not np.all(np.isfinite(given := np.asarray(variance)) & (given > 0)):
            raise ValueError(f"variances must be finite and positive; got a smallest of {given.min()}")
        return cls(jnp.zeros_like(variance), variance)

    @classmethod
    def from_samples(cls, x: Float[ArrayLike, "n d"]) -> "Spectrum":
        """Spectrum of the sample covariance Σ = (1/n) Σ_i (x_i - μ)(x_i - μ)ᵀ, variances in decreasing order.

        Normalised by n, not n - 1: a network trained on these samples sees exactly this covariance. Accumulated in
        float64, and given in the samples' precision. Raises ValueError unless x is (n, d) with n ≥ 2, real, finite and
        not constant, and if the variances do not fit into that precision (samples of 1e200, say). Traced samples are
        accumulated in their own precision, and those that are constant give NaN. Derivatives of the basis do not exist
        where variances are equal, as are those of rank-deficient samples.
        """
        if isinstance(x, Tracer):
            return cls._from_traced_samples(x)
        x = np.asarray(x)
        _check_samples(x.shape)
        if not (np.issubdtype(x.dtype, np.integer) or np.issubdtype(x.dtype, np.floating) or x.dtype == bool):
            raise ValueError(f"samples must be real numbers; got {x.dtype}")
        moments = sample_moments(x)
        variance, basis = np.linalg.eigh(moments.scaled_covariance)
        # Round-off makes zero variances slightly negative.
        dtype = floating(x[:0]).dtype
        variance = _in_range(np.maximum(variance[::-1], 0.0), moments.unit, np.promote_types(dtype, np.float32))
        return cls(*(jnp.asarray(part, variance.dtype) for part in (moments.mean, variance, basis[:, ::-1].copy())))

    @classmethod
    def _from_traced_samples(cls, x: Float[Array, "n d"]) -> "Spectrum":
        """The same where samples have no values to look at; NaN for constant ones."""
        _check_samples(x.shape)
        x = floating(x)
        mean = jnp.mean(x, axis=0)
        centred = x - mean[None]
        variance, basis = jnp.linalg.eigh(centred.T @ centred / len(x))
        varies = variance[-1] > (16 * jnp.finfo(x.dtype).eps * jnp.max(jnp.abs(x))) ** 2
        return cls(mean, nan_unless(varies, jnp.maximum(variance[::-1], 0.0)), basis[:, ::-1])

    @classmethod
    def power_law(cls, dimension: int, exponent: float, scale: float = 1.0) -> "Spectrum":
        """λ_k = scale · k^-exponent for k = 1 … d."""
        dimension = whole("the dimension of a spectrum", dimension)
        return cls.from_variances(scale * jnp.arange(1, dimension + 1, dtype=float) ** (-exponent))

    @classmethod
    def log_normal(cls, dimension: int, median: float = 1.0, log_std: float = 1.0) -> "Spectrum":
        """The d mid-quantiles of a log-normal law: ln λ_k = ln median + log_std · Φ⁻¹(1 - (k-½)/d)."""
        dimension = whole("the dimension of a spectrum", dimension)
        order = jnp.arange(dimension, dtype=float) + 0.5
        # From the nearer tail: near one a quantile loses the digits of its distance to one.
        tail = -ndtri(jnp.minimum(order, dimension - order) / dimension)
        return cls.from_variances(median * jnp.exp(log_std * jnp.where(order < dimension / 2, tail, -tail)))

    @classmethod
    def from_autocovariance(cls, autocovariance: Float[ArrayLike, "*grid"]) -> "Spectrum":
        """Spectrum of stationary data on a ring or torus, from r(j) = Cov(x_i, x_{i+j}) for every offset j, zero first.

        `autocovariance` is (N,) for a ring or (H, W) for a periodic image. λ_k = Σ_j r(j) e^{-2πi k·j/N} with the real
        Fourier modes of `fourier_basis` as basis, frequencies k and pixels both in row order: on a ring k = 0 … N-1
        (cosines for k ≤ N/2, sines above), on a torus mode k_1 W + k_2 belongs to (k_1, k_2). Summed in float64, in
        which small variances beside large ones keep their digits, unless r is traced. Raises ValueError unless r is
        symmetric, r(j) = r(-j), with a spectrum ≥ 0; a traced one that is not gives NaN.
        """
        given, autocovariance = autocovariance, default_floating(autocovariance)
        if autocovariance.ndim not in (1, 2) or autocovariance.size == 0:
            raise ValueError(f"an autocovariance must be a vector or a matrix; got shape {autocovariance.shape}")
        if isinstance(autocovariance, Tracer):
            variance = _traced_spectrum(autocovariance)
        else:
            variance = _spectrum_of(np.asarray(given, dtype=float), autocovariance.dtype)
        return cls(jnp.zeros_like(variance), variance, fourier_basis(autocovariance.shape))

    def to_modes(self, x: Float[Array, "*batch modes"]) -> Float[Array, "*batch modes"]:
        """Coordinates u_kᵀ(x - μ)."""
        centred = x - jnp.broadcast_to(self.mean, jnp.shape(x))
        return centred if self.basis is None else centred @ self.basis

    def from_modes(self, coordinates: Float[Array, "*batch modes"]) -> Float[Array, "*batch modes"]:
        """μ + Σ_k u_k a_k, the inverse of `to_modes`. Raises ValueError for another number of coordinates."""
        coordinates = floating(coordinates)
        check_coordinates(coordinates, self.dimension)
        x = coordinates if self.basis is None else coordinates @ self.basis.T
        return x + jnp.broadcast_to(self.mean, x.shape)

    def matrix(self, diagonal: Float[Array, "*batch modes"]) -> Float[Array, "*batch modes modes"]:
        """U diag(a) Uᵀ: the matrix whose action on mode k is multiplication by a_k."""
        if self.basis is None:
            return diagonal[..., None] * jnp.broadcast_to(
                jnp.eye(self.dimension, dtype=diagonal.dtype), (*diagonal.shape, self.dimension)
            )
        columns = jnp.broadcast_to(self.basis, (*diagonal.shape, self.dimension)) * diagonal[..., None, :]
        return columns @ self.basis.T


def _spectrum_of(autocovariance: Float[np.ndarray, "*grid"], dtype: np.dtype) -> Float[Array, " modes"]:
    """λ_k in a precision. Raises ValueError for what is no autocovariance, beyond the round-off of that precision."""
    if not np.allclose(autocovariance, reflected(jnp.asarray(autocovariance))):
        raise ValueError("an autocovariance on a ring or torus must satisfy r(j) = r(-j), offsets modulo its shape")
    variance = np.fft.fftn(autocovariance).real
    smallest, largest = np.min(variance), np.max(np.abs(variance))
    if not smallest > -1e3 * np.finfo(dtype).eps * largest:
        raise ValueError(f"the spectrum of an autocovariance must be zero or more; got a smallest value of {smallest}")
    return jnp.asarray(np.maximum(variance, 0.0).ravel(), dtype)


def _traced_spectrum(autocovariance: Float[Array, "*grid"]) -> Float[Array, " modes"]:
    """The same where there are no values to look at, in the array's own precision; NaN for what is none."""
    variance = jnp.fft.fftn(autocovariance).real
    symmetric = jnp.allclose(autocovariance, reflected(autocovariance))
    lowest = -1e3 * jnp.finfo(variance.dtype).eps * jnp.max(jnp.abs(variance))
    variance = nan_unless(symmetric & (jnp.min(variance) > lowest), variance)
    # Round-off below zero counts as zero; the derivative passes, also where a variance is exactly zero.
    return (variance + jax.lax.stop_gradient(jnp.maximum(variance, 0.0) - variance)).ravel()


def _orthonormal(basis: Float[np.ndarray, "d d"]) -> bool:
    """Whether UᵀU v = v for one vector v that was drawn at random: as good as for all, at the cost of two products."""
    probe = np.random.default_rng([0]).standard_normal(len(basis)).astype(basis.dtype)
    return bool(np.all(np.abs(basis.T @ (basis @ probe) - probe) < 1e-4 * np.sqrt(len(basis))))


def _in_range(scaled: Float[np.ndarray, " d"], unit: float, dtype: np.dtype) -> Float[np.ndarray, " d"]:
    """Variances given in units of `unit`², in a precision. Raises ValueError where the largest does not fit."""
    with np.errstate(over="ignore", under="ignore"):
        variance = (scaled * unit * unit).astype(dtype)
    if not np.finfo(dtype).tiny <= variance[0] < np.inf:
        raise ValueError(f"variances of samples that vary by {unit:.1g} do not fit into {dtype}; rescale the samples")
    return variance


def _check_samples(shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or shape[0] < 2 or shape[1] < 1:
        raise ValueError(f"samples must be an array of shape (n, d) with n >= 2; got shape {shape}")


def reflected(x: Float[Array, "*grid"]) -> Float[Array, "*grid"]:
    """x(-j), offsets modulo the shape."""
    axes = tuple(range(x.ndim))
    return jnp.roll(jnp.flip(x, axes), (1,) * x.ndim, axes)


def fourier_basis(grid: int | tuple[int, ...]) -> Float[Array, "n n"]:
    """Real orthonormal Fourier modes on a ring of N points or a torus of H×W, as columns, in row order.

    On a ring column k is √(2/N) cos(2πkj/N) for k ≤ N/2 and √(2/N) sin(2π(N-k)j/N) above; 1/√N normalisation for
    k = 0 and k = N/2. On a torus the phase is 2π(k_1 j_1/H + k_2 j_2/W): the cosine in the column of whichever of
    (k_1, k_2) and (-k_1, -k_2) comes first, the sine in that of the other. Raises ValueError unless the lengths of the
    grid are 1, 2, ….
    """
    grid = whole_lengths("the lengths of a grid", grid)
    size = int(np.prod(grid))
    places = np.indices(grid).reshape(len(grid), size)
    opposite = np.ravel_multi_index(tuple(-places), grid, mode="wrap")
    wave = np.arange(size)
    cosine, sine = fourier_transform(grid, places)
    normalisation = jnp.asarray(np.sqrt(np.where(wave == opposite, 1, 2) / size))
    return normalisation[None] * jnp.where(jnp.asarray(wave <= opposite)[None], cosine, -sine)


def fourier_transform(
    grid: tuple[int, ...], offsets: Int[np.ndarray, "axes taps"]
) -> tuple[Float[Array, "taps n"], Float[Array, "taps n"]]:
    """cos and sin of 2π Σ_a k_a o_a/N_a for each offset o and each frequency k in row order, so that Re ŵ = w @ cos."""
    size = int(np.prod(grid))
    turns = _turns(offsets, np.indices(grid).reshape(len(grid), size), grid)
    cosine, sine = (jnp.asarray(table)[turns] for table in _unit_circle(size))
    return cosine, sine


def _turns(left: np.ndarray, right: np.ndarray, grid: tuple[int, ...]) -> Int[np.ndarray, "left right"]:
    """Σ_a left_a right_a/N_a in units of 1/N, modulo N = Π_a N_a: integers, so that phases stay exact for large N."""
    size = int(np.prod(grid))
    total = sum(size // length * np.multiply.outer(x, y) for x, y, length in zip(left, right, grid, strict=True))
    return np.asarray(total % size, dtype=np.int32)


def _unit_circle(size: int) -> tuple[np.ndarray, np.ndarray]:
    phase = 2 * np.pi * np.arange(size) / size
    dtype = jnp.zeros(()).dtype
    return np.cos(phase).astype(dtype), np.sin(phase).astype(dtype)


def stationary_autocovariance(x: Float[ArrayLike, "n *grid"]) -> Float[Array, "*grid"]:
    """r(j) = (1/nN) Σ_{s,i} x_{s,i} x_{s,i+j} on a ring or torus: the covariance averaged over all shifts.

    Samples are centred by their overall mean first (stationary data have one mean for all positions). Raises
    ValueError unless x is (n, N) or (n, H, W).
    """
    x = default_floating(x)
    if x.ndim not in (2, 3):
        raise ValueError(f"stationary data must have shape (n, N) or (n, H, W); got shape {x.shape}")
    axes = tuple(range(1, x.ndim))
    power = jnp.mean(jnp.abs(jnp.fft.fftn(x - jnp.mean(x), axes=axes)) ** 2, axis=0) / x[0].size
    return jnp.fft.ifftn(power).real


def shift_average(covariance: Float[ArrayLike, "n n"], grid: int | tuple[int, ...]) -> Float[Array, "*grid"]:
    """r(o) = (1/N) Σ_i Σ_{i,i+o}: the autocovariance of (1/N) Σ_j S^j Σ S^-j, the covariance averaged over all shifts.

    A full-width convolution trained on data of covariance Σ is the same as on data augmented by all shifts
    (Wang & Pehlevan 2025, App. G.3.2). Σ is taken about one mean for all positions, pixels in row order. Raises
    ValueError unless Σ is (N, N) for a grid of N points.
    """
    covariance = default_floating(covariance)
    grid = whole_lengths("the lengths of a grid", grid)
    size = int(np.prod(grid))
    if covariance.shape != (size, size):
        raise ValueError(f"a covariance on a grid of shape {grid} must be ({size}, {size}); got {covariance.shape}")
    places = np.indices(grid).reshape(len(grid), size)
    partner = np.ravel_multi_index(tuple(places[:, :, None] + places[:, None, :]), grid, mode="wrap")
    return jnp.mean(covariance[np.arange(size)[None], partner], axis=1).reshape(grid)


def patch_offsets(width: int | tuple[int, ...], grid: tuple[int, ...]) -> Int[np.ndarray, "axes taps"]:
    """Offsets of the taps of a centred filter in row order, -(K // 2) … K - 1 - K // 2 along each axis of width K.

    Raises ValueError unless 1 ≤ K ≤ N along each axis. One number stands for the same width along every axis.
    """
    widths = whole_lengths("patch width", width, axes=len(grid))
    if len(widths) != len(grid):
        raise ValueError(f"widths on a grid of shape {grid} must be one per axis; got {widths}")
    for each, length in zip(widths, grid, strict=True):
        if each > length:
            raise ValueError(f"patch width must lie between 1 and {length}; got {each}")
    return np.indices(widths).reshape(len(grid), -1) - (np.asarray(widths) // 2)[:, None]


def whole_lengths(name: str, lengths: int | tuple[int, ...], *, axes: int = 1) -> tuple[int, ...]:
    """One whole number per axis as Python integers; a single one stands for all `axes`. Raises as `check_whole`."""
    check_integer(name, lengths)
    several = lengths if isinstance(lengths, Sequence | np.ndarray) and np.ndim(lengths) else (lengths,) * axes
    return tuple(whole(name, length) for length in several)


def patch_covariance(
    autocovariance: Float[ArrayLike, "*grid"], width: int | tuple[int, ...]
) -> Float[Array, "taps taps"]:
    """Covariance of a patch of neighbouring points of stationary data: r(o' - o) between the points at o and o'.

    Symmetric Toeplitz on a ring, block Toeplitz on a torus with the points of the patch in row order (Wang & Pehlevan
    2025, App. G.4). `width` is an integer, or one per axis. Raises ValueError unless 1 ≤ width ≤ N along each axis.
    """
    autocovariance = floating(autocovariance)
    offsets = patch_offsets(width, autocovariance.shape)
    difference = offsets[:, None, :] - offsets[:, :, None]
    return autocovariance.ravel()[np.ravel_multi_index(tuple(difference), autocovariance.shape, mode="wrap")]
