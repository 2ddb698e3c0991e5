"""Feature maps φ(x, t) of models that are linear in their parameters, as products of one-dimensional families."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_coordinates

Coordinate = Float[Array, "*batch"]

_LARGEST_POLYNOMIAL = 24


class AbstractFamily(eqx.Module):
    """Functions of one coordinate; calling it on (...,) gives (..., n)."""

    @property
    @abc.abstractmethod
    def number(self) -> int:
        """How many functions the family has."""

    @abc.abstractmethod
    def __call__(self, coordinate: Coordinate) -> Float[Array, "*batch n"]:
        """All functions at every coordinate."""

    @abc.abstractmethod
    def combine(self, coefficients: Float[Array, " n"], coordinate: Coordinate) -> Coordinate:
        """Σ_j a_j f_j(u) without storing the functions: the same numbers as `self(u) @ a`."""


class GaussianFamily(AbstractFamily):
    """Normal densities N(u; c_i, w²) with n equally spaced centres from `low` to `high`, w half their spacing.

    Raises ValueError unless low < high and n ≥ 2.
    """

    low: float = eqx.field(converter=float)
    high: float = eqx.field(converter=float)
    count: int = eqx.field(converter=int)

    def __check_init__(self) -> None:
        _check_interval(self.low, self.high)
        if self.count < 2:
            raise ValueError(f"a Gaussian family needs at least two centres; got {self.count}")

    @property
    def number(self) -> int:
        return self.count

    @property
    def spacing(self) -> float:
        """Distance between neighbouring centres."""
        return (self.high - self.low) / (self.count - 1)

    def __call__(self, coordinate: Coordinate) -> Float[Array, "*batch n"]:
        width = self.spacing / 2
        centres = self.low + self.spacing * jnp.arange(self.count, dtype=coordinate.dtype)
        leading = (1,) * coordinate.ndim
        distance = (coordinate[..., None] - centres.reshape(*leading, -1)) / width
        return jnp.exp(-(distance**2) / 2) / (width * (2 * jnp.pi) ** 0.5)

    def combine(self, coefficients: Float[Array, " n"], coordinate: Coordinate) -> Coordinate:
        # With v = (u - middle)/spacing and offsets m_j = j - (n-1)/2, bump j is e^{-2v²} e^{-2m_j²} (e^{4v})^{m_j}: a
        # polynomial in e^{4v} in place of n exponentials. Positive and negative offsets are summed separately, so
        # that no power overflows while the prefactor e^{-2v²} underflows.
        # That needs e^{±2(n-1)v} to exist: with v cut off 8 spacings (16 widths, e^-128) outside the outermost
        # centres, exponents stay below 640 for n ≤ 24 in float64. Elsewhere the bumps are summed one by one.
        if coordinate.dtype != jnp.float64 or self.count > _LARGEST_POLYNOMIAL:
            return jnp.tensordot(self(coordinate), coefficients, axes=1)
        half = (self.count - 1) / 2
        offset = jnp.arange(self.count) - half
        scaled = coefficients * jnp.exp(-2 * offset**2) / (self.spacing / 2 * (2 * jnp.pi) ** 0.5)
        v = jnp.clip((coordinate - (self.low + self.high) / 2) / self.spacing, -half - 8, half + 8)
        up = jnp.exp(2 * v)
        down = 1 / up
        lower = self.count // 2
        # Offsets are half-integers for even n: e^{4v·m} = (e^{2v})^{2m} either way.
        rising = _horner(scaled[lower:], up**2) * (up if self.count % 2 == 0 else 1.0)
        falling = _horner(scaled[:lower][::-1], down**2) * (down if self.count % 2 == 0 else down**2)
        return jnp.exp(-2 * v**2) * (rising + falling)


class FourierFamily(AbstractFamily):
    """1, cos(2πku/L) and sin(2πku/L) of the lowest orders, L = high - low; n functions in all.

    An even n has one cosine more than sines, as in the published code of Vastola 2025. Raises ValueError unless
    low < high and n ≥ 1.
    """

    low: float = eqx.field(converter=float)
    high: float = eqx.field(converter=float)
    count: int = eqx.field(converter=int)

    def __check_init__(self) -> None:
        _check_interval(self.low, self.high)
        if self.count < 1:
            raise ValueError(f"a Fourier family needs at least one function; got {self.count}")

    @property
    def number(self) -> int:
        return self.count

    def __call__(self, coordinate: Coordinate) -> Float[Array, "*batch n"]:
        sines = (self.count - 1) // 2
        phase = 2 * jnp.pi / (self.high - self.low) * coordinate
        # Angle addition: two transcendental functions instead of n; the error grows like the order.
        cosine, sine = jnp.cos(phase), jnp.sin(phase)
        cosines, sines_so_far = [jnp.ones_like(coordinate)], [jnp.zeros_like(coordinate)]
        for _ in range(self.count - 1 - sines):
            last_cosine, last_sine = cosines[-1], sines_so_far[-1]
            cosines.append(last_cosine * cosine - last_sine * sine)
            sines_so_far.append(last_sine * cosine + last_cosine * sine)
        return jnp.stack([*cosines, *sines_so_far[1 : sines + 1]], axis=-1)

    def combine(self, coefficients: Float[Array, " n"], coordinate: Coordinate) -> Coordinate:
        # Clenshaw's recurrence b_k = a_k + 2 cos θ b_{k+1} - b_{k+2}: Σ a_k cos kθ = a_0 + b_1 cos θ - b_2, and with
        # the coefficients of the sines Σ a_k sin kθ = b_1 sin θ. Nothing but b_1 and b_2 is stored.
        sines = (self.count - 1) // 2
        phase = 2 * jnp.pi / (self.high - self.low) * coordinate
        cosine, sine = jnp.cos(phase), jnp.sin(phase)
        even, even_before = _clenshaw(coefficients[1 : self.count - sines], cosine)
        odd, _ = _clenshaw(coefficients[self.count - sines :], cosine)
        return coefficients[0] + even * cosine - even_before + odd * sine


def _clenshaw(coefficients: Float[Array, " n"], cosine: Coordinate) -> tuple[Coordinate, Coordinate]:
    """b_1 and b_2 of b_k = a_k + 2 cos θ b_{k+1} - b_{k+2}, for a_1, a_2, …"""
    last, before = jnp.zeros_like(cosine), jnp.zeros_like(cosine)
    for coefficient in coefficients[::-1]:
        last, before = coefficient + 2 * cosine * last - before, last
    return last, before


def _horner(coefficients: Float[Array, " n"], x: Coordinate) -> Coordinate:
    """Σ_j a_j x^j, lowest order first."""
    total = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def _check_interval(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"a feature family needs low < high; got low={low}, high={high}")


class AbstractFeatures(eqx.Module):
    """φ(x, t) = [Π_i family_i(x_i)] ⊗ family_t(t): every product of one function per coordinate.

    A model Σ_f W_f φ_f(x, t) is evaluated quickest by contracting with `of_time` first: the rest is a function of
    x alone. Methods raise ValueError for positions with another number of coordinates than there are families.
    """

    axes: eqx.AbstractVar[tuple[AbstractFamily, ...]]
    time: eqx.AbstractVar[AbstractFamily]

    @property
    def number(self) -> int:
        """F, the number of features."""
        total = self.time.number
        for family in self.axes:
            total *= family.number
        return total

    def of_position(self, x: Float[Array, "*batch dim"]) -> Float[Array, "*batch space"]:
        """The factor that depends on x, products over the axes flattened, the last axis running fastest."""
        check_coordinates(x, len(self.axes))
        product = self.axes[0](x[..., 0])
        for axis, family in enumerate(self.axes[1:], start=1):
            product = (product[..., :, None] * family(x[..., axis])[..., None, :]).reshape(*x.shape[:-1], -1)
        return product

    def of_time(self, time: Float[Array, "*batch"]) -> Float[Array, "*batch times"]:
        """The factor that depends on t."""
        return self.time(time)

    def gram(self, x: Float[Array, "n dim"], time: Float[Array, " n"]) -> Float[Array, "n n"]:
        """φ(x_i, t_i)·φ(x_j, t_j): the product over coordinates of the families' own, without the F products."""
        check_coordinates(x, len(self.axes))
        of_time = self.of_time(time)
        product = of_time @ of_time.T
        for axis, family in enumerate(self.axes):
            values = family(x[:, axis])
            product = product * (values @ values.T)
        return product

    def combine(
        self, weights: Float[Array, "out features"], x: Float[Array, "n dim"], time: Float[Array, ""]
    ) -> Float[Array, "n out"]:
        """Σ_f W_of φ_f(x, t) at many positions and one time, contracting time first and never storing φ."""
        check_coordinates(x, len(self.axes))
        of_space = weights.reshape(weights.shape[0], -1, self.time.number) @ self.of_time(time)
        if len(self.axes) == 1:
            return jnp.stack([self.axes[0].combine(row, x[:, 0]) for row in of_space], axis=-1)
        # Positions stay on the last, contiguous axis: one matrix product, then sums of products over each axis.
        first, *others = self.axes
        remaining = jnp.moveaxis(of_space.reshape(weights.shape[0], first.number, -1), 1, -1)
        total = remaining @ jnp.moveaxis(first(x[:, 0]), -1, 0)
        for axis, family in enumerate(others, start=1):
            values = jnp.moveaxis(family(x[:, axis]), -1, 0)
            total = total.reshape(weights.shape[0], family.number, -1, x.shape[0])
            total = jnp.sum(total * values[None, :, None, :], axis=1)
        return total.reshape(weights.shape[0], x.shape[0]).T

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"]) -> Float[Array, "*batch features"]:
        """φ(x, t), (..., F), the time index running fastest."""
        time = jnp.broadcast_to(time, x.shape[:-1])
        product = self.of_position(x)[..., :, None] * self.of_time(time)[..., None, :]
        return product.reshape(*x.shape[:-1], self.number)


