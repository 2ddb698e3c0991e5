"""Special functions against mpmath (50 digits): values, derivatives, limits, seams between branches."""

import functools
import importlib.util
import pathlib

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.numerics import special
from theory.numerics.special import difference_filter, ein, ein_difference, erf_average, exp1, relaxation_filter

ROOT = pathlib.Path(__file__).parents[3]
TYPES = ["float64", "float32"]
UPPER = {"float64": 700.0, "float32": 82.5}  # where E1 leaves the normal range
LOWER = {"float64": 1e-300, "float32": 1.2e-38}


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mp.workdps(50):
        yield


# --- Oracles ---


def mp_ein(x):
    """Ein(x), by its power series below 1: exact where gamma + ln x + E1 would cancel."""
    x = mp.mpf(x)
    if x < 1:
        return -mp.fsum((-x) ** k / (k * mp.factorial(k)) for k in range(1, 45))
    return mp.log(x) + mp.euler + (mp.e1(x) if x < 1000 else 0)


def mp_moment(n, a, t):
    """int_0^t s^n e^{-a s} ds, a Kummer function."""
    a, t = mp.mpf(a), mp.mpf(t)
    return t ** (n + 1) * mp.hyp1f1(n + 1, n + 2, -a * t) / (n + 1)


def mp_difference(i, j, a, b, t):
    """d^{i+j}/da^i db^j of t int_0^1 e^{-t((1-s)a + s b)} ds, a Kummer function."""
    a, b, t = mp.mpf(a), mp.mpf(b), mp.mpf(t)
    kummer = mp.beta(j + 1, i + 1) * mp.hyp1f1(j + 1, i + j + 2, (a - b) * t)
    return (-1) ** (i + j) * t ** (i + j + 1) * mp.exp(-a * t) * kummer


def relative_error(actual, expected):
    """Largest |actual/expected - 1|, formed with 50 digits."""
    return max(
        abs(float(mp.mpf(float(y)) / r - 1)) for y, r in zip(np.ravel(np.asarray(actual)), expected, strict=True)
    )


def grid(dtype):
    """Log-spaced over the whole range, dense around 1, and the threshold from both sides."""
    one = np.asarray(1, dtype)
    low, high = np.log(LOWER[dtype]), np.log(UPPER[dtype])
    x = np.concatenate(
        [
            np.exp(np.linspace(low, high, 700)),
            np.exp(np.linspace(0, high, 400)),
            np.linspace(0.05, 3, 500),
            [LOWER[dtype], UPPER[dtype]],
        ]
    ).astype(dtype)
    x = x[(x >= LOWER[dtype]) & (x <= UPPER[dtype])]
    return np.concatenate([x, [np.nextafter(one, 0 * one), one, np.nextafter(one, 2 * one)]])


@functools.cache
def compiled_derivatives(function, arity):
    argnums = tuple(range(arity))
    return jax.jit(lambda *x: (function(*x), jax.grad(function, argnums)(*x), jax.hessian(function, argnums)(*x)))


def derivatives(function, *args):
    """Value, gradient and Hessian, flat."""
    return np.array([float(leaf) for leaf in jax.tree.leaves(compiled_derivatives(function, len(args))(*args))])


# --- Exponential integrals ---


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("function", "oracle"), [(exp1, mp.e1), (ein, mp_ein)], ids=["exp1", "ein"])
def test_exponential_integrals_against_mpmath(function, oracle, dtype):
    x = grid(dtype)
    y = function(jnp.asarray(x))
    assert y.dtype == dtype
    bound = {"float64": 2e-15, "float32": 5e-7}[dtype]
    assert relative_error(y, [oracle(mp.mpf(float(value))) for value in x]) < bound


def test_ein_keeps_its_accuracy_at_any_size():
    x = np.array([2.3e-308, 1e-200, 1e3, 1e10, 1e100, 1e300, 1e308])
    assert relative_error(ein(x), [mp_ein(value) for value in x]) < 5e-16


