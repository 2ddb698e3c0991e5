"""Two independent layers and depth: closed forms against the ODEs of the factors, limits, generation, finite steps."""

import functools

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from scipy.integrate import quad_vec, solve_ivp
from scipy.special import hyp2f1

from tests import cases
from theory import EDM, DeepLinear, FlowMatching, OneLayer, SymmetricTwoLayer, TwoLayer, generated_variance
from theory.spectral_law.balanced_growth import balanced_growth
from theory.spectral_law.descent import gain_after_steps
from theory.spectral_law.parametrisations.two_layer import factors, imbalanced_growth
from theory.spectral_law.regression import ModeRegression

DEPTHS = [2, 3, 4, 6, 10]
IMBALANCES = [0.0, 1e-12, 1e-6, 1e-2, 1.0, 30.0]


def regression(drive, inputs):
    """A mode with pull 2h and curvature 2s."""
    drive, inputs = jnp.asarray(drive, float), jnp.asarray(inputs, float)
    return ModeRegression(drive / inputs, 2 * inputs, jnp.zeros_like(drive), 2 * drive)


# --- Values against integration of the factors ---


def two_layer_oracle(drive, inputs, initial, imbalance, time):
    """ψ = pq from dp/dτ = -2q(spq - h), dq/dτ = -2p(spq - h)."""
    p2 = (abs(imbalance) + np.hypot(imbalance, 2 * initial)) / 2
    larger = np.sqrt(p2)
    pair = (larger, initial / larger if larger else 0.0)
    pair = pair if imbalance >= 0 else pair[::-1]

    def velocity(_, y):
        error = 2 * (inputs * y[0] * y[1] - drive)
        return [-y[1] * error, -y[0] * error]

    end = solve_ivp(velocity, (0, time), pair, method="DOP853", rtol=1e-12, atol=1e-15).y[:, -1]
    return end[0] * end[1]


