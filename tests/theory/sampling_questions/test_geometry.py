"""Rates of denoising trajectories against automatic derivatives, thickness against Gauss-Legendre sums in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from tests import cases
from theory import (
    EDM,
    FullWidthConvolution,
    MisalignedTwoLayer,
    OneLayerWithBias,
    PatchConvolution,
    PointMasses,
    Spectrum,
)
from theory.sampling_questions.geometry import (
    denoising_velocity,
    deviation_growth,
    flat_variance,
    small_noise_flat_variance,
    thickness,
)

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(7, 3))
PLACES, LEVELS = RANDOM.normal(size=(5, 3)), np.geomspace(0.3, 2.0, 5)
TIMES = np.array([0.0, 0.02, 1.0, 40.0, 3e5])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def by_hand(x, level):
    """Softmax and mean, without the package."""
    weight = jax.nn.softmax(-jnp.sum((x[None] - POINTS) ** 2, axis=-1) / (2 * level**2))
    return weight @ POINTS


@pytest.mark.slow
def test_velocity_and_growth_are_derivatives_of_the_denoiser():
    def of_one(x, level):
        velocity = (x - by_hand(x, level)) / level
        along = jax.jvp(by_hand, (x, level), (velocity, jnp.ones_like(level)))[1]
        # δ moves with (x - D)/σ, by ln σ with x - D.
        return along, jax.jacfwd(lambda at: at - by_hand(at, level))(x)

    along, growth = jax.vmap(of_one)(jnp.asarray(PLACES), jnp.asarray(LEVELS))
    data = PointMasses(POINTS)
    np.testing.assert_allclose(denoising_velocity(data, PLACES, LEVELS), along, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(deviation_growth(data, PLACES, LEVELS), growth, rtol=1e-10, atol=1e-12)


def test_denoising_is_a_mean_shift():
    """It never lowers the density; it rests where one point is left, and normal to a plane deviations shrink as σ."""
    data = PointMasses(POINTS)
    shifted = data.denoised(PLACES, LEVELS, EDM())
    gained = data.log_density(shifted, LEVELS, EDM()) - data.log_density(PLACES, LEVELS, EDM())
    assert np.all(np.asarray(gained) > 1e-3)
    assert np.all(np.abs(denoising_velocity(data, POINTS[:5] + 0.01, 0.03)) < 1e-12)
    flat = PointMasses(POINTS * np.array([1.0, 1.0, 0.0]))
    growth = np.asarray(deviation_growth(flat, PLACES, LEVELS))
    np.testing.assert_array_equal(growth[:, 2], np.tile([0.0, 0.0, 1.0], (5, 1)))
    # Between two points at ±1 a deviation grows as soon as σ < 1: σ²C = 1/σ².
    middle = deviation_growth(PointMasses([[-1.0], [1.0]]), np.zeros((2, 1)), np.array([0.5, 2.0]))
    np.testing.assert_allclose(middle[:, 0, 0], [1 - 4.0, 1 - 0.25], rtol=1e-12)


def test_derivatives_and_batches():
    data = PointMasses(POINTS)
    one_by_one = jax.jit(jax.vmap(lambda x, level: denoising_velocity(data, x, level)))(PLACES, LEVELS)
    np.testing.assert_allclose(one_by_one, denoising_velocity(data, PLACES, LEVELS), rtol=1e-12)
    single = denoising_velocity(data, PLACES.astype(np.float32), LEVELS.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, one_by_one, rtol=1e-4, atol=1e-5)
    slope = jax.grad(lambda gain: jnp.log(flat_variance(1.0, gain)))(0.5)
    assert float(slope) == pytest.approx(2 * float(jnp.log(flat_variance(1.0, 0.5) / 0.002**2)), rel=1e-12)


def quadrature(gain, low=0.002, high=80.0, width=0.2):
    """ln λ̃ = 2 ln σ_0 + 2 ∫ ψ d ln σ; the gain is a function of σ."""
    edges = np.linspace(np.log(low), np.log(high), int(np.log(high / low) / width) + 1)
    places = edges[:-1, None] + np.diff(edges)[:, None] * (1 + NODES) / 2
    return 2 * np.log(low) + np.sum(np.diff(edges)[:, None] * WEIGHTS * gain(np.exp(places)))


def balanced(depth, start, tau, speed=1.0):
    """ψ' = -2ηL ψ^{3 - 2/L} σ², solved; `speed` 2 where layers are tied."""
    if depth == 1:
        return lambda sigma: start * np.exp(-2 * tau * speed * sigma**2)
    power = depth / (2 * (depth - 1))
    rate = 2 * depth * start ** (2 - 2 / depth) * tau * speed
    return lambda sigma: start * (1 + rate * sigma**2 / power) ** -power


