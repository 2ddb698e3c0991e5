"""The regression of one mode against its loss; gradient descent against a loop over matrices and against the flow."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, FlowMatching
from theory.definitions.arrays import floating
from theory.definitions.objectives import native_objective
from theory.definitions.targets import DenoiserTarget
from theory.spectral_law.parametrisations.symmetric_two_layer import tied_gradient_descent
from theory.spectral_law.regression import ModeRegression, gradient_descent, gradient_flow, mode_regression, saturated

VARIANCE = np.array([2.0, 0.3, 0.05])
INITIAL = np.array([0.1, 0.5, 1.5])
DESCENT = {"one_layer": gradient_descent, "symmetric_two_layer": tied_gradient_descent}


@pytest.fixture
def regression():
    """Denoising at σ = ½: curvatures 4.5, 1.1 and 0.6."""
    return mode_regression(jnp.asarray(VARIANCE), EDM(), DenoiserTarget(), 0.5)


@pytest.mark.parametrize(("name", "target", "oracle"), cases.SETTINGS)
def test_loss_is_a_parabola_about_the_optimum(name, target, oracle):
    """w[(c - αψ)²λ + (e - σψ)²] = minimum + ½ curvature (ψ - ψ*)², at any ψ, for batches of times."""
    process, numpy_process = cases.PROCESSES[name]
    t, weight, psi = np.array([[0.2], [0.5], [0.9]]), 0.7, 1.3
    alpha, sigma = numpy_process.alpha(t), numpy_process.sigma(t)
    signal, noise = oracle.coefficients(alpha, sigma)
    for gain in (psi, -2.0, 0.0):
        loss = weight * ((signal - alpha * gain) ** 2 * VARIANCE + (noise - sigma * gain) ** 2)
        optimum, curvature, minimum, _ = mode_regression(
            jnp.asarray(VARIANCE), process, target, jnp.asarray(t[:, 0]), weight
        )
        np.testing.assert_allclose(minimum + curvature * (gain - optimum) ** 2 / 2, loss, rtol=1e-12)


def test_loss_that_remains_has_no_cancellation():
    """λσ²/(λ + σ²) for the denoiser, where the data are almost noiseless."""
    minimum = mode_regression(jnp.asarray([1.0]), EDM(), DenoiserTarget(), 1e-9).minimum_loss
    np.testing.assert_allclose(minimum, 1e-18, rtol=1e-12)


def test_native_targets():
    assert type(native_objective(EDM()).target).__name__ == "DenoiserTarget"
    assert type(native_objective(FlowMatching()).target).__name__ == "FlowTarget"


# --- Gradient descent ---


def descend(name, regression, step_sizes, steps):
    return DESCENT[name](regression, jnp.asarray(INITIAL), jnp.asarray(step_sizes), jnp.asarray(steps, dtype=int))


@pytest.mark.parametrize("name", DESCENT)
def test_descent_equals_a_loop_over_matrices(name, regression):
    spectrum, covariance = cases.rotated_spectrum(VARIANCE)
    network, process = cases.PARAMETRISATIONS[name].network, cases.PROCESSES["edm"][1]
    inputs, cross = oracles.moments(covariance, process, oracles.DENOISED, np.array([0.5]))
    weights = cases.matrix(spectrum.basis, INITIAL)
    for gain, step, count in zip(descend(name, regression, [0.03, 0.06], [7, 20]), [0.03, 0.06], [7, 20], strict=True):
        parameters = oracles.gradient_descent(network, inputs, cross, weights, step, count)
        weights = network.total(parameters)[0]
        np.testing.assert_allclose(cases.matrix(spectrum.basis, gain), weights, atol=1e-13)


@pytest.mark.parametrize("name", DESCENT)
def test_descent_tends_to_the_flow_at_first_order(name, regression):
    optimum, curvature, *_ = regression
    flow = cases.PARAMETRISATIONS[name].network.mode(INITIAL, curvature * optimum / 2, curvature / 2, 0.3)
    errors = [np.abs(descend(name, regression, [0.3 / count], [count])[-1] - flow) for count in (1000, 2000, 4000)]
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.01)
    np.testing.assert_allclose(errors[1] / errors[2], 2, rtol=0.005)


def test_flow_limits(regression):
    initial = jnp.asarray(INITIAL)
    np.testing.assert_allclose(gradient_flow(regression, initial, jnp.asarray(0.0)), initial, rtol=1e-15)
    np.testing.assert_array_equal(gradient_flow(regression, initial, jnp.inf), regression.optimal_gain)
    slopes = jax.grad(lambda q, t: gradient_flow(regression, q, t).sum(), (0, 1))(initial, jnp.inf)
    assert not slopes[0].any()
    assert slopes[1] == 0


@pytest.mark.parametrize("name", DESCENT)
def test_step_sizes_per_mode(name, regression):
    sizes = np.array([[0.01, 0.02, 0.03], [0.03, 0.01, 0.02]])
    together = descend(name, regression, sizes, [5, 9])
    for mode in range(3):
        alone = descend(name, regression, sizes[:, mode], [5, 9])
        np.testing.assert_allclose(together[:, mode], alone[:, mode], rtol=1e-14)


@pytest.mark.parametrize("name", DESCENT)
@pytest.mark.parametrize("shape", [(2, 3), (2, 1, 3), (2, 3, 3)], ids=str)
def test_step_sizes_per_mode_on_a_batch_of_noise_levels(name, shape):
    """As many noise levels as modes: a size that belongs to a mode must not go to a noise level."""
    regressions = mode_regression(jnp.asarray(VARIANCE), EDM(), DenoiserTarget(), jnp.asarray([0.1, 0.5, 1.0]))
    per_mode = np.array([[0.01, 0.02, 0.03], [0.03, 0.01, 0.02]])
    sizes = per_mode if len(shape) == 2 else np.broadcast_to(per_mode[:, None], shape)
    initial = jnp.broadcast_to(jnp.asarray(INITIAL), (3, 3))
    if len(shape) == 2:
        with pytest.raises(ValueError, match="axes"):
            DESCENT[name](regressions, initial, jnp.asarray(sizes), jnp.asarray([5, 9]))
        return
    together = DESCENT[name](regressions, initial, jnp.asarray(sizes), jnp.asarray([5, 9]))
    for level in range(3):
        one = ModeRegression(*(leaf[level] for leaf in regressions))
        np.testing.assert_allclose(together[:, level], descend(name, one, per_mode, [5, 9]), rtol=1e-13)


@given(st.floats(0.01, 3.0), st.integers(0, 60))
@cases.property_test
def test_descent_of_any_step_size_is_a_geometric_series(step, count):
    """Also when it oscillates (1 - curvature·η < 0) or diverges."""
    gain = compiled_descent()(step, count)
    curvature, optimum = 2 * (VARIANCE + 0.25), VARIANCE / (VARIANCE + 0.25)
    expected = np.array(INITIAL)
    for _ in range(count):
        expected = expected - step * curvature * (expected - optimum)
    np.testing.assert_allclose(gain, expected, rtol=1e-10, atol=1e-13)


@functools.cache
def compiled_descent():
    regression = mode_regression(jnp.asarray(VARIANCE), EDM(), DenoiserTarget(), 0.5)
    return jax.jit(
        lambda step, count: gradient_descent(
            regression, jnp.asarray(INITIAL), jnp.asarray(step)[None], jnp.asarray(count)[None]
        )[0]
    )


# --- Numbers ---


def test_saturated_time_keeps_products_finite_and_small_times_untouched():
    for dtype in (jnp.float32, jnp.float64):
        capped = saturated(jnp.asarray(jnp.inf, dtype))
        assert capped.dtype == dtype
        assert jnp.isfinite(capped * 1e12)
        assert saturated(jnp.asarray(1e8, dtype)) == jnp.asarray(1e8, dtype)
    assert floating(3).dtype == np.float64
    assert floating(jnp.float32(3)).dtype == np.float32