@pytest.mark.parametrize("dtype", TYPES)
def test_exponential_integrals_at_the_ends(dtype):
    x = jnp.asarray([0.0, -0.0, 1e4, jnp.inf, -1e-3, -jnp.inf, jnp.nan], dtype)
    np.testing.assert_array_equal(exp1(x), [np.inf, np.inf, 0, 0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(ein(x)[jnp.array([0, 3, 4, 5, 6])], [0, np.inf, np.nan, np.nan, np.nan])
    assert exp1(jnp.asarray({"float64": 702.0, "float32": 83.5}[dtype], dtype)) == 0
    x = jnp.asarray([0, jnp.inf, -1, jnp.nan], dtype)
    ein_slope, exp1_slope = (jax.jit(jax.vmap(jax.grad(f)))(x) for f in (ein, exp1))
    np.testing.assert_array_equal(ein_slope, [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(exp1_slope, [-np.inf, 0, np.nan, np.nan])
    assert jax.jit(jax.grad(jax.grad(ein)))(x[0]) == -0.5


@pytest.mark.parametrize("differentiate", [jax.grad, jax.jacfwd])
def test_derivatives_of_exponential_integrals(differentiate):
    one = np.float64(1)
    x = np.array([1e-100, 1e-8, 0.3, np.nextafter(one, 0), 1, np.nextafter(one, 2), 3, 50, 600])
    first, second = (jax.jit(jax.vmap(differentiate(f))) for f in (exp1, differentiate(exp1)))
    exact = [mp.mpf(v) for v in x]
    assert relative_error(first(x), [-mp.exp(-v) / v for v in exact]) < 1e-15
    assert relative_error(second(x), [mp.exp(-v) * (1 + v) / v**2 for v in exact]) < 2e-15
    first, second, third = (jax.jit(jax.vmap(differentiate(f))) for f in (ein, jax.grad(ein), jax.grad(jax.grad(ein))))
    assert relative_error(first(x), [mp_moment(0, v, 1) for v in exact]) < 2e-15
    assert relative_error(second(x), [-mp_moment(1, v, 1) for v in exact]) < 5e-15
    assert relative_error(third(x), [mp_moment(2, v, 1) for v in exact]) < 2e-14


@pytest.mark.parametrize("dtype", TYPES)
def test_both_branches_of_the_exponential_integrals_agree_at_the_threshold(dtype):
    """Either branch continued to x = 1, in value and in slope (differentiated through the polynomials)."""
    one, eps = jnp.asarray(1, dtype), np.finfo(dtype).eps
    exact_ein, exact_exp1 = float(mp_ein(1)), float(mp.e1(1))
    np.testing.assert_allclose(jax.jit(special._series)(one), exact_ein, rtol=2 * eps)
    np.testing.assert_allclose(jax.jit(special._tail)(one), exact_exp1, rtol=4 * eps)
    inside, outside = one - 16 * eps, one + 16 * eps
    below = jax.jit(jax.grad(special._series))(inside)
    above = 1 / outside + jax.jit(jax.grad(special._tail))(outside)
    # The slope of an interpolant at the end of its interval is less accurate than its value.
    np.testing.assert_allclose([below, above], float(1 - mp.exp(-1)), rtol=200 * eps)
    for function in (exp1, ein):
        np.testing.assert_allclose(function(inside), function(outside), rtol=200 * eps)


@given(st.floats(-600, 5.5), st.floats(1e-6, 1))  # e^6.5 = 665, before the underflow
def test_exp1_falls_and_ein_rises(log_x, step):
    x, y = np.exp(log_x), np.exp(log_x + step)
    assert exp1(x) > exp1(y) > 0
    assert 0 < ein(x) < ein(y)


@given(st.floats(0.0, 600))
def test_exp1_stays_between_its_bounds(x):
    """e^-x ln(1 + 2/x)/2 < E1(x) < e^-x ln(1 + 1/x), DLMF 6.8.1."""
    x = x + 1e-3
    scaled = float(exp1(x)) * np.exp(x)
    assert np.log1p(2 / x) / 2 < scaled * (1 + 1e-13)
    assert scaled < np.log1p(1 / x) * (1 + 1e-13)


@pytest.mark.parametrize("scale", [1e-290, 1e-5, 1.0, 10.0, 1e5, 1e290])
def test_ein_difference_against_mpmath(scale):
    rng = np.random.default_rng(0)
    x = scale * np.exp(3 * rng.normal(size=200))
    y = x * np.exp(10.0 ** rng.uniform(-9, 1, 200) * rng.choice([-1, 1], 200))
    for value, u, v in zip(np.asarray(ein_difference(x, y)), x, y, strict=True):
        exact = mp_ein(u) - mp_ein(v)
        assert abs(value - exact) < 1e-15 * max(abs(exact), min(1, u, v))


def test_ein_difference_limits_and_derivatives():
    assert ein_difference(0.0, 0.0) == 0
    assert ein_difference(jnp.inf, 1.0) == jnp.inf
    assert ein_difference(1.0, jnp.inf) == -jnp.inf
    assert ein_difference(1e300, 1e300) == 0
    np.testing.assert_allclose(ein_difference(1e300, 1e-300), np.log(1e300) + np.euler_gamma, rtol=1e-15)
    assert jnp.isnan(ein_difference(-1.0, 1.0))
    for x, y in [(0.0, 0.0), (0.3, 2.0), (5.0, 5.0), (1e300, 1e-300)]:
        (_, ein_x, ein_xx), (_, ein_y, ein_yy) = derivatives(ein, x), derivatives(ein, y)
        expected = [ein_x, -ein_y, ein_xx, 0, 0, -ein_yy]
        np.testing.assert_allclose(derivatives(ein_difference, x, y)[1:], expected, rtol=1e-15)


# --- Filters ---

RELAXATIONS = [
    (a, t)
    for t in (1e-3, 1.0, 7.0)
    for a in (
        0.0,
        1e-300,
        1e-12,
        -1e-12,
        1e-4,
        0.2,
        -0.2,
        0.999 / t,
        1 / t,
        1.001 / t,
        -1 / t,
        3.0,
        -3.0,
        60.0,
    )
]


def mp_relaxation(a, t):
    a, t = mp.mpf(a), mp.mpf(t)
    decay = mp.exp(-a * t)
    g0, g1, g2 = (mp_moment(n, a, t) for n in range(3))
    return [g0, -g1, decay, g2, -t * decay, -t * decay, -a * decay]


@pytest.mark.parametrize(("a", "t"), RELAXATIONS)
def test_relaxation_filter_against_mpmath(a, t):
    exact = [float(v) for v in mp_relaxation(a, t)]
    rounding = 1 + abs(a * t)
    np.testing.assert_allclose(derivatives(relaxation_filter, a, t), exact, rtol=5e-15 * rounding)
    single = relaxation_filter(np.float32(a), np.float32(t))
    assert single.dtype == jnp.float32
    exact_single = float(mp_moment(0, float(np.float32(a)), float(np.float32(t))))
    np.testing.assert_allclose(single, exact_single, rtol=5e-7 * rounding)


def test_relaxation_filter_limits():
    for a in (-3.0, 0.0, 2.0):
        np.testing.assert_array_equal(derivatives(relaxation_filter, a, 0.0), [0, 0, 1, 0, 0, 0, -a])
    np.testing.assert_array_equal(derivatives(relaxation_filter, 0.0, 2.0), [2, -2, 1, 8 / 3, -2, -2, 0])
    np.testing.assert_allclose(derivatives(relaxation_filter, 2.0, np.inf), [0.5, -0.25, 0, 0.25, 0, 0, 0])
    assert relaxation_filter(0.0, np.inf) == np.inf
    assert relaxation_filter(np.inf, 1.0) == 0
    assert relaxation_filter(np.inf, 0.0) == 0
    assert relaxation_filter(-1e4, 1.0) == np.inf
    assert np.all(np.isnan(relaxation_filter(np.array([np.nan, 1.0]), np.array([1.0, np.nan]))))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_both_branches_of_the_filter_agree_at_the_threshold(order, sign):
    """Neighbouring floats either side of |a t| = 1, in value and in derivatives with respect to a."""
    function = jax.jit(functools.reduce(lambda f, _: jax.grad(f), range(order), relaxation_filter))
    for t in (1.0, 8.0, 2.0**-10):
        at = sign / t
        sides = [float(function(np.nextafter(at, side), t)) for side in (0, 2 * at)]
        exact = float((-1) ** order * mp_moment(order, at, t))
        np.testing.assert_allclose(sides, exact, rtol=[2e-15, 2e-15, 5e-15, 3e-14][order])


DIFFERENCES = [
    (a, b, t)
    for t in (1e-3, 1.0, 4.0)
    for a, gap in ((0.0, 0.0), (0.0, 2.0), (1.3, 0.0), (1.3, 1e-300), (1.3, 1e-13), (1.3, 1e-6), (0.5, 0.1))
    + ((2.0, 1 / t), (0.1, 90.0), (-1.0, 0.0), (-1.0, 3.0))
    for b in {a + gap, a - gap}
]


def mp_difference_derivatives(a, b, t):
    """dH/dt = e^{-a t} - b H gives every derivative in t from those in a and b."""
    a, b, t = mp.mpf(a), mp.mpf(b), mp.mpf(t)
    h, ha, hb = mp_difference(0, 0, a, b, t), mp_difference(1, 0, a, b, t), mp_difference(0, 1, a, b, t)
    haa, hab, hbb = (mp_difference(i, 2 - i, a, b, t) for i in (2, 1, 0))
    decay = mp.exp(-a * t)
    ht = decay - b * h
    hat, hbt, htt = -t * decay - b * ha, -h - b * hb, -a * decay - b * ht
    return [h, ha, hb, ht, haa, hab, hat, hab, hbb, hbt, hat, hbt, htt]


@pytest.mark.parametrize(("a", "b", "t"), DIFFERENCES)
def test_difference_filter_against_mpmath(a, b, t):
    exact = np.array([float(v) for v in mp_difference_derivatives(a, b, t)])
    # Derivatives in t change sign, where only the absolute error is small: on the scale of their terms.
    size = abs(a) + abs(b)
    h, decay = exact[0], np.exp(-min(a, b) * t)
    scale = np.abs(exact)
    scale[3] = decay + size * h
    scale[[6, 9, 10, 11]] = (t + size * t**2) * decay
    scale[12] = size * (decay + size * h)
    error = np.abs(derivatives(difference_filter, a, b, t) - exact)
    assert np.all(error <= 1e-14 * (1 + abs(min(a, b)) * t) * scale)


@given(st.floats(-1, 50), st.floats(-1, 50), st.floats(0, 10))
def test_difference_filter_is_symmetric_and_between_its_bounds(a, b, t):
    value = float(difference_filter(a, b, t))
    assert value == float(difference_filter(b, a, t))
    lower, upper = t * np.exp(-max(a, b) * t), t * np.exp(-min(a, b) * t)
    assert lower * (1 - 1e-12) <= value <= upper * (1 + 1e-12)


@given(st.floats(-1, 50), st.floats(0.01, 10), st.floats(0.01, 10))
def test_filters_rise_and_fall(a, t, factor):
    assert 0 < relaxation_filter(a, t) <= relaxation_filter(a, t * (1 + factor)) * (1 + 1e-15)
    assert relaxation_filter(a, t) > relaxation_filter(a + factor, t)
    assert difference_filter(a, 1.0, t) > difference_filter(a + factor, 1.0, t)


def test_difference_filter_limits():
    assert difference_filter(2.0, 2.0, np.inf) == 0
    assert difference_filter(2.0, 3.0, np.inf) == 0
    np.testing.assert_allclose(difference_filter(0.0, 4.0, np.inf), 0.25, rtol=1e-15)
    for a, b, t in [(1e5, 1e5, 1.0), (1e5, 1e300, 1.0), (3.0, 4.0, 1e300), (2.0, 2.0, np.inf)]:
        np.testing.assert_array_equal(derivatives(difference_filter, a, b, t), np.zeros(13))
    np.testing.assert_array_equal(derivatives(difference_filter, 2.0, 2.0, 0.0)[:4], [0, 0, 0, 1])
    np.testing.assert_allclose(difference_filter(1e-3, 1e12, 5.0), np.exp(-5e-3) / 1e12, rtol=1e-14)
    assert np.isnan(difference_filter(1.0, np.nan, 1.0))


# --- Gaussian averages ---


def mp_gaussian_moment(n, z):
    """int_0^1 u^{2n} e^{-z u^2} du, a Kummer function."""
    return mp.hyp1f1(n + mp.mpf(1) / 2, n + mp.mpf(3) / 2, -mp.mpf(z)) / (2 * n + 1)


GAUSSIAN_ARGUMENTS = np.concatenate([[0.0, 1e-300, 1e-12], np.logspace(-4, 2.8, 60), [np.nextafter(1, 0), 1.0, 700.0]])


def test_erf_average_against_mpmath():
    z = np.append(GAUSSIAN_ARGUMENTS, [1e4, 1e100, 1e300])
    exact = [mp_gaussian_moment(0, v) if v < 1e4 else mp.sqrt(mp.pi / mp.mpf(v)) / 2 for v in z]
    assert relative_error(erf_average(z), exact) < 1e-15
    single = np.linspace(0, 80, 400, dtype=np.float32)
    assert erf_average(single).dtype == jnp.float32
    assert relative_error(erf_average(single), [mp_gaussian_moment(0, float(v)) for v in single]) < 5e-7


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("differentiate", [jax.grad, jax.jacfwd])
def test_derivatives_of_erf_average(differentiate, order):
    function = functools.reduce(lambda f, _: differentiate(f), range(order), erf_average)
    exact = [(-1) ** order * mp_gaussian_moment(order, v) for v in GAUSSIAN_ARGUMENTS]
    actual = jax.jit(jax.vmap(function))(jnp.asarray(GAUSSIAN_ARGUMENTS))
    assert relative_error(actual, exact) < [4e-15, 2e-14, 2e-13][order - 1]


def test_erf_average_at_the_ends():
    assert erf_average(0.0) == 1
    assert erf_average(jnp.inf) == 0
    np.testing.assert_allclose(derivatives(erf_average, 0.0), [1, -1 / 3, 1 / 5], rtol=1e-15)
    np.testing.assert_array_equal(derivatives(erf_average, np.inf), [0, 0, 0])
    assert jnp.isnan(erf_average(jnp.nan))


# --- Conventions ---

CASES = [(exp1, 1), (ein, 1), (erf_average, 1), (ein_difference, 2), (relaxation_filter, 2), (difference_filter, 3)]


@pytest.mark.parametrize(("function", "arity"), CASES)
def test_dtypes(function, arity):
    def dtype(first, other: float = 1):
        return jax.eval_shape(function, first, *(other,) * (arity - 1)).dtype

    assert dtype(1) == jnp.float64
    assert dtype(jnp.ones(2, jnp.int32)) == jnp.float64
    assert dtype(jnp.ones(2, jnp.float32), 1.0) == jnp.float32
    assert dtype(jnp.ones(2, jnp.bfloat16), 1.0) == jnp.float32
    with pytest.raises(ValueError, match="must be real"):
        dtype(1j)
    with jax.enable_x64(False):
        assert dtype(1) == jnp.float32


@pytest.mark.parametrize(("function", "arity"), CASES)
def test_broadcasting_and_transformations(function, arity):
    shapes = [(4, 1, 1), (3, 1), (2,)][:arity]
    args = [np.random.default_rng(i).uniform(0, 3, shape) for i, shape in enumerate(shapes)]
    shape = np.broadcast_shapes(*shapes)
    value = function(*args)
    assert value.shape == shape
    expanded = [np.broadcast_to(arg, shape).ravel() for arg in args]
    each = jax.vmap(function)(*expanded)
    np.testing.assert_allclose(value.ravel(), each, rtol=1e-14)
    # Forward mode element by element, against reverse mode through the broadcast.
    forward = jax.jit(jax.vmap(jax.jacfwd(function)))(*expanded)
    reverse = jax.jit(jax.grad(lambda *a: function(*a).sum()))(*args)
    others = tuple(range(1, arity))
    expected = forward.reshape(shape).sum(axis=others, keepdims=True)
    np.testing.assert_allclose(reverse, expected.reshape(reverse.shape), rtol=1e-13)


def test_committed_coefficients_are_those_of_the_script():
    path = ROOT / "benchmarks" / "fit_special_coefficients.py"
    spec = importlib.util.spec_from_file_location("fit_special_coefficients", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.source() == (ROOT / "theory" / "numerics" / "special_coefficients.py").read_text()