def imbalanced(start, tau, kept=0.3):
    """ψ' = -2η √(c_0² + 4ψ²) σ²ψ with c_0 conserved: 2ψ = c_0/sinh(2η c_0 σ² τ + arcsinh(c_0/2ψ_0))."""
    return lambda sigma: kept / 2 / np.sinh(np.minimum(2 * kept * sigma**2 * tau + np.arcsinh(kept / (2 * start)), 700))


def swinging(start, tau, damping=2.5):
    """ψ'' + γψ' + 2ησ²ψ = 0 from rest."""

    def gain(sigma):
        root = np.sqrt((damping / 2) ** 2 - 2 * sigma.astype(complex) ** 2 + 1e-300)
        grows, falls = np.exp((root - damping / 2) * tau), np.exp((-root - damping / 2) * tau)
        return np.real(start * ((grows + falls) / 2 + damping / 2 * (grows - falls) / (2 * root)))

    return gain


START, VARIANCES = 0.4, np.array([1.0, 0.0])
BY_NAME = {case.values[0].name: case.values[0] for case in (*cases.DENOISED, *cases.LAYERED)}
GAINS = {
    "one_layer": lambda tau: balanced(1, START, tau),
    "symmetric_two_layer": lambda tau: balanced(2, START, tau, 2.0),
    "two_layer": lambda tau: balanced(2, START, tau),
    "imbalanced": lambda tau: imbalanced(START, tau),
    "depth_3": lambda tau: balanced(3, START, tau),
    "depth_4": lambda tau: balanced(4, START, tau),
}
QUICK = ("one_layer", "symmetric_two_layer", "depth_3")


@pytest.mark.slow_cases(*(name for name in GAINS if name not in QUICK))
@pytest.mark.parametrize("name", GAINS)
def test_thickness_by_quadrature(name):
    denoiser = BY_NAME[f"{name}-edm-DenoiserTarget"].denoiser(cases.spectrum(VARIANCES), START)
    expected = [np.exp(quadrature(GAINS[name](tau)) / 2) for tau in TIMES]
    np.testing.assert_allclose(thickness(denoiser, TIMES), expected, rtol=1e-8)


