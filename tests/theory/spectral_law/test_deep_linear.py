"""Factored networks against training of their matrices; depth against its implicit equation in 50 digits."""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import brentq

from tests import cases
from tests.oracles import matrices as oracles
from theory import DeepLinear, FlowMatching, generated_variance
from theory.spectral_law.balanced_growth import balanced_growth
from theory.spectral_law.regression import ModeRegression

LEVELS = {"edm": [0.002, 0.05, 1.0, 8.0], "vp": [1e-3, 0.1, 0.5, 0.95], "flow": [0.05, 0.4, 0.5, 0.95]}
GENERATED = ["imbalanced-flow-FlowTarget", "depth_3-vp_cosine-VelocityTarget", "depth_4-edm-DenoiserTarget"]
DEPTHS, POINTS = [2, 3, 6], 40
SIDES = {"below": (-10, -0.01), "above": (0.01, 6), "against": (-6, 6)}  # log10 of Q/|ψ*|; h < 0 is against


# --- Against training of the matrices ---


@pytest.mark.parametrize("case", cases.LAYERED)
def test_factors_equal_gradient_flow_of_the_matrices(case):
    spectrum, covariance = cases.rotated_spectrum([3.0, 0.4, 0.02])
    levels = next(np.array(values) for prefix, values in LEVELS.items() if f"-{prefix}" in case.name)
    initial, times = np.array([0.1, 0.5, 1.5]), [0.0, 1e-3, 0.05, 0.5]
    path = oracles.gradient_flow(
        case.network,
        *oracles.moments(covariance, case.oracle_process, case.oracle_target, levels),
        cases.matrix(spectrum.basis, initial),
        times,
    )
    denoiser = case.denoiser(spectrum, initial)
    tau, noise_level = jnp.asarray(times)[:, None], jnp.asarray(levels)
    factors = jnp.stack(denoiser.weights(tau, noise_level), axis=-3)
    np.testing.assert_allclose(factors, path, rtol=1e-8, atol=1e-9)
    total = spectrum.matrix(denoiser.gain(tau, noise_level))
    np.testing.assert_allclose(total, case.network.total(path), rtol=1e-8, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in cases.LAYERED if case.values[0].name in GENERATED])
def test_variance_equals_matrix_integration_in_a_rotated_basis(case):
    variance, initial, times = [2.0, 0.3, 0.05], np.array([0.3, 0.5, 0.8]), [0.1, 3.0]
    spectrum, covariance = cases.rotated_spectrum(variance)
    generated = oracles.generated_covariance(
        case.network,
        covariance,
        case.oracle_process,
        case.oracle_target,
        cases.matrix(spectrum.basis, initial),
        times,
    )
    predicted = generated_variance(case.denoiser(spectrum, initial), jnp.asarray(times))
    diagonal = np.einsum("ik,tij,jk->tk", spectrum.basis, generated, spectrum.basis)
    np.testing.assert_allclose(predicted, diagonal, rtol=1e-8)


# --- Against the implicit equation in many digits ---


def travel_time(psi, drive, inputs, depth):
    """G(ψ) with dG/dψ = 1/[ψ^b (h - sψ)], b = 2 - 2/L: logarithms for two layers, else hypergeometric functions."""
    a = 1 - mp.mpf(2) / depth
    if drive > 0 and inputs * psi > drive:
        return psi ** (-1 - a) / ((1 + a) * inputs) * mp.hyp2f1(1, 1 + a, 2 + a, drive / (inputs * psi))
    if depth == 2:
        return mp.log(psi / abs(drive - inputs * psi)) / drive
    return psi**-a / (-a * drive) * mp.hyp2f1(1, -a, 1 - a, inputs * psi / drive)


def velocity(psi, drive, inputs, depth):
    return psi ** (2 - mp.mpf(2) / depth) * (drive - inputs * psi)