def test_two_layers_equal_integration_of_the_factors():
    generator = np.random.default_rng(0)
    drive = generator.normal(size=90) * 10 ** generator.uniform(-2, 0.7, 90)
    inputs, time = 10 ** generator.uniform(-2, 1, 90), 10 ** generator.uniform(-3, 1, 90)
    initial = generator.choice([-1, 1], 90) * 10 ** generator.uniform(-4, 0.5, 90)
    imbalance = generator.choice([-1, 1], 90) * generator.choice(IMBALANCES, 90)
    drive[:6], initial[3:9] = 0.0, 0.0
    arguments = (jnp.asarray(x) for x in (initial, time, imbalance))
    gain = np.asarray(imbalanced_growth(regression(drive, inputs), *arguments))
    expected = [two_layer_oracle(*each) for each in zip(drive, inputs, initial, imbalance, time, strict=True)]
    np.testing.assert_allclose(gain, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("depth", DEPTHS)
def test_depth_equals_integration_of_the_logarithm(depth):
    generator = np.random.default_rng(depth)
    drive = generator.normal(size=48) * 10 ** generator.uniform(-2, 1, 48)
    inputs, time = 10 ** generator.uniform(-2, 1, 48), 10 ** generator.uniform(-3, 1, 48)
    initial = 10 ** generator.uniform(-6, 1, 48)
    drive[:4] = 0.0
    drive[4:7] = np.abs(drive[4:7])
    initial[4:7] = drive[4:7] / inputs[4:7] * np.array([1.0, 1 + 1e-9, 1 - 1e-5])

    def end(h, s, q, t):
        def velocity(_, y):
            return 2 * depth * np.exp(y * (1 - 2 / depth)) * (h - s * np.exp(y))

        solution = solve_ivp(velocity, (0, t), [np.log(q)], method="LSODA", rtol=1e-12, atol=1e-13)
        return np.exp(solution.y[0, -1])

    gain = balanced_growth(regression(drive, inputs), jnp.asarray(initial), jnp.asarray(time), depth)
    np.testing.assert_allclose(gain, [end(*each) for each in zip(drive, inputs, initial, time, strict=True)], rtol=2e-9)


@pytest.mark.parametrize("depth", [3, 4, 6])
def test_depth_solves_the_printed_implicit_equation(depth):
    """G(ψ) - G(Q) = 2ηLτ below the optimum and H(ψ) - H(Q) = 2ηLτ above it (App. F.3), residual ≤ 1e-10."""
    h, s, a = 0.7, 1.3, 1 - 2 / depth
    below, above = np.geomspace(1e-6, 0.9, 9) * h / s, np.geomspace(1.05, 50, 7) * h / s
    for initial, time in ((below, np.geomspace(1e-3, 1.0, 9)), (above, np.geomspace(1e-3, 0.2, 7))):
        gain = np.asarray(balanced_growth(regression(h, s), jnp.asarray(initial), jnp.asarray(time), depth))
        if initial is below:

            def implicit(psi):
                return psi**-a / (-a * h) * hyp2f1(1, -a, 1 - a, s * psi / h)
        else:

            def implicit(psi):
                return psi ** (-1 - a) / ((1 + a) * s) * hyp2f1(1, 1 + a, 2 + a, h / (s * psi))

        residual = implicit(gain) - implicit(initial) - 2 * depth * time
        assert np.abs(residual / (np.abs(implicit(initial)) + 2 * depth * time)).max() < 1e-10


def test_depth_two_is_the_balanced_two_layer_network_and_depth_one_is_one_layer():
    spectrum = cases.spectrum([3.0, 0.4, 0.4, 0.0])
    times, level = jnp.asarray([0.0, 1e-3, 0.2, 3.0, jnp.inf]), jnp.asarray(0.5)
    for process in (EDM(), FlowMatching()):
        deep = DeepLinear(spectrum, process, 0.3, 1.0, depth=2).gain(times, level)
        np.testing.assert_allclose(
            deep, TwoLayer(spectrum, process, 0.3, 1.0).gain(times, level), rtol=1e-11, atol=1e-100
        )
    tied = SymmetricTwoLayer(spectrum, EDM(), 0.3, 0.5).gain(times, level)  # twice the rate of independent layers
    np.testing.assert_allclose(deep_edm(spectrum, 2).gain(times, level), tied, rtol=1e-11, atol=1e-100)
    one = OneLayer(spectrum, EDM(), 0.3, 1.0).gain(times, level)
    np.testing.assert_array_equal(deep_edm(spectrum, 1).gain(times, level), one)


def deep_edm(spectrum, depth):
    return DeepLinear(spectrum, EDM(), 0.3, 1.0, depth=depth)


def test_a_large_imbalance_is_one_lazy_layer():
    spectrum = cases.spectrum([3.0, 0.4, 0.05])
    lazy = TwoLayer(spectrum, EDM(), 0.3, 1e-6, imbalance=1e6)
    one = OneLayer(spectrum, EDM(), 0.3, 1.0)
    np.testing.assert_allclose(
        lazy.gain(jnp.asarray([0.1, 1.0]), 0.5), one.gain(jnp.asarray([0.1, 1.0]), 0.5), rtol=1e-9
    )


def test_nothing_happens_abruptly():
    """Across c_0 → 0."""
    for drive in (0.4, -0.4):
        small = [float(imbalanced_growth(regression(drive, 1.3), 0.1, 1.0, c)) for c in (0.0, 1e-14, 1e-10)]
        np.testing.assert_allclose(small, small[0], rtol=1e-9)


# --- Limits and derivatives ---

BUILD = {
    "two_layer": lambda spectrum, process, gain, rate: TwoLayer(spectrum, process, gain, rate, imbalance=0.3),
    "balanced": TwoLayer,
    "depth_3": DeepLinear,
    "depth_6": functools.partial(DeepLinear, depth=6),
}
each_network = pytest.mark.parametrize("name", BUILD)


@each_network
def test_limits_of_training_time(name):
    spectrum, level = cases.spectrum([3.0, 0.4, 0.4, 0.0]), jnp.asarray(0.5)
    denoiser = BUILD[name](spectrum, EDM(), jnp.asarray([0.1, 1.5, 0.4 / 0.65, 0.2]), 1.0)
    np.testing.assert_array_equal(denoiser.gain(0.0, level), denoiser.initial_gain)
    optimum = spectrum.variance / (spectrum.variance + 0.25)
    np.testing.assert_allclose(denoiser.gain(jnp.inf, level), optimum, rtol=1e-12, atol=1e-20)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_deep_network_at_zero_stays_there(depth):
    denoiser = DeepLinear(cases.spectrum([3.0, 0.4]), EDM(), 0.0, 1.0, depth=depth)
    np.testing.assert_array_equal(denoiser.gain(jnp.asarray([1.0, jnp.inf]), 0.5), 0.0)


@functools.cache
def _gain_with_slopes():
    """Forward and reverse derivatives of two layers in λ, Q, τ and η, the first with the gain itself."""

    def gain(variance, initial, time, rate, imbalance):
        denoiser = TwoLayer(cases.spectrum(variance), EDM(), initial, rate, imbalance=imbalance)
        return denoiser.gain(time, jnp.asarray(0.5))

    forward = jax.jacfwd(lambda *arguments: 2 * (gain(*arguments),), argnums=(0, 1, 2, 3), has_aux=True)
    return jax.jit(forward), jax.jit(jax.jacrev(gain, argnums=(0, 1, 2, 3)))


@pytest.mark.slow
@pytest.mark.parametrize("imbalance", [0.3, 0.0])
def test_derivatives_are_finite_and_equal_differences(imbalance):
    forward, backward = _gain_with_slopes()
    before = (jnp.asarray([3.0, 0.4, 0.05]), jnp.asarray([0.1, 0.9, 0.2]))
    for time in (0.0, 0.3, jnp.inf):
        point = (*before, jnp.asarray(time), jnp.asarray(1.0))
        for one, other in zip(forward(*point, imbalance)[0], backward(*point, imbalance), strict=True):
            assert np.isfinite(one).all()
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    point = (*before, jnp.asarray(0.3), jnp.asarray(1.0))
    for index, derivative in enumerate(forward(*point, imbalance)[0]):
        step = 1e-4 * np.asarray(point[index])
        moved = [_moved(point, index, factor * step) for factor in (-2, -1, 1, 2)]
        low2, low, high, high2 = (np.asarray(forward(*each, imbalance)[1]) for each in moved)
        difference = (low2 - 8 * low + 8 * high - high2) / 12
        diagonal = np.diagonal(derivative) if derivative.ndim == 2 else derivative
        np.testing.assert_allclose(diagonal * step, difference, rtol=1e-6, atol=1e-12)


def _moved(point, index, change):
    return tuple(x + jnp.asarray(change) if place == index else x for place, x in enumerate(point))


def test_derivatives_at_the_singular_points_are_finite():
    def two(initial, time, imbalance, drive):
        return imbalanced_growth(regression(drive, 1.3), initial, time, imbalance)

    slopes_at = jax.jit(jax.grad(two, argnums=(0, 1, 2, 3)))
    for point in [(0.0, 1.0, 0.0, 0.5), (0.1, 1.0, 0.0, 0.0), (0.1, np.inf, 0.0, -0.5), (0.0, 0.0, 0.0, 0.0)]:
        slopes = slopes_at(*map(jnp.asarray, point))
        assert np.isfinite(slopes).all(), point
    # With c_0 = 0 the gain is even in c_0; at Q = 0 it grows like e^{4ηhτ}.
    assert abs(slopes_at(0.1, 1.0, 0.0, 0.4)[2]) < 1e-15
    assert float(slopes_at(0.0, 1.0, 0.0, 0.5)[0]) == pytest.approx(np.exp(2.0), rel=1e-12)


# --- Weights, generation, steps ---


def test_factors_multiply_to_the_gain_and_keep_the_imbalance():
    spectrum, covariance = cases.rotated_spectrum([3.0, 0.4, 0.05])
    del covariance
    denoiser = TwoLayer(spectrum, EDM(), [0.1, -0.2, 0.5], 1.0, imbalance=[0.3, -0.4, 0.0])
    outer, inner = denoiser.weights(0.7, 0.5)
    total = spectrum.basis.T @ outer @ inner @ spectrum.basis
    np.testing.assert_allclose(total, np.diag(denoiser.gain(0.7, 0.5)), atol=1e-13)
    difference = spectrum.basis.T @ (outer @ outer.T - inner.T @ inner) @ spectrum.basis
    np.testing.assert_allclose(difference, np.diag([0.3, -0.4, 0.0]), atol=1e-13)
    layers = DeepLinear(spectrum, EDM(), 0.2, 1.0, depth=4).weights(0.7, 0.5)
    product = functools.reduce(jnp.matmul, layers)
    expected = spectrum.matrix(DeepLinear(spectrum, EDM(), 0.2, 1.0, depth=4).gain(0.7, 0.5))
    np.testing.assert_allclose(product, expected, atol=1e-13)


def test_a_deep_residual_network_starts_from_the_power_of_its_layers():
    spectrum = cases.spectrum([3.0, 0.4])
    residual = DeepLinear.residual(spectrum, EDM(), -0.5, 1.0, depth=3)
    plain = DeepLinear(spectrum, EDM(), 0.125, 1.0, depth=3)
    np.testing.assert_allclose(residual.gain(0.3, 0.5), plain.gain(0.3, 0.5), rtol=1e-14)


@pytest.mark.parametrize("name", ["two_layer", "depth_3"])
def test_generated_variance_equals_scipy_quadrature_of_the_gain(name):
    variance, times = np.array([3.0, 0.4, 0.05]), np.array([0.0, 0.1, 2.0])
    denoiser = BUILD[name](cases.spectrum(variance), EDM(), 0.2, 1.0)
    gain = jax.jit(lambda sigma: denoiser.gain(jnp.asarray(times), sigma))

    def rate(log_sigma):
        return (2 * (1 - np.asarray(gain(jnp.exp(log_sigma))))).ravel()

    integral = quad_vec(rate, np.log(0.002), np.log(80.0), epsabs=1e-11, epsrel=1e-11)[0].reshape(3, 3)
    np.testing.assert_allclose(np.log(generated_variance(denoiser, times)), np.log(80.0**2) - integral, atol=1e-9)


STEPPED = {
    "one_layer": OneLayer,
    "tied": SymmetricTwoLayer,
    **BUILD,
}


@pytest.mark.parametrize("name", STEPPED)
def test_finite_steps_converge_to_the_flow(name):
    denoiser = STEPPED[name](cases.spectrum([3.0, 0.4, 0.05]), EDM(), 0.2, 1.0)
    levels = jnp.asarray([0.3, 1.0])
    flow = jnp.stack([denoiser.gain(0.2, level) for level in levels])
    errors = []
    for count in (200, 400):
        gain = gain_after_steps(denoiser, levels, jnp.full((1, 2), 0.2 / count), jnp.asarray([count]))[0]
        errors.append(float(jnp.abs(gain - flow).max()))
    assert errors[0] < 0.02
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.05)


