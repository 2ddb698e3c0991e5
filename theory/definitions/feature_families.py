"""Families of functions of one coordinate, the factors of feature maps."""

import abc
import math
from functools import partial

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.arrays import Scalar, scalar
from theory.definitions.checks import checked_numbers, whole

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

    Raises ValueError unless low < high and n = 2, 3, ….
    """

    low: Scalar = eqx.field(converter=scalar)
    high: Scalar = eqx.field(converter=scalar)
    count: int = eqx.field(converter=partial(whole, "the centres of a Gaussian family", least=2), static=True)

    def __check_init__(self) -> None:
        _length(self.low, self.high)

    @property
    def number(self) -> int:
        return self.count

    @property
    def spacing(self) -> Scalar:
        """Distance between neighbouring centres."""
        return _length(self.low, self.high) / (self.count - 1)

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
    low < high and n = 1, 2, ….
    """

    low: Scalar = eqx.field(converter=scalar)
    high: Scalar = eqx.field(converter=scalar)
    count: int = eqx.field(converter=partial(whole, "the functions of a Fourier family"), static=True)

    def __check_init__(self) -> None:
        _length(self.low, self.high)

    @property
    def number(self) -> int:
        return self.count

    def __call__(self, coordinate: Coordinate) -> Float[Array, "*batch n"]:
        sines = (self.count - 1) // 2
        phase = 2 * jnp.pi / _length(self.low, self.high) * coordinate
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
        phase = 2 * jnp.pi / _length(self.low, self.high) * coordinate
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


def _length(low: Scalar, high: Scalar) -> Scalar:
    """Of the interval. Raises ValueError unless low < high, both finite; NaN where that is traced and does not hold."""
    requirement = "the interval of a feature family must have finite low < high"
    inside = (-math.inf < low) & (low < high) & (high < math.inf)
    low, high = checked_numbers(requirement, inside, low=low, high=high)
    return high - low