class GaussianFeatures(AbstractFeatures):
    """Products of Gaussian bumps on a regular grid in (x, t) (Vastola 2025, Figs. 2 and 3).

    **Arguments:** `dimension` D; `per_axis` and `per_time`, centres along each coordinate of x and along t;
    `positions` and `times`, the intervals (low, high) they cover. F = per_axis^D · per_time.
    """

    axes: tuple[AbstractFamily, ...]
    time: AbstractFamily

    def __init__(
        self,
        dimension: int,
        per_axis: int,
        per_time: int,
        *,
        positions: tuple[float, float],
        times: tuple[float, float],
    ) -> None:
        self.axes = (GaussianFamily(*positions, per_axis),) * _check_dimension(dimension)
        self.time = GaussianFamily(*times, per_time)


class FourierFeatures(AbstractFeatures):
    """Products of low-order sines and cosines in (x, t) (Vastola 2025, Fig. 3). Arguments as `GaussianFeatures`."""

    axes: tuple[AbstractFamily, ...]
    time: AbstractFamily

    def __init__(
        self,
        dimension: int,
        per_axis: int,
        per_time: int,
        *,
        positions: tuple[float, float],
        times: tuple[float, float],
    ) -> None:
        self.axes = (FourierFamily(*positions, per_axis),) * _check_dimension(dimension)
        self.time = FourierFamily(*times, per_time)


def _check_dimension(dimension: int) -> int:
    if dimension < 1:
        raise ValueError(f"features need at least one coordinate; got dimension={dimension}")
    return dimension
