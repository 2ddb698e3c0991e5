"""Two independent layers: values and derivatives against the paper's solution through tanh, by complex steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, FlowMatching, TwoLayer
from theory.spectral_law.parametrisations.two_layer import imbalanced_growth
from theory.spectral_law.regression import ModeRegression


def gain(initial, drive, inputs, time, imbalance):
    mode = ModeRegression(drive / inputs, 2 * inputs, jnp.zeros_like(drive), 2 * drive)
    return imbalanced_growth(mode, initial, time, imbalance)


@pytest.mark.parametrize("case", cases.EXPLICIT)
def test_gain_and_derivatives_equal_the_papers_solution(case):
    """At τ = 0 too, where the slope in τ is the velocity at Q; without λ = σ² = 1, where the paper's form is 0/0."""
    variance, times = np.array([1e-2, 0.4, 30.0]), np.array([0.0, 1e-4, 1e-2, 0.2])[:, None, None]
    levels = np.array([0.03, 0.3, 0.7])[:, None]

    def expected(variance, initial, time):
        return oracles.mode_gain(case.network, variance, case.oracle_process, case.oracle_target, initial, time, levels)

    def actual(variance, initial, time):
        return case.denoiser(cases.spectrum(variance), initial).gain(time, jnp.asarray(levels[:, 0]))

    point = jnp.asarray(variance), jnp.full(3, 0.4), jnp.asarray(times.ravel())
    with_value = jax.jacfwd(lambda *at: 2 * (actual(*at),), (0, 1, 2), has_aux=True)
    jacobian, value = jax.jit(jax.vmap(with_value, in_axes=(None, None, 0)))(*point)
    np.testing.assert_allclose(value, expected(variance, 0.4, times), rtol=1e-9, atol=1e-12)
    for argument in range(3):
        slope = jacobian[argument] if argument == 2 else jacobian[argument][..., np.arange(3), np.arange(3)]
        by_step = oracles.derivative(expected, variance, 0.4, times, argument=argument)
        np.testing.assert_allclose(slope, by_step, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_derivatives_of_an_imbalanced_mode_equal_complex_steps(sign):
    """Gains of both signs, drives of both signs, and the imbalance itself; c_0 → -c_0 leaves the gain as it is."""
    generator, count = np.random.default_rng(3), 200
    initial, drive = generator.choice([-1, 1], (2, count)) * 10 ** generator.uniform(-2, 0.5, (2, count))
    inputs, imbalance = 10 ** generator.uniform(-1, 1, (2, count))
    time = 10 ** generator.uniform(-5, 0.5, count) / np.hypot(drive, inputs * imbalance / 2)
    arguments = (initial, drive, inputs, time, sign * imbalance)
    evaluate = jax.jit(jax.vmap(jax.value_and_grad(gain, argnums=(0, 1, 2, 3, 4))))
    value, slopes = evaluate(*map(jnp.asarray, arguments))
    np.testing.assert_allclose(value, oracles.mode_imbalanced(*arguments[:4], imbalance), rtol=1e-9, atol=1e-11)
    for argument, slope in enumerate(slopes):
        expected = oracles.derivative(
            oracles.mode_imbalanced, *arguments[:4], imbalance, argument=argument, scale=1e-30
        )
        np.testing.assert_allclose(slope, sign * expected if argument == 4 else expected, rtol=1e-8, atol=1e-9)


with_slopes = jax.jit(jax.value_and_grad(gain, argnums=(0, 1, 2, 3, 4)))


@pytest.mark.parametrize("initial", [0.2, 0.0, -0.2])
@pytest.mark.parametrize("imbalance", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("drive", [0.7, 0.0, -0.7])
def test_slopes_at_the_start(initial, imbalance, drive):
    """At τ = 0 the gain is ψ_0 exactly and moves at 2η√(c_0² + 4ψ_0²)(h - sψ_0)."""
    point = [jnp.asarray(x) for x in (initial, drive, 1.3, 0.0, imbalance)]
    value, slopes = with_slopes(*point)
    assert value == initial
    speed = 2 * np.hypot(imbalance, 2 * initial) * (drive - 1.3 * initial)
    np.testing.assert_allclose(slopes, [1.0, 0.0, 0.0, speed, 0.0], rtol=1e-13, atol=1e-15)


def test_a_sign_is_changed_with_an_imbalance_only():
    """Near the noise a flow wants a negative gain. Balanced factors stop at zero; imbalanced ones pass it."""
    spectrum, level = cases.spectrum([3.0, 0.4]), jnp.asarray(0.1)
    optimum = (0.1 * np.array([3.0, 0.4]) - 0.9) / (0.01 * np.array([3.0, 0.4]) + 0.81)
    balanced, imbalanced = (
        TwoLayer(spectrum, FlowMatching(), 0.3, 1.0, imbalance=c).gain(jnp.inf, level) for c in (0.0, 0.3)
    )
    np.testing.assert_allclose(balanced, 0.0, atol=1e-100)
    np.testing.assert_allclose(imbalanced, optimum, rtol=1e-12)
    # On EDM the optimum is positive, and a balanced mode that starts below zero stops there.
    stuck = TwoLayer(spectrum, EDM(), -0.3, 1.0).gain(jnp.inf, 0.5)
    np.testing.assert_allclose(stuck, 0.0, atol=1e-100)
    crossed = TwoLayer(spectrum, EDM(), -0.3, 1.0, imbalance=1e-6).gain(jnp.inf, 0.5)
    np.testing.assert_allclose(crossed, np.array([3.0, 0.4]) / (np.array([3.0, 0.4]) + 0.25), rtol=1e-12)
