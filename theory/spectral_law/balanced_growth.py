"""How one mode of balanced layers grows: the implicit solution of dψ/dT = ψ^{2-2/L} (h - sψ), inverted (App. F.3)."""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from theory.numerics.special import relaxation_filter
from theory.spectral_law.regression import ModeRegression, Modes, saturated

# With a = 1 - 2/L, b = 1 + a and T = 2ηLτ the equation is dψ/dT = ψ^b (h - sψ). In units of its fixed point, with the
# time t = T|h|(|h|/s)^a, it has no parameter but a, and moves u from 0 towards 1 or back:
#
#   below the optimum   u = sψ/h           t = ∫ u^{-a-1} (1 - u)^{-1} du
#   above it            u = h/(sψ)         t = ∫ u^{a}    (1 - u)^{-1} du
#   h < 0               u = r/(1 + r), r = sψ/|h|   t = -∫ u^{-a-1} (1 - u)^{a} du
#
# These are the paper's hypergeometric functions. Each is a power series about the nearer of u = 0 and u = 1, of ratio
# at most 1/2, which 21 Chebyshev polynomials on that half represent to round-off. They are inverted by Newton's method
# in a variable w(z), z = ln u/(1 - u), that does to leading order at both ends what the integral does: dt/dw stays
# between 2^-b and 2^b everywhere, so that a few steps from w(z_0) + t suffice at any depth, however small Q is.
# Integrals are measured from the end where they vanish, so that nothing cancels for Q ≫ ψ*.

_TERMS = 60  # of the power series
_DEGREE = 21  # of the Chebyshev series: the singularity at the other end leaves 5.8^-21
_NEWTON_STEPS = 5
# Within this relative distance of the optimum the linear law is exact to round-off.
_NEAR = 1e-8


class _Course(NamedTuple):
    """Which of the three integrals each element follows; none of both is the one below the optimum."""

    above: Array
    negative: Array  # h < 0; measured from u = 1, as u falls


class _Piece(NamedTuple):
    """One half of an integral: ∫ x^{exponent-1} (1-x)^{other-1} dx for x = u or 1 - u up to 1/2."""

    exponent: float
    other: float


@functools.cache
def _pieces(a: float) -> tuple[_Piece, ...]:
    """The halves u < 1/2 and u > 1/2 of the integral below the optimum, of that above it, and of that for h < 0."""
    b = 1 + a
    return (_Piece(-a, 0.0), _Piece(0.0, -a), _Piece(b, 0.0), _Piece(0.0, b), _Piece(-a, b), _Piece(b, -a))


@functools.cache
def _series(piece: _Piece) -> np.ndarray:
    """Chebyshev coefficients on [0, 1/2] of Σ_{k≥1} c_k x^k, what x^{exponent} multiplies beyond the first term.

    c_k = (1 - other)_k/[k!(exponent + k)], the power series of the piece.
    """
    order = np.arange(1, _TERMS + 1)
    powers = np.cumprod((order - piece.other) / order) / (piece.exponent + order)

    def summed(t: np.ndarray) -> Any:
        return np.polynomial.polynomial.polyval((1 + t) / 4, np.concatenate([[0.0], powers]))

    return np.polynomial.chebyshev.chebinterpolate(summed, _DEGREE)


def _half_way(piece: _Piece) -> float:
    """The piece at x = 1/2."""
    log_x = -math.log(2.0)
    series = float(np.polynomial.chebyshev.chebval(1.0, _series(piece)))
    power = math.exp(piece.exponent * log_x)
    if piece.exponent > 0:
        first = power / piece.exponent
    else:
        first = log_x if piece.exponent == 0 else math.expm1(piece.exponent * log_x) / piece.exponent
    return first + power * series


def _by_course(course: _Course, below: Any, above: Any, negative: Any) -> Array:
    return jnp.where(course.negative, negative, jnp.where(course.above, above, below))


