"""Emergence times against the curves themselves; power-law fits on laws that are known exactly."""

import cases
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    EDM,
    OneLayer,
    Spectrum,
    SymmetricTwoLayer,
    emergence_level,
    emergence_time,
    fit_power_law,
    generated_variance,
    rises,
)

VARIANCE = np.logspace(-3, 2, 20)
MEANS = ["geometric", "harmonic"]


def denoiser(build, gain, variance=VARIANCE, learning_rate=1.0):
    return build(cases.spectrum(variance), EDM(), gain, learning_rate)


@pytest.mark.parametrize("gain", [0.1, 1.0])
@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("build", [OneLayer, SymmetricTwoLayer])
def test_variance_at_emergence_is_the_mean_of_initial_and_target(build, mean, gain):
    network = denoiser(build, gain)
    time = emergence_time(network, mean)
    reached = np.isfinite(time)
    initial = 80.0**2 * (0.002 / 80) ** (2 * (1 - gain))
    level = np.sqrt(initial * VARIANCE) if mean == "geometric" else 2 / (1 / initial + 1 / VARIANCE)
    np.testing.assert_allclose(emergence_level(network, mean), level, rtol=1e-12)
    generated = np.diagonal(generated_variance(network, jnp.where(reached, time, 1.0)))
    np.testing.assert_allclose(generated[reached], level[reached], rtol=1e-10)
    # First passage, and none is missed: on a fine grid the curve is on the initial side exactly until τ*.
    grid = np.geomspace(1e-7, 1e6, 3000)
    excess = np.log(generated_variance(network, jnp.asarray(grid))) - np.log(level)
    across = np.where(initial < VARIANCE, excess >= 0, excess <= 0)
    first = np.where(across.any(axis=0), grid[np.argmax(across, axis=0)], np.inf)
    np.testing.assert_array_equal(reached, np.isfinite(first))
    assert np.all(time[reached] <= first[reached] * (1 + 1e-9))
    assert np.all(time[reached] >= first[reached] * (grid[0] / grid[1]) * (1 - 1e-9))
    np.testing.assert_array_equal(rises(network), initial < VARIANCE)


def test_tied_weights_pass_the_harmonic_mean_at_ln_2_over_8_lambda():
    """τ* = ln 2/(8ηλ) for every Q and σ (Wang & Pehlevan 2025, Prop. 5.1)."""
    for gain, sigma, rate in [(0.1, 1.0, 1.0), (0.7, 0.01, 0.3), (1e-3, 20.0, 2.0)]:
        network = denoiser(SymmetricTwoLayer, gain, learning_rate=rate)
        optimum = VARIANCE / (VARIANCE + sigma**2)
        time = jnp.asarray(np.log(2) / (8 * rate * VARIANCE))
        reached = np.diagonal(network.gain(time, sigma))
        np.testing.assert_allclose(reached, 2 * gain * optimum / (gain + optimum), rtol=1e-12)


@pytest.mark.parametrize("mean", MEANS)
def test_modes_that_never_emerge_have_infinite_time(mean):
    assert np.isinf(emergence_time(denoiser(SymmetricTwoLayer, 0.0), mean)).all()
    time = emergence_time(denoiser(OneLayer, 0.1, np.array([1.0, 0.0])), mean)
    np.testing.assert_array_equal(np.isinf(time), [False, True])


def test_derivatives_of_the_emergence_time_equal_central_differences():
    at, step = (jnp.asarray([0.01, 0.3, 20.0]), jnp.asarray([0.1, 0.3, 0.2]), jnp.asarray(1.3)), 1e-4

    def log_time(variance, gain, rate):
        return jnp.log(emergence_time(denoiser(SymmetricTwoLayer, gain, variance, rate)))

    derivatives = jax.jit(jax.jacrev(log_time, (0, 1, 2)))(*at)
    for argument, derivative in enumerate(derivatives):
        up, down = (
            log_time(*(x * (1 + sign * step) if i == argument else x for i, x in enumerate(at))) for sign in (1, -1)
        )
        if argument < 2:
            assert not derivative[~np.eye(3, dtype=bool)].any()
            derivative = np.diagonal(derivative)
        np.testing.assert_allclose(derivative * at[argument], (up - down) / (2 * step), rtol=1e-6)
    np.testing.assert_allclose(derivatives[2] * at[2], -1, rtol=1e-9)


def test_time_scales_with_rate_and_with_the_units_of_the_data():
    slow = emergence_time(denoiser(OneLayer, 0.1, learning_rate=0.2))
    np.testing.assert_allclose(slow, 5 * emergence_time(denoiser(OneLayer, 0.1)), rtol=1e-10)
    larger = OneLayer(cases.spectrum(9 * VARIANCE), EDM(0.006, 240.0), 0.1, 1.0)
    np.testing.assert_allclose(9 * emergence_time(larger), emergence_time(denoiser(OneLayer, 0.1)), rtol=1e-10)