def exact(initial, drive, inputs, time, depth, near):
    """ψ by Newton's method in ln ψ from `near`, and ψ_Q, ψ_h, ψ_s, ψ_τ of the implicit function."""
    initial, drive, inputs = map(mp.mpf, (initial, drive, inputs))
    psi = mp.mpf(float(near))
    for _ in range(3):
        late = travel_time(psi, drive, inputs, depth) - travel_time(initial, drive, inputs, depth)
        psi *= mp.exp(-(late - 2 * depth * mp.mpf(time)) * velocity(psi, drive, inputs, depth) / psi)
    speed = velocity(psi, drive, inputs, depth)

    def took(h, s):
        return travel_time(psi, h, s, depth) - travel_time(initial, h, s, depth)

    step = mp.mpf(10) ** -15
    in_drive = -speed * (took(drive * (1 + step), inputs) - took(drive * (1 - step), inputs)) / (2 * step * drive)
    in_inputs = -speed * (took(drive, inputs * (1 + step)) - took(drive, inputs * (1 - step))) / (2 * step * inputs)
    in_start = speed / velocity(initial, drive, inputs, depth)
    return [float(x) for x in (psi, in_start, in_drive, in_inputs, 2 * depth * speed)]


@functools.cache
def _compiled(depth):
    def gain(initial, drive, inputs, time):
        mode = ModeRegression(drive / inputs, 2 * inputs, jnp.zeros_like(drive), 2 * drive)
        return balanced_growth(mode, initial, time, depth)

    return jax.jit(jax.vmap(jax.value_and_grad(gain, argnums=(0, 1, 2, 3))))