def _elapsed(a: float, course: _Course, z: Array) -> Array:
    """The integral as a function of z = ln u/(1-u); it grows with the time that has passed.

    A piece is x^{exponent} times its series, and a first term: x^{exponent}/exponent if it is measured from x = 0 (a
    positive exponent), (x^{exponent} - 1)/exponent otherwise. All six have their series summed in one recurrence, with
    every element's own coefficients: what is compiled stays small, and each element pays for one piece.
    """
    b, pieces = 1 + a, _pieces(a)
    near_left, log_x = z < 0, -jax.nn.softplus(jnp.abs(z))
    piece = jnp.where(near_left, 0, 1) + _by_course(course, 0, 2, 4)
    t = 4 * jnp.exp(log_x) - 1
    table = jnp.asarray(np.stack([_series(each) for each in pieces], axis=1), z.dtype)  # (degree + 1, pieces)

    def own(row: Array) -> Array:
        return jax.lax.select_n(piece, *(jnp.full_like(t, coefficient) for coefficient in row))

    def clenshaw(last: tuple[Array, Array], row: Array) -> tuple[tuple[Array, Array], None]:
        high, higher = last
        return (own(row) + 2 * t * high - higher, high), None

    (high, higher), _ = jax.lax.scan(clenshaw, (jnp.zeros_like(t), jnp.zeros_like(t)), table[:0:-1], unroll=True)
    from_zero, logarithmic = (course.above & near_left) | (course.negative & ~near_left), ~course.negative & ~near_left
    power = jnp.exp(jnp.where(from_zero, b, jnp.where(logarithmic, 0.0, -a)) * log_x)
    first = jnp.where(from_zero, power / b, jnp.where(logarithmic, log_x, relaxation_filter(a, log_x)))
    value = first + power * (own(table[0]) + t * high - higher)
    joined = [_half_way(pieces[i]) + _half_way(pieces[i + 1]) for i in (0, 2, 4)]
    return jnp.where(near_left ^ course.negative, value, _by_course(course, *joined) - value)


def _inverse_end(a: float, course: _Course, w: Array) -> Array:
    """z(w), see `_end`."""
    b = 1 + a
    # Both powers are of u = 0 (above the optimum) or 1 - u = 0 (h < 0); `w` counts from there up to 1/b.
    counted = (course.above | course.negative) & (w < 1 / b)
    logarithm = jnp.log(jnp.where(counted, b * w, 1.0)) / b
    filtered = jnp.where(course.negative, 1 / b - w, jnp.minimum(w, 0.0))
    relaxed = relaxation_inverse(a, jnp.minimum(filtered, 0.0))
    below = jnp.where(w < 0, relaxed, w)
    above = jnp.where(w < 1 / b, logarithm, w - 1 / b)
    return _by_course(course, below, above, jnp.where(w < 1 / b, -logarithm, relaxed))


def _end(a: float, course: _Course, z: Array) -> Array:
    """w(z): u^{left} over left for z < 0 and z (or (1-u)^{right} over right) above, joined at z = 0 with slope one.

    left and right are the exponents at u = 0 and 1 - u = 0: -a and 0, b and 0, -a and b.
    """
    b = 1 + a
    low, high = jnp.minimum(z, 0.0), jnp.maximum(z, 0.0)
    power = jnp.exp(b * jnp.where(course.negative, -high, low)) / b
    relaxed = relaxation_filter(a, low)
    below = jnp.where(z < 0, relaxed, high)
    above = jnp.where(z < 0, power, high + 1 / b)
    return _by_course(course, below, above, jnp.where(z < 0, 1 / b - relaxed, power))


def relaxation_inverse(a: float, filtered: Array) -> Array:
    """x with (1 - e^{-ax})/a = `filtered`, for a static a ≥ 0."""
    return filtered if a == 0 else -jnp.log1p(-a * filtered) / a


def _slope(a: float, course: _Course, z: Array) -> Array:
    """dt/dw = (dt/dz)/(dw/dz) = u^{left}(1-u)^{right} over the same to leading order at the nearer end."""
    both = _by_course(course, -a, 1 + a, 1.0)  # left + right, of which the one at the nearer end drops out
    return jnp.exp(-both * jax.nn.softplus(-jnp.abs(z)))


def _fly(a: float, course: _Course, start: Array, time: Array) -> Array:
    """z after `time`, from z = `start`."""
    target = _elapsed(a, course, start) + time
    w = _end(a, course, start)
    tiny, bounded = float(jnp.finfo(w.dtype).tiny), course.above | course.negative

    def newton(_, w: Array) -> Array:
        z = _inverse_end(a, course, w)
        moved = w + (target - _elapsed(a, course, z)) / _slope(a, course, z)
        return jnp.where(bounded, jnp.maximum(moved, w * 1e-3 + tiny), moved)

    return _inverse_end(a, course, jax.lax.fori_loop(0, _NEWTON_STEPS, newton, w + time))


