"""Gains and weights of every parametrisation against matrix gradient flow in SciPy; limits; what is refused."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, FlowMatching, HeavyBall, OneLayer, SymmetricTwoLayer, TwoLayer

NOISE_LEVELS = {"edm": [0.002, 0.05, 1.0, 8.0], "vp": [1e-3, 0.1, 0.5, 0.95], "flow": [0.05, 0.4, 0.5, 0.95]}
VARIANCE = [3.0, 0.4, 0.02]
INITIAL = np.array([0.1, 0.5, 1.5])


@eqx.filter_jit
def gain_of(denoiser, tau, noise_level):
    return denoiser.gain(tau, noise_level)


def noise_levels(case):
    return next(np.array(levels) for prefix, levels in NOISE_LEVELS.items() if f"-{prefix}" in case.name)


def oracle_gain(case, variance, initial, scaled_time, t):
    return oracles.mode_gain(case.network, variance, case.oracle_process, case.oracle_target, initial, scaled_time, t)


# --- Against independent training ---


@pytest.mark.parametrize("case", cases.ALL)
def test_weights_equal_gradient_flow_of_the_matrices(case):
    spectrum, covariance = cases.rotated_spectrum(VARIANCE)
    levels, times = noise_levels(case), [0.0, 1e-3, 0.05, 0.5]
    path = oracles.gradient_flow(
        case.network,
        *oracles.moments(covariance, case.oracle_process, case.oracle_target, levels),
        cases.matrix(spectrum.basis, INITIAL),
        times,
    )
    denoiser = case.denoiser(spectrum, INITIAL)
    tau, noise_level = jnp.asarray(times)[:, None], jnp.asarray(levels)
    np.testing.assert_allclose(denoiser.weights(tau, noise_level), case.network.weights(path), rtol=1e-8, atol=1e-9)
    total = spectrum.matrix(denoiser.gain(tau, noise_level))
    np.testing.assert_allclose(total, case.network.total(path), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("scaled_time", [1e-8, 1e-4, 1e-2, 1.0, 1e4, 1e8])
def test_one_layer_weights_equal_the_matrix_exponential(scaled_time):
    spectrum, covariance = cases.rotated_spectrum([1e4, 1.0, 1e-3])
    denoiser = OneLayer(spectrum, EDM(), INITIAL, 1.0)
    for sigma in (0.002, 0.1, 1.0, 80.0):
        inputs, cross = oracles.moments(covariance, cases.PROCESSES["edm"][1], oracles.DENOISED, np.array([sigma]))
        expected = oracles.linear_flow(inputs[0], cross[0], cases.matrix(spectrum.basis, INITIAL), scaled_time)
        # Rates are known to round-off of the largest one: 2ητ(1e4 + σ²) eps in the exponent of the others.
        np.testing.assert_allclose(denoiser.weights(scaled_time, sigma), expected, rtol=0, atol=1e-9)


def gain_on_grid(case, initial):
    """(times, noise levels, modes) from τ = 0 to τ = ∞."""
    return gain_of(
        case.denoiser(cases.spectrum(cases.VARIANCES), initial),
        jnp.asarray(cases.SCALED_TIMES)[:, None],
        jnp.asarray(noise_levels(case)),
    )


@pytest.mark.parametrize("case", cases.ALL)
def test_gain_equals_the_solution_of_the_mode_equation_on_the_whole_grid(case):
    times = np.minimum(cases.SCALED_TIMES, cases.FOREVER)[:, None, None]
    for initial in cases.GAINS:
        expected = oracle_gain(case, cases.VARIANCES, initial, times, noise_levels(case)[:, None])
        np.testing.assert_allclose(gain_on_grid(case, initial), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", [*cases.ONE_PER_SETTING, cases.TIED, cases.TIED_ON_COSINE])
def test_derivatives_of_the_gain_equal_complex_steps(case):
    """At λ = 0, τ = 0, Q = 0 and at ψ* = Q (λ = 1, σ² = 1 for EDM) as well."""
    variance, times = np.array([0.0, 1e-4, 1.0, 30.0]), np.array([0.0, 1e-3, 0.2, 0.8])[:, None, None]
    levels = noise_levels(case)[:, None]

    def gain(variance, initial, time):
        return case.denoiser(cases.spectrum(variance), initial).gain(time, jnp.asarray(levels[:, 0]))

    jacobian = jax.jit(jax.vmap(jax.jacfwd(gain, (0, 1, 2)), in_axes=(None, None, 0)))
    diagonal = np.arange(4)
    for initial in (0.0, 0.5):
        actual = jacobian(jnp.asarray(variance), jnp.full(4, initial), jnp.asarray(times.ravel()))
        for argument in range(3):
            expected = oracles.derivative(
                lambda *x: oracle_gain(case, *x, levels), variance, initial, times, argument=argument
            )
            value = actual[argument] if argument == 2 else actual[argument][..., diagonal, diagonal]
            np.testing.assert_allclose(value, expected, rtol=1e-8, atol=1e-9)


# --- Limits ---


@pytest.mark.parametrize("case", cases.ALL)
def test_initial_gain_is_exact(case):
    np.testing.assert_allclose(gain_on_grid(case, 0.3)[0], 0.3, rtol=1e-15)


@pytest.mark.parametrize("case", cases.keeping("reaches_optimum", cases.ALL))
def test_converged_gain_is_the_optimum_that_can_be_reached(case):
    levels = noise_levels(case)[:, None]
    process, variance = case.oracle_process, cases.VARIANCES
    signal, noise = case.oracle_target.coefficients(process.alpha(levels), process.sigma(levels))
    drive = process.alpha(levels) * signal * variance + process.sigma(levels) * noise
    optimum = drive / (process.alpha(levels) ** 2 * variance + process.sigma(levels) ** 2)
    if case.row.non_negative:
        optimum = np.maximum(optimum, 0)
    # h = 0 for λ = 1 in the middle of a flow: a tied gain then decays like 1/τ only, to 0 at τ = ∞.
    np.testing.assert_allclose(gain_on_grid(case, 0.3)[-1], optimum, rtol=1e-10, atol=1e-15)


def test_a_tied_network_never_learns_from_zero():
    denoiser = SymmetricTwoLayer(cases.spectrum(cases.VARIANCES), EDM(), 0.0, 1.0)
    assert not denoiser.gain(jnp.asarray(cases.SCALED_TIMES), 1.0).any()


@pytest.mark.parametrize("case", cases.keeping("time_is_scaled", cases.SOME))
def test_learning_rate_multiplies_training_time(case):
    spectrum, levels = cases.spectrum(np.array(VARIANCE)), jnp.asarray(noise_levels(case))
    slow = case.denoiser(spectrum, INITIAL, learning_rate=0.25).gain(0.4, levels)
    np.testing.assert_allclose(slow, case.denoiser(spectrum, INITIAL).gain(0.1, levels), rtol=1e-13)


@pytest.mark.parametrize("case", cases.keeping("scale_free", cases.DENOISED))
def test_the_scale_of_the_data_divides_training_time(case):
    variance, levels = np.array(VARIANCE), jnp.asarray(noise_levels(case))
    gain = case.denoiser(cases.spectrum(variance), INITIAL).gain(0.3, levels)
    scaled = case.denoiser(cases.spectrum(9 * variance), INITIAL).gain(0.3 / 9, 3 * levels)
    np.testing.assert_allclose(scaled, gain, rtol=1e-12)


@pytest.mark.parametrize("case", cases.SOME)
def test_training_time_and_noise_level_broadcast(case):
    denoiser = case.denoiser(cases.spectrum(np.array(VARIANCE)), INITIAL)
    tau, levels = jnp.asarray([0.1, 2.0, 30.0]), jnp.asarray(noise_levels(case))
    batch = denoiser.gain(tau[:, None], levels)
    assert batch.shape == (3, 4, 3)
    np.testing.assert_allclose(batch[1, 2], denoiser.gain(tau[1], levels[2]), rtol=1e-14)
    assert denoiser.weights(tau[:, None], levels).shape == (3, 4, 3, 3)


@pytest.mark.parametrize("case", cases.ONE_PER_SETTING)
def test_gain_in_single_precision_and_over_a_batch_of_denoisers(case):
    variance, levels = np.array(VARIANCE), noise_levels(case)
    single = case.denoiser(cases.spectrum(variance.astype(np.float32)), 0.3)
    gain = single.gain(jnp.float32(0.3), jnp.asarray(levels, jnp.float32))
    exact = case.denoiser(cases.spectrum(variance), 0.3).gain(0.3, jnp.asarray(levels))
    assert gain.dtype == np.float32
    # A time near the end of flow matching is itself rounded: 1 - t = 0.05 ± 6e-8.
    np.testing.assert_allclose(gain, exact, rtol=2e-5, atol=1e-6)
    batch = eqx.filter_vmap(lambda q: case.denoiser(cases.spectrum(variance), q).gain(0.3, jnp.asarray(levels)))(
        jnp.asarray([0.3, 0.8])
    )
    np.testing.assert_allclose(batch[0], exact, rtol=1e-14)


# --- Construction ---


@pytest.mark.parametrize(
    ("build", "initial_gain", "learning_rate", "message"),
    [
        (OneLayer, [0.1, 0.2], 1.0, "a number or one per mode"),
        (OneLayer, np.nan, 1.0, "initial_gain must be finite"),
        (OneLayer, 0.1, [1.0], "learning_rate must be one number"),
        (OneLayer, 0.1, 0.0, "learning_rate must be positive"),
        (OneLayer, 0.1, np.inf, "learning_rate must be positive"),
        (SymmetricTwoLayer, np.inf, 1.0, "initial_gain must be finite"),
        (SymmetricTwoLayer, [0.1, -0.2, 0.1], 1.0, "must be zero or more; got -0.2"),
        (SymmetricTwoLayer, 0.1, -1.0, "learning_rate must be positive"),
    ],
)
def test_arguments_that_are_refused(build, initial_gain, learning_rate, message):
    with pytest.raises(ValueError, match=message):
        build(cases.spectrum(np.array(VARIANCE)), EDM(), initial_gain, learning_rate)


@pytest.mark.parametrize("build", [OneLayer, SymmetricTwoLayer])
def test_target_when_not_given_is_the_native_one_of_the_process(build):
    spectrum = cases.spectrum(np.array(VARIANCE))
    assert type(build(spectrum, EDM(), 0.1, 1.0).objective.target).__name__ == "DenoiserTarget"
    assert type(build(spectrum, FlowMatching(), 0.1, 1.0).objective.target).__name__ == "FlowTarget"
    assert build(spectrum, EDM(), 1, 1).gain(0, 1).dtype == np.float64  # integers are numbers too


@pytest.mark.parametrize("build", [OneLayer, SymmetricTwoLayer, TwoLayer, partial(HeavyBall, damping=1.0)])
def test_training_of_any_learning_rate_has_an_end(build):
    """In single precision, where the largest time is not so large that it may stand for ∞ at any learning rate."""
    spectrum = cases.spectrum(np.asarray([3.0, 0.1, 1e-3], np.float32))
    ends = [build(spectrum, EDM(), 0.2, rate).generated_variance(np.float32(np.inf)) for rate in (1.0, 1e-12, 1e-20)]
    np.testing.assert_allclose(ends[1:], [ends[0]] * 2, rtol=1e-5)