RING = np.array([0.5, 0.0, -0.5, 0.0])  # two Fourier modes of four have no data
OTHERS = {
    "heavy_ball": (
        lambda: BY_NAME["heavy_ball-edm-DenoiserTarget"].denoiser(cases.spectrum(VARIANCES), START),
        lambda tau: swinging(START, tau),
    ),
    "misaligned": (
        lambda: MisalignedTwoLayer(cases.spectrum(VARIANCES), EDM(), np.diag(np.full(2, START)), 1.0),
        lambda tau: balanced(2, START, tau, 2.0),
    ),
    "bias": (
        lambda: OneLayerWithBias(Spectrum(jnp.array([1.0, 0.0]), jnp.asarray(VARIANCES)), EDM(), START, 1.0),
        lambda tau: balanced(1, START, tau),
    ),
    "full width": (
        lambda: FullWidthConvolution.from_autocovariance(RING, EDM(), START, 1.0),
        lambda tau: balanced(1, START, tau, 4.0),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_thickness_of_other_networks(name):
    build, gain = OTHERS[name]
    times = np.array([0.0, 0.02, 1.0])
    expected = [np.exp(quadrature(gain(tau), width=0.02) / 2) for tau in times]
    np.testing.assert_allclose(thickness(build(), times), expected, rtol=1e-8)


@pytest.mark.slow
def test_a_patch_stays_thick():
    patch = PatchConvolution.from_autocovariance(RING, 3, EDM(), START, 1.0)
    assert float(thickness(patch, 1e4)) > 10 * float(np.sqrt(flat_variance(1e4, START)))


def test_closed_form_and_its_limit():
    expected = [[quadrature(balanced(1, start, tau)) for start in (0.0, 0.3, 1.0)] for tau in TIMES]
    found = np.log(flat_variance(TIMES[:, None], np.array([0.0, 0.3, 1.0])))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert float(flat_variance(np.inf, 0.5)) == pytest.approx(0.002**2, rel=1e-14)
    # The limit of large σ_T is too large by e^{Q E1(cσ_T²)}; cσ_T² = 25 is 1e-12 of it.
    for tau in (25 / (2 * 80.0**2), 40.0, 3e5):
        rate, start = 2 * tau, 0.7
        ein = np.euler_gamma + np.log(rate * 0.002**2) + special.exp1(rate * 0.002**2)
        limit = 0.002**2 * (np.exp(-np.euler_gamma) / (rate * 0.002**2)) ** start * np.exp(start * ein)
        exact = float(flat_variance(tau, start))
        assert limit / exact == pytest.approx(np.exp(start * special.exp1(rate * 80.0**2)), rel=1e-11)
    assert np.exp(special.exp1(25.0)) - 1 < 1e-12


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_every_depth_thins_by_its_initial_gain(depth):
    """With a wide range of noise levels the law is exact; its two errors are those of the docstring."""
    start, tau, low = 0.6, 1e4, 1e-6
    rate = 2 * depth * start ** (2 - 2 / depth) * tau
    found = np.log(small_noise_flat_variance(tau, start, low, depth))
    expected = quadrature(balanced(depth, start, tau), low, 1e12)
    tail = 0.0 if depth == 1 else start * (rate * 1e24 * (2 - 2 / depth)) ** (-depth / (2 * depth - 2))
    tail *= 1 if depth == 1 else 2 - 2 / depth
    assert abs(float(found) - expected - tail + start * rate * low**2) < 1e-9 * abs(expected)
    slope = np.log(small_noise_flat_variance(4 * tau, start, low, depth)) - found
    assert float(slope) == pytest.approx(-start * np.log(4), rel=1e-10)


def test_what_is_refused():
    data, one = PointMasses(POINTS), BY_NAME["one_layer-edm-DenoiserTarget"]
    with pytest.raises(ValueError, match="noise_level must be positive"):
        denoising_velocity(data, PLACES, 0.0)
    with pytest.raises(ValueError, match="positions must have 3 coordinates"):
        deviation_growth(data, PLACES[:, :2], 1.0)
    with pytest.raises(ValueError, match="scaled_time, a training time, must be zero or more"):
        flat_variance(-1.0, 0.5)
    with pytest.raises(ValueError, match="initial_gain must be zero or more"):
        small_noise_flat_variance(1.0, -0.5)
    with pytest.raises(ValueError, match="some variance must be zero.*; got a smallest of 0.1"):
        thickness(one.denoiser(cases.spectrum([1.0, 0.1]), 0.1), 1.0)
    with pytest.raises(ValueError, match="noise_level must be positive and finite; got one"):
        denoising_velocity(data, PLACES, "one")


def test_levels_whose_powers_leave_the_range():
    """Between two points at a distance 2 the covariance is one along them, and nothing moves next to either."""
    with jax.enable_x64(False):
        pair = PointMasses([[-1.0, 0.0], [1.0, 0.0]])
        x = np.array([[0.0, 0.4], [0.3, 0.4]], np.float32)
        for level in (1e-14, 1e13):
            growth = deviation_growth(pair, x, level)
            expected = np.array([np.eye(2), np.eye(2)])
            expected[0, 0, 0] = 1 - 1 / level**2
            np.testing.assert_allclose(growth, expected, rtol=1e-6)
        np.testing.assert_array_equal(denoising_velocity(pair, x[1], 1e-14), 0.0)
        # All is forgotten at the end, whatever the units of length.
        for low, high in ((1e-8, 80.0), (0.002, 1e12)):
            np.testing.assert_allclose(flat_variance(np.inf, 0.1, low, high), low**2, rtol=1e-6)


def test_slope_of_the_small_noise_law_without_a_gain():
    slope = jax.grad(small_noise_flat_variance, 1)(1.0, 0.0)
    assert float(slope) == pytest.approx(0.002**2 * (-np.euler_gamma - np.log(2 * 0.002**2)), rel=1e-12)