# Compiled by itself: outside of other compiled functions every call would compile its loop anew.
@functools.partial(jax.jit, static_argnums=3, inline=True)
def balanced_growth(regression: ModeRegression, initial: Modes, scaled_time: Array, depth: int) -> Modes:
    """Gain of a mode of `depth` ≥ 2 balanced layers after ητ = `scaled_time`, from `initial` ≥ 0.

    The implicit solution G(ψ) - G(Q) = 2ηLτ of App. F.3, with

        G = ψ^{2/L-1}/[(2/L - 1)h] ₂F₁(1, 2/L - 1; 2/L; sψ/h)               below the optimum (L ≠ 2),
        H = ψ^{2/L-2}/[(2 - 2/L)s] ₂F₁(1, 2 - 2/L; 3 - 2/L; h/(sψ))          above it,

    inverted to a relative residual of about 1e-13; L = 2 is an ordinary case. Derivatives are those of the implicit
    function, to about 1e-11 relative; those in h and s lose 1e-16/δ if Q is within δ of ψ*, at worst 3e-8.
    """
    drive, inputs, start, time = jnp.broadcast_arrays(
        regression.pull / 2, regression.curvature / 2, initial, 2 * depth * saturated(scaled_time)
    )
    return _grow(depth, start, drive, inputs, time)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _grow(depth: int, start: Array, drive: Array, inputs: Array, time: Array) -> Array:
    # Exactly Q at τ = 0; selected inside the rule, which would otherwise lose the slope in τ there.
    return jnp.where(time == 0, start, _solve(depth, start, drive, inputs, time)[0])


@functools.partial(_grow.defjvp, symbolic_zeros=True)
def _grow_jvp(depth: int, primals, tangents):
    start, drive, inputs, time = primals
    a = 1 - 2 / depth
    gain, deficit = _solve(depth, start, drive, inputs, time)
    velocity = gain ** (1 + a) * deficit
    # The slopes in Q, h and s cost several times what the solution does, and a derivative in η needs none of them.
    others = _slopes(a, primals, gain, deficit, velocity) if any(map(_is_moved, tangents[:3])) else ()
    pairs = [*zip(others, tangents[:3], strict=False), (velocity, tangents[3])]
    tangent = sum((slope * moved for slope, moved in pairs if _is_moved(moved)), jnp.zeros_like(gain))
    return jnp.where(time == 0, start, gain), tangent


def _is_moved(tangent: Any) -> bool:
    """Whether an argument has a derivative at all."""
    return not isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def _slopes(
    a: float, primals: tuple[Array, Array, Array, Array], gain: Array, deficit: Array, velocity: Array
) -> tuple[Array, Array, Array]:
    """ψ_Q, ψ_h and ψ_s."""
    start, drive, inputs, time = primals
    opening = drive - inputs * start
    still = jnp.abs(opening) < _NEAR * inputs * start
    initial_velocity = start ** (1 + a) * opening
    moving = (start > 0) & ~still & (initial_velocity != 0)
    # Two layers leave Q = 0 like Q e^{hT}, without end: cut off, so that gradients stay finite.
    largest = 0.42 * math.log(float(jnp.finfo(time.dtype).max))
    from_zero = jnp.exp(jnp.minimum(drive * time, largest)) if a == 0 else 1.0
    waited = start ** (1 + a) * time
    at_rest = jnp.where(start > 0, jnp.exp(-inputs * waited), from_zero)
    in_start = jnp.where(moving, velocity / jnp.where(moving, initial_velocity, 1.0), at_rest)
    way = _Way(*(jnp.where(moving, x, 1.0) for x in (start, gain, opening, deficit)))
    in_drive, in_inputs = _slopes_on_the_way(a, way, drive, inputs, time * velocity, in_start)
    response = relaxation_filter(inputs, waited)
    in_drive = jnp.where(moving, in_drive, response)
    in_inputs = jnp.where(moving, in_inputs, -start * response)
    return in_start, in_drive, in_inputs


# Slopes in h and s. With u(T) on its way from Q to ψ and v = ψ^b (h - sψ),
#
#   ψ_h = v ∫ dT/(h - su),   ψ_s = -v ∫ u dT/(h - su),   hψ_h + sψ_s = vT,   sψ_s = Qψ_Q - ψ - avT.
#
# The last two follow from the scalings ψ → cψ, h → c^-a h, s → c^-b s and T → T/c, (h, s) → c(h, s). They cancel where
# hψ_h or sψ_s is small beside ψ. On a short way the integrals are therefore T times averages, dT = u^-b du/(h - su);
# where |h| << su or su << |h| all along they are power series in that ratio.

_SHORT = 0.5  # e-folds of u and of h - su: the double pole at u = h/s is so far that 10 Gauss points leave 20·5.6^-20
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_SMALL, _SMALL_TERMS = 1e-3, 5


class _Way(NamedTuple):
    """The two ends of a solution: the gain u, and the deficit h - su."""

    start: Array
    gain: Array
    opening: Array
    deficit: Array


