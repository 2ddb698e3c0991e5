"""Feature maps φ(x, t) of models that are linear in their parameters: products of families, and sets side by side."""

import abc
import functools
from typing import Protocol

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.definitions.checks import check_coordinates, whole
from theory.definitions.feature_families import AbstractFamily, FourierFamily, GaussianFamily

# A place that scores are looked at: position and time.
Z = tuple[Float[Array, "*batch dim"], Float[Array, "*batch"]]


class FeatureMap(Protocol):
    """What a model linear in its parameters needs to know: F functions of (x, t)."""

    @property
    def number(self) -> int: ...

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"], /) -> Float[Array, "*batch F"]: ...


class AbstractFeatures(eqx.Module):
    """F functions φ(x, t) with the two contractions that fitting and sampling need quickly.

    Methods raise ValueError for positions with another number of coordinates than `dimension`.
    """

    @property
    @abc.abstractmethod
    def number(self) -> int:
        """F, the number of features."""

    @property
    @abc.abstractmethod
    def dimension(self) -> int:
        """D, the number of coordinates of a position."""

    @abc.abstractmethod
    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"]) -> Float[Array, "*batch features"]:
        """φ(x, t), (..., F)."""

    @abc.abstractmethod
    def gram(self, x: Float[Array, "n dim"], time: Float[Array, " n"]) -> Float[Array, "n n"]:
        """φ(x_i, t_i)·φ(x_j, t_j) without storing φ."""

    @abc.abstractmethod
    def combine(
        self, weights: Float[Array, "out features"], x: Float[Array, "n dim"], time: Float[Array, ""]
    ) -> Float[Array, "n out"]:
        """Σ_f W_of φ_f(x, t) at many positions and one time without storing φ."""


class AbstractProductFeatures(AbstractFeatures):
    """φ(x, t) = [Π_i family_i(x_i)] ⊗ family_t(t): every product of one function per coordinate.

    A model Σ_f W_f φ_f(x, t) is evaluated quickest by contracting with `of_time` first: the rest is a function of
    x alone.
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

    @property
    def dimension(self) -> int:
        """D, the number of families of positions."""
        return len(self.axes)

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


def _interval(name: str, ends: tuple[float, float]) -> tuple[float, float]:
    """The ends themselves. Raises ValueError unless they are two."""
    try:
        low, high = ends
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an interval (low, high); got {ends!r}") from None
    return low, high


class GaussianFeatures(AbstractProductFeatures):
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
        in_space, in_time = _interval("positions", positions), _interval("times", times)
        self.axes = (GaussianFamily(*in_space, per_axis),) * whole("the dimension of features", dimension)
        self.time = GaussianFamily(*in_time, per_time)


class FourierFeatures(AbstractProductFeatures):
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
        in_space, in_time = _interval("positions", positions), _interval("times", times)
        self.axes = (FourierFamily(*in_space, per_axis),) * whole("the dimension of features", dimension)
        self.time = FourierFamily(*in_time, per_time)


class FeatureSum(AbstractFeatures):
    """φ = (φ_1, φ_2, …): several sets of features side by side, localised and global ones say.

    A model in them is the sum of one model in each, W = [W_1 W_2 …]; the features of the first set come first, and its
    kernel φ·φ' is the sum of theirs. Raises ValueError without any set, and for sets of features of positions with
    different numbers of coordinates.

    >>> bumps = GaussianFeatures(1, 8, 4, positions=(-1.5, 1.5), times=(0.0, 1.0))
    >>> waves = FourierFeatures(1, 3, 1, positions=(-1.5, 1.5), times=(0.0, 1.0))
    >>> FeatureSum(bumps, waves).number
    35
    """

    parts: tuple[AbstractFeatures, ...]

    def __init__(self, *parts: AbstractFeatures) -> None:
        dimensions = sorted({part.dimension for part in parts})
        if len(dimensions) != 1:
            raise ValueError(f"the parts of a sum must be sets of features of one dimension; got {dimensions}")
        self.parts = parts

    @property
    def number(self) -> int:
        """F, that of all sets together."""
        return sum(part.number for part in self.parts)

    @property
    def dimension(self) -> int:
        """D, the same for all sets."""
        return self.parts[0].dimension

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"]) -> Float[Array, "*batch features"]:
        """φ(x, t), (..., F), one set after the other."""
        return jnp.concatenate([part(x, time) for part in self.parts], axis=-1)

    def gram(self, x: Float[Array, "n dim"], time: Float[Array, " n"]) -> Float[Array, "n n"]:
        """φ(x_i, t_i)·φ(x_j, t_j), the sum of the sets' own."""
        return functools.reduce(jnp.add, [part.gram(x, time) for part in self.parts])

    def combine(
        self, weights: Float[Array, "out features"], x: Float[Array, "n dim"], time: Float[Array, ""]
    ) -> Float[Array, "n out"]:
        """Σ_f W_of φ_f(x, t), every set by its own quick contraction."""
        shares = jnp.split(weights, np.cumsum([part.number for part in self.parts])[:-1], axis=1)
        return functools.reduce(jnp.add, [part.combine(w, x, time) for part, w in zip(self.parts, shares, strict=True)])