@pytest.mark.parametrize(
    ("build", "gain", "mean", "exponent", "tolerance"),
    [
        pytest.param(OneLayer, 1.0, "geometric", 0.5, 1e-3, id="falling branch"),
        pytest.param(OneLayer, 1.0, "harmonic", 1.0, 1e-3, id="falling branch, harmonic"),
        pytest.param(OneLayer, 0.0, "geometric", 1.0, 3e-2, id="rising branch, logarithmic corrections"),
    ],
)
def test_exponents_far_from_both_ends_of_the_noise(build, gain, mean, exponent, tolerance):
    variance = np.logspace(-2, 0, 9)
    network = build(cases.spectrum(variance), EDM(1e-7, 1e6), gain, 1.0)
    law = fit_power_law(variance, emergence_time(network, mean))
    assert abs(law.exponent - exponent) < tolerance
    assert law.r_squared > 0.9999


def test_level_must_be_a_known_mean():
    with pytest.raises(ValueError, match="'geometric', 'harmonic' or 'arithmetic'; got 'median'"):
        emergence_time(denoiser(OneLayer, 0.1), "median")


def test_single_precision():
    time = emergence_time(denoiser(OneLayer, 0.1, VARIANCE.astype(np.float32)))
    assert time.dtype == np.float32
    np.testing.assert_allclose(time, emergence_time(denoiser(OneLayer, 0.1)), rtol=2e-4)


@pytest.mark.parametrize("case", cases.SOME[2:3])
def test_emergence_without_a_closed_form(case):
    """Wherever a time is given, the variance there is the level; modes on the rising branch are all found."""
    network = case.denoiser(Spectrum.from_variances([3.0, 0.2]), 0.3)
    time = emergence_time(network)
    finite = np.isfinite(time)
    generated = np.diagonal(generated_variance(network, jnp.where(finite, time, 1.0)))
    np.testing.assert_allclose(generated[finite], emergence_level(network)[finite], rtol=1e-9)
    final = generated_variance(network, jnp.asarray(1e6))
    passes = np.asarray(rises(network)) & np.asarray(final > emergence_level(network))
    assert np.all(finite[passes])


# --- Fits ---


def test_exact_laws_are_recovered_and_unusable_modes_left_out():
    variance = np.array([10.0, 3.0, 1.0, 0.2, 0.0, 0.05])
    time = 0.7 * np.where(variance > 0, variance, 1.0) ** -1.3
    time[3] = np.inf
    for stderr in (None, 0.1 * np.arange(1, 7)):
        law = fit_power_law(variance, time, stderr)
        np.testing.assert_allclose([law.exponent, law.prefactor, law.r_squared], [1.3, 0.7, 1.0], rtol=1e-12)
    assert fit_power_law(variance, time).stderr < 1e-12


def test_weighted_fit_equals_generalised_least_squares():
    rng = np.random.default_rng(1)
    variance, stderr = np.logspace(-2, 1, 8), rng.uniform(0.01, 0.3, 8)
    time = 0.7 * variance**-1.3 * (1 + stderr * rng.normal(size=8))
    design = np.stack([np.ones(8), np.log(variance)], axis=1)
    precision = np.diag(stderr**-2)
    covariance = np.linalg.inv(design.T @ precision @ design)
    intercept, slope = covariance @ design.T @ precision @ np.log(time)
    law = fit_power_law(variance, time, stderr * time)
    np.testing.assert_allclose(
        [law.exponent, law.prefactor, law.stderr],
        [-slope, np.exp(intercept), np.sqrt(covariance[1, 1])],
        rtol=1e-10,
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_standard_error_is_calibrated(weighted):
    """Over 4000 noisy laws the spread of the exponent in units of its standard error.

    Known errors give variance 1, estimated ones Student's with 10 degrees of freedom, variance 10/8; the sample
    variance of 4000 is known to ~3 %.
    """
    rng = np.random.default_rng(0)
    variance = np.logspace(-2, 1, 12)
    sizes = np.geomspace(0.01, 0.1, 12) if weighted else np.full(12, 0.03)
    scores = []
    for noise in rng.normal(size=(4000, 12)) * sizes:
        time = variance**-0.8 * np.exp(noise)
        law = fit_power_law(variance, time, sizes * time if weighted else None)
        scores.append((law.exponent - 0.8) / law.stderr)
    assert abs(np.mean(scores)) < 0.07
    assert abs(np.var(scores) / (1.0 if weighted else 1.25) - 1) < 0.12


@pytest.mark.parametrize(
    ("variance", "time", "stderr", "message"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0], None, "vectors of one length"),
        ([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]], None, "vectors of one length"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, np.inf], None, "at least three modes that emerge; got 2"),
        ([1.0, 2.0, 0.0], [1.0, 2.0, 3.0], None, "got 2"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.1, 0.0, np.nan], "got 1"),
        ([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], None, "modes of different variance"),
    ],
)
def test_fits_that_are_refused(variance, time, stderr, message):
    with pytest.raises(ValueError, match=message):
        fit_power_law(variance, time, stderr)