def _slopes_on_the_way(
    a: float, way: _Way, drive: Array, inputs: Array, travelled: Array, in_start: Array
) -> tuple[Array, Array]:
    """ψ_h and ψ_s of a mode that moves, with `travelled` = vT and `in_start` = ψ_Q."""
    start, gain, _, deficit = way
    least, most = jnp.minimum(start, gain), jnp.maximum(start, gain)
    folds = jnp.log(_positive(gain)) - jnp.log(start)
    undriven, free = jnp.abs(drive) < _SMALL * inputs * least, inputs * most < _SMALL * jnp.abs(drive)
    nonzero = jnp.where(drive == 0, 1.0, drive)

    ratio = jnp.where(undriven, drive / (inputs * _positive(least)), 0.0)
    late = -deficit / (inputs**2 * _positive(gain)) * _ratio_series(2 + a, ratio, jnp.abs(folds))
    ratio = jnp.where(free, inputs * most / nonzero, 0.0)
    early = -jnp.sign(folds) * gain * (gain / most) ** a * deficit / nonzero * ratio
    early = early * _ratio_series(1 - a, ratio, jnp.abs(folds))

    loaded = jnp.where(free, early, start * in_start - gain - a * travelled)  # sψ_s
    loaded = jnp.where(undriven, travelled - drive * late, loaded)
    in_drive = jnp.where(undriven, late, (travelled - loaded) / nonzero)
    short = (jnp.abs(folds) < _SHORT) & (deficit / way.opening > math.exp(-_SHORT))
    inverse_deficit, gain_over_deficit = _averages(a, way, inputs, jnp.where(short, folds, 0.0))
    return (
        jnp.where(short, travelled * inverse_deficit, in_drive),
        jnp.where(short, -travelled * gain_over_deficit, loaded / inputs),
    )


def _ratio_series(power: float, ratio: Array, folds: Array) -> Array:
    """Σ_k (k+1) x^k (1 - e^{-(p+k)f})/(p + k): ∫_0^f e^{-py} (1 - x e^{-y})^-2 dy for a small ratio x."""
    terms = [(k + 1) * relaxation_filter(power + k, folds) for k in range(_SMALL_TERMS)]
    return functools.reduce(lambda total, term: total * ratio + term, reversed(terms))


def _averages(a: float, way: _Way, inputs: Array, folds: Array) -> tuple[Array, Array]:
    """Averages over time of 1/(h - su) and u/(h - su) while ln u moves by `folds`."""
    elapsed, first, second = jnp.zeros_like(folds), jnp.zeros_like(folds), jnp.zeros_like(folds)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        y = folds * (1 + node) / 2
        deficit = way.opening - inputs * way.start * jnp.expm1(y)
        share = weight * jnp.exp(-a * y) / deficit
        elapsed, first = elapsed + share, first + share / deficit
        second = second + share * way.start * jnp.exp(y) / deficit
    return first / elapsed, second / elapsed


def _positive(x: Array) -> Array:
    return jnp.where(x > 0, x, 1.0)


def _solve(depth: int, start: Array, drive: Array, inputs: Array, time: Array) -> tuple[Array, Array]:
    """ψ(T) and h - sψ(T), the latter without the cancellation at the optimum."""
    a = 1 - 2 / depth
    b = 1 + a
    used = ~(start <= 0)  # a gain that is NaN stays so
    q = jnp.where(used, start, 1.0)
    load, size = inputs * q, jnp.abs(drive)
    gap = drive - load
    # Without a drive: ψ^-b = Q^-b + bsT.
    bare = q * jnp.exp(-jnp.log1p(b * inputs * q**b * time) / b)
    undriven = size <= 1e-17 * inputs * bare  # also where there is no input at all, and nothing moves
    still = jnp.abs(gap) < _NEAR * load
    size = jnp.where(undriven, 1.0, size)
    course = _Course(above=(drive > 0) & (gap <= 0), negative=drive < 0)
    log_gap = jnp.log(jnp.where(still, 1.0, jnp.abs(gap)))
    log_load, log_size = jnp.log(load), jnp.log(size)
    start_z = _by_course(course, log_load - log_gap, log_size - log_gap, log_load - log_size)
    clock = time * size * (size / inputs) ** a
    flown = ~undriven & ~still
    z = _fly(a, course, jnp.where(flown, start_z, -1.0), jnp.where(flown, clock, 0.0))

    # sψ/|h| and (h - sψ)/|h|: u and 1 - u below the optimum, 1/u and 1 - 1/u above it, r and -(1 + r) for h < 0.
    tail = jnp.exp(jnp.where(course.negative, z, jnp.where(course.above, -z, 0.0)))
    gain = size / inputs * _by_course(course, jax.nn.sigmoid(z), 1 + tail, tail)
    deficit = size * _by_course(course, jax.nn.sigmoid(-z), -tail, -1 - tail)

    kept = jnp.exp(-inputs * q**b * time)
    gain, deficit = jnp.where(still, q + gap / inputs * (1 - kept), gain), jnp.where(still, gap * kept, deficit)
    gain, deficit = jnp.where(undriven, bare, gain), jnp.where(undriven, drive - inputs * bare, deficit)
    return jnp.where(used, gain, 0.0), jnp.where(used, deficit, drive)