def matrix_descent(layers, covariance, sigma, step, count):
    """Plain gradient descent on E‖x_0 - W_L ⋯ W_1 x‖² for a list [W_L, …, W_1] of matrices."""
    inputs = covariance + sigma**2 * np.eye(len(covariance))
    for _ in range(count):
        slope = 2 * (functools.reduce(np.matmul, layers) @ inputs - covariance)
        gradients = []
        for place in range(len(layers)):
            left = functools.reduce(np.matmul, layers[:place], np.eye(len(covariance)))
            right = functools.reduce(np.matmul, layers[place + 1 :], np.eye(len(covariance)))
            gradients.append(left.T @ slope @ right.T)
        layers = [layer - step * gradient for layer, gradient in zip(layers, gradients, strict=True)]
    return functools.reduce(np.matmul, layers)


@pytest.mark.parametrize("depth", [2, 3])
def test_steps_are_those_of_gradient_descent_on_the_matrices(depth):
    spectrum, covariance = cases.rotated_spectrum([3.0, 0.4, 0.05])
    initial, basis = np.array([0.3, 0.5, 0.8]), np.asarray(spectrum.basis)
    if depth == 2:
        denoiser = TwoLayer(spectrum, EDM(), initial, 1.0, imbalance=0.4)
        layers = [cases.matrix(basis, np.asarray(x)) for x in factors(jnp.asarray(initial), jnp.full(3, 0.4))]
    else:
        denoiser = DeepLinear(spectrum, EDM(), initial, 1.0, depth=3)
        layers = 3 * [cases.matrix(basis, initial ** (1 / 3))]
    total = matrix_descent(layers, covariance, 0.5, 0.01, 40)
    gain = gain_after_steps(denoiser, jnp.asarray([0.5]), jnp.full((1, 1), 0.01), jnp.asarray([40]))[0, 0]
    np.testing.assert_allclose(np.diagonal(basis.T @ total @ basis), gain, rtol=1e-12)