def gain_and_slopes(depth, *point):
    """ψ and (ψ_Q, ψ_h, ψ_s, ψ_τ) at (Q, h, s, ητ), numbers or arrays; always compiled for the same length."""
    point = np.broadcast_arrays(*map(np.atleast_1d, point))
    count = point[0].size
    value, slopes = _compiled(depth)(*(jnp.asarray(np.resize(x, POINTS), float) for x in point))
    return np.asarray(value)[:count], np.stack(slopes, axis=1)[:count]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_gain_and_slopes_solve_the_implicit_equation(depth, side):
    """From the first 1e-12 of the way to a few relaxation times, with sQ/|h| from 1e-10 to 1e6."""
    generator = np.random.default_rng([depth, list(SIDES).index(side)])
    inputs, optimum = 10 ** generator.uniform(-4, 4, (2, POINTS))
    initial = optimum * 10 ** generator.uniform(*SIDES[side], POINTS)
    drive = (-1 if side == "against" else 1) * optimum * inputs
    rate = 2 * depth * initial ** (1 - 2 / depth) * np.abs(drive - inputs * initial)
    time = 10 ** generator.uniform(-12, 0.5, POINTS) / rate
    value, slopes = gain_and_slopes(depth, initial, drive, inputs, time)
    with mp.workdps(50):
        points = zip(initial, drive, inputs, time, value, strict=True)
        expected = np.array([exact(*point, depth, near) for *point, near in points])
    np.testing.assert_allclose(value, expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(slopes, expected[:, 1:], rtol=1e-10)


# Where the slopes pass from one expression to another: measured(Q, ψ, h) reaches a value, for s = 1.3, at some Q
# below the one given; the time is in units of 1/[2ηLQ^a max(|h|, sQ)].
SWITCHES = {
    "load small, rising": (lambda q, psi, h: 1.3 * psi / h, 1e-3, 0.7, 5e-4, 0.8),
    "load small, falling": (lambda q, psi, h: -1.3 * q / h, 1e-3, -0.7, 8e-4, 1.0),
    "drive small, from above": (lambda q, psi, h: 1.3 * psi / h, 1e3, 0.7, 3e3, 2.0),
    "drive small, against": (lambda q, psi, h: -1.3 * psi / h, 1e3, -0.7, 3e3, 2.0),
    "gain moved": (lambda q, psi, h: np.log(psi / q), 0.5, 0.7, 0.05, 0.55),
    "deficit moved": (lambda q, psi, h: np.log((h - 1.3 * q) / (h - 1.3 * psi)), 0.5, 0.7, 0.4, 1.2),
}


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_slopes_do_not_jump_where_expressions_change(depth, name):
    """Q steps across the switch: the step that crosses it is the mean of the steps before and after, to 1e-11."""
    measured, switch, drive, initial, lasting = SWITCHES[name]
    time = lasting / (2 * depth * initial ** (1 - 2 / depth) * max(abs(drive), 1.3 * initial))

    def excess(log_initial):
        q = np.exp(log_initial)
        return measured(q, gain_and_slopes(depth, q, drive, 1.3, time)[0][0], drive) - switch

    root = np.exp(brentq(excess, np.log(initial) - 2.5, np.log(initial), xtol=1e-13))
    _, slopes = gain_and_slopes(depth, root * (1 + 1e-7 * np.array([-3, -1, 1, 3])), drive, 1.3, time)
    before, across, after = np.diff(slopes, axis=0)
    assert (np.abs(across - (before + after) / 2) < 1e-11 * np.abs(slopes[0])).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_start_beside_the_optimum_follows_the_linear_law(depth):
    """Within 1e-8 of it, where the law replaces the solution, and just outside."""
    optimum = 0.7 / 1.3
    start = optimum * (1 + np.array([0.0, 0.9e-8, 1.1e-8, -0.9e-8, -1.1e-8]))
    _, near = gain_and_slopes(depth, start, 0.7, 1.3, 0.3)
    kept = np.exp(-2 * depth * 0.3 * 1.3 * optimum ** (2 - 2 / depth))
    at_optimum = [kept, (1 - kept) / 1.3, -(1 - kept) * optimum / 1.3]
    np.testing.assert_allclose(near[0, :3], at_optimum, rtol=1e-12)
    np.testing.assert_allclose(near[1:, :3], np.broadcast_to(at_optimum, (4, 3)), rtol=2e-7)


@pytest.mark.parametrize("drive", [0.7, 0.0, -0.7])
@pytest.mark.parametrize("depth", DEPTHS)
def test_slopes_at_the_start(depth, drive):
    """At τ = 0 the gain is Q and moves at 2ηLQ^b(h - sQ), even though it is returned without being computed."""
    value, slopes = gain_and_slopes(depth, 0.2, drive, 1.3, 0.0)
    assert value == 0.2
    speed = 2 * depth * 0.2 ** (2 - 2 / depth) * (drive - 1.3 * 0.2)
    np.testing.assert_allclose(slopes[0], [1.0, 0.0, 0.0, speed], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("depth", DEPTHS)
def test_without_a_drive_the_gain_falls_as_a_power(depth):
    """h = 0: ψ^-b = Q^-b + 2ηLbsτ, and ψ_h = [1 - (ψ/Q)^{b+1}]/[(b+1)s] from the linearised equation."""
    b, times = 2 - 2 / depth, np.array([1e-9, 1e-2, 1.0, 1e4])
    value, slopes = gain_and_slopes(depth, 0.2, 0.0, 1.3, times)
    growth = -np.log1p(0.2**b * 2 * depth * b * 1.3 * times) / b
    np.testing.assert_allclose(value, 0.2 * np.exp(growth), rtol=1e-13)
    np.testing.assert_allclose(slopes[:, 1], -np.expm1((b + 1) * growth) / ((b + 1) * 1.3), rtol=1e-12)


@pytest.mark.parametrize("drive", [0.7, 0.0, -0.7])
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_mode_that_starts_at_zero_stays_there_with_finite_slopes(depth, drive):
    value, slopes = gain_and_slopes(depth, 0.0, drive, 1.3, [0.0, 1.0, 1e8, np.inf])
    assert not value.any()
    assert not slopes[:, 1:].any()
    assert np.isfinite(slopes).all()
    # Two layers leave zero at the rate 4ηh; deeper ones do not in any finite time.
    expected = np.exp(4 * drive) if depth == 2 else 1.0
    np.testing.assert_allclose(slopes[1, 0], expected, rtol=1e-13)


@pytest.mark.slow
def test_a_mode_without_input_stays_where_it_is():
    """Where flow matching ends, σ = 0: nothing moves without data, and derivatives are finite."""

    def gains(variance, initial):
        denoiser = DeepLinear(cases.spectrum(variance), FlowMatching(), initial, 1.0, 3)
        return denoiser.gain(jnp.asarray([0.0, 1.0, np.inf]), jnp.asarray(1.0))

    variance, initial = jnp.zeros(2), jnp.asarray([0.1, 1.0])
    both = jax.jit(lambda *at: (gains(*at), jax.jacrev(gains, (0, 1))(*at)))
    value, (by_variance, by_gain) = both(variance, initial)
    np.testing.assert_array_equal(value, np.broadcast_to(initial, (3, 2)))
    assert np.isfinite(by_variance).all()
    np.testing.assert_allclose(by_gain, np.broadcast_to(np.eye(2), (3, 2, 2)), atol=1e-15)