# --- Properties, precision, input ---


@each_network
@given(st.floats(-2, 1), st.floats(-2, 2), st.permutations(range(3)))
@cases.property_test
def test_symmetries(name, log_time, log_factor, order):
    time, factor, order = 10**log_time, 10**log_factor, np.asarray(order)
    variance, initial = np.array([3.0, 0.4, 0.05]), np.array([0.1, 0.9, 0.2])
    gain = _compiled(name)
    base = gain(variance, initial, time, 1.0, 0.5)
    np.testing.assert_allclose(gain(variance, initial, time / factor, factor, 0.5), base, rtol=1e-10)
    scaled = gain(factor * variance, initial, time / factor, 1.0, 0.5 * np.sqrt(factor))
    np.testing.assert_allclose(scaled, base, rtol=1e-10)
    np.testing.assert_allclose(gain(variance[order], initial[order], time, 1.0, 0.5), base[order], rtol=1e-12)
    assert (base > 0).all()


@functools.cache
def _compiled(name):
    def gain(variance, initial, time, rate, level):
        return BUILD[name](cases.spectrum(variance), EDM(), initial, rate).gain(time, level)

    compiled = jax.jit(gain)
    return lambda *arguments: np.asarray(compiled(*(jnp.asarray(x, float) for x in arguments)))


@each_network
def test_single_precision(name):
    variance = jnp.asarray([3.0, 0.4, 0.05], jnp.float32)
    single = BUILD[name](cases.spectrum(variance), EDM(), 0.2, 1.0).gain(jnp.asarray([0.1, 3.0], jnp.float32), 0.5)
    double = BUILD[name](cases.spectrum(variance.astype(float)), EDM(), 0.2, 1.0).gain(jnp.asarray([0.1, 3.0]), 0.5)
    np.testing.assert_allclose(single, double, rtol=2e-5)


def test_bad_input():
    spectrum = cases.spectrum([3.0, 0.4])
    for depth in (0, 2.5, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"depth must be a whole number of 1 or more; got {depth}"):
            DeepLinear(spectrum, EDM(), 0.1, 1.0, depth=depth)
    with pytest.raises(ValueError, match="must be zero or more; got -0.1"):
        DeepLinear(spectrum, EDM(), -0.1, 1.0)
    with pytest.raises(ValueError, match="imbalance must be a number or one per mode"):
        TwoLayer(spectrum, EDM(), 0.1, 1.0, imbalance=[1.0, 2.0, 3.0])
