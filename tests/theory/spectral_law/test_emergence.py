"""Emergence times against the curves themselves; power-law fits on laws that are known exactly."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import cases
from theory import (
    EDM,
    OneLayer,
    Spectrum,
    SymmetricTwoLayer,
    VariancePreserving,
    emergence_level,
    emergence_time,
    fit_power_law,
    generated_variance,
    rises,
    weight_emergence_time,
)
from theory.definitions.objectives import Objective
from theory.definitions.weights import PowerWeight

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


@pytest.mark.slow
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


def time_of_weights(denoiser, mean):
    return weight_emergence_time(denoiser, 0.5, mean)


@pytest.mark.slow_cases("emergence_time-harmonic", "emergence_time-arithmetic")
@pytest.mark.parametrize("mean", ["geometric", "harmonic", "arithmetic"])
@pytest.mark.parametrize("time", [emergence_time, pytest.param(time_of_weights, marks=pytest.mark.slow)])
def test_a_mode_that_never_emerges_leaves_reverse_derivatives_of_the_others_alone(time, mean):
    check_reverse_derivatives_beside_a_mode_that_never_emerges(time, mean)


@pytest.mark.slow
def test_nor_does_it_in_times_of_weights():
    check_reverse_derivatives_beside_a_mode_that_never_emerges(time_of_weights, "harmonic")


def check_reverse_derivatives_beside_a_mode_that_never_emerges(time, mean):
    def total(initial_gain, variance):
        return jnp.sum(time(OneLayer(Spectrum(jnp.zeros_like(variance), variance), EDM(), initial_gain, 1.0), mean)[:2])

    reverse, forward = (jax.jit(transform(total, (0, 1))) for transform in (jax.grad, jax.jacfwd))
    at = jnp.asarray(0.1), jnp.asarray([3.0, 0.7, 0.0])
    backward = reverse(*at)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-12), backward, forward(*at))
    alone = reverse(at[0], jnp.asarray([3.0, 0.7, 0.1]))
    np.testing.assert_allclose(backward[0], alone[0], rtol=1e-10, atol=1e-12)


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


EXPONENTS = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]


def weighted(variance, exponent, low=1e-8, high=1e6):
    if exponent not in (0.0, 1.0):  # without a closed form: as an array it is no part of the program
        exponent = jnp.asarray(exponent)
    return OneLayer(cases.spectrum(variance), EDM(low, high), 0.0, 1.0, Objective(weight=PowerWeight(exponent)))


@pytest.mark.slow
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_loss_weight_sets_the_exponent_at_the_arithmetic_mean(exponent):
    """τ* ∝ λ^-(1-a) for w = σ^-2a, Q = 0, σ_0 → 0, σ_T → ∞.

    ψ depends on σ²/λ and on τ(λ + σ²)σ^-2a = τλ^(1-a) (1 + σ²/λ)(σ²/λ)^-a only. As the ends of the noise recede λ̃/λ
    becomes a function of τλ^(1-a) alone, and the level, λ/2 + σ_0²/2, a constant multiple of λ. For a = 0 the end σ_0
    recedes logarithmically: λ̃/λ = (2ητσ_0²e^γ)^(e^-2ητλ) e^(E1(2ητλ)) keeps a factor ln σ_0 in τ*.
    """
    variance = np.logspace(-2, 1, 3)
    law = fit_power_law(variance, emergence_time(weighted(variance, exponent), "arithmetic"))
    assert abs(law.exponent - (1 - exponent)) < (2e-2 if exponent == 0 else 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("exponent", EXPONENTS[1::2])
def test_loss_weight_sets_half_the_exponent_at_the_geometric_mean(exponent):
    """τ* ∝ λ^-(1-a/2) σ_0^a: the level √(λσ_0²) is not proportional to λ, and is passed while λ̃ ≪ λ.

    Then the noise levels below σ_c, at which τλσ_c^-2a = O(1), are learned (ψ = 1, x kept) and those above are not
    (ψ = 0, x ∝ σ), so that λ̃ ∝ σ_c² ∝ (τλ)^(1/a), equal to σ_0√λ at τ* ∝ σ_0^a λ^(a/2 - 1).
    """
    variance = np.logspace(-2, 1, 3)
    coarse, fine = (
        fit_power_law(variance, emergence_time(weighted(variance, exponent, low), "geometric")).exponent
        for low in (1e-4, 1e-8)
    )
    assert abs(fine - (1 - exponent / 2)) < 1e-2
    assert abs(fine - (1 - exponent / 2)) < abs(coarse - (1 - exponent / 2)) / 3


@pytest.mark.parametrize(("exponent", "mean"), [(0.0, "geometric"), (0.25, "arithmetic"), (1.25, "geometric")])
def test_weighted_emergence_scales_exactly_when_the_noise_scales_along(exponent, mean):
    """λ, σ_0², σ_T² → kλ, kσ_0², kσ_T² multiplies τ* by k^-(1-a), whatever the level."""
    variance, factor = np.array([0.02, 0.5, 30.0]), 49.0
    times = emergence_time(weighted(variance, exponent, 1e-3, 1e2), mean)
    scaled = emergence_time(weighted(factor * variance, exponent, 7e-3, 7e2), mean)
    np.testing.assert_allclose(scaled, factor ** (exponent - 1) * times, rtol=1e-9)


# --- Weights ---


def test_tied_weights_emerge_at_ln_2_over_8_lambda_by_search():
    """τ* = ln 2/(8ηλ) at the harmonic mean, whatever Q and σ."""
    rng = np.random.default_rng(0)
    variance = np.exp(rng.normal(size=4))
    for gain, sigma, rate in zip(
        rng.uniform(0.01, 3, (4, 4)), np.exp(2 * rng.normal(size=4)), [0.3, 1, 1, 5], strict=True
    ):
        time = weight_emergence_time(denoiser(SymmetricTwoLayer, gain, variance, rate), sigma)
        np.testing.assert_allclose(time, np.log(2) / (8 * rate * variance), rtol=1e-10)


@pytest.mark.slow
def test_second_derivative_of_the_time_is_that_of_the_implicit_function():
    """d²/dλ² ln 2/(8ηλ) = ln 2/(4ηλ³)."""

    def time(variance):
        return weight_emergence_time(denoiser(SymmetricTwoLayer, 0.1, jnp.stack([variance, 2 * variance])), 0.5)[0]

    for transform in (jax.jacfwd, jax.grad):
        np.testing.assert_allclose(transform(jax.grad(time))(0.7), np.log(2) / (4 * 0.7**3), rtol=1e-10)


@pytest.mark.parametrize("gain", [0.03, 1.7])
@pytest.mark.parametrize("mean", ["harmonic", "geometric", "arithmetic"])
def test_one_layer_weights_emerge_when_their_exponential_passes_the_mean(mean, gain):
    """Eq. 7: ψ = ψ* + (Q - ψ*) e^{-2ητ(λ+σ²)}, from below and from above."""
    variance, sigma, rate = np.array([4.0, 0.5, 0.09]), 0.7, 0.3
    optimum = variance / (variance + sigma**2)
    level = {
        "harmonic": 2 / (1 / gain + 1 / optimum),
        "geometric": np.sqrt(gain * optimum),
        "arithmetic": (gain + optimum) / 2,
    }[mean]
    expected = np.log((gain - optimum) / (level - optimum)) / (2 * rate * (variance + sigma**2))
    network = denoiser(OneLayer, gain, variance, rate)
    np.testing.assert_allclose(weight_emergence_time(network, sigma, mean), expected, rtol=1e-10)


def test_weights_emerge_at_the_process_time_asked_for():
    variance, t, rate = np.array([3.0, 0.2]), 0.3, 0.5
    alpha = np.exp(-0.1 * t - 9.95 * t**2)
    inputs = alpha**2 * variance + 1 - alpha**2
    network = OneLayer(cases.spectrum(variance), VariancePreserving(), 0.0, rate)
    expected = np.log(2) / (2 * rate * inputs)
    np.testing.assert_allclose(weight_emergence_time(network, t, "arithmetic"), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("build", "gain", "variance", "mean"),
    [
        pytest.param(SymmetricTwoLayer, 0.0, 1.0, "arithmetic", id="a tied mode that starts from zero"),
        pytest.param(OneLayer, 0.5, 1.0, "harmonic", id="a mode that starts at its optimum"),
        pytest.param(OneLayer, -0.3, 1.0, "geometric", id="gains of two signs have no geometric mean"),
        pytest.param(OneLayer, 0.1, 0.0, "harmonic", id="no data: the harmonic mean is the end itself"),
        pytest.param(OneLayer, 0.1, 0.0, "geometric", id="no data: the geometric mean is the end itself"),
        pytest.param(OneLayer, 0.0, 1.0, "harmonic", id="from zero the harmonic mean is the start itself"),
    ],
)
def test_weights_that_never_cross_their_level_have_infinite_time(build, gain, variance, mean):
    network = denoiser(build, np.array([gain, 0.1]), np.array([variance, 2.0]))
    time = weight_emergence_time(network, 1.0, mean)
    assert np.isinf(time[0])
    assert np.isfinite(time[1])


@pytest.mark.slow
def test_derivatives_of_the_weights_emergence_time():
    """Of ln 2/(8ηλ): -1 in ln λ and ln η, none in Q and σ."""

    def log_time(variance, gain, rate, sigma):
        return jnp.log(weight_emergence_time(denoiser(SymmetricTwoLayer, gain, variance, rate), sigma))

    at = jnp.asarray([0.2, 3.0]), jnp.asarray([0.1, 0.4]), jnp.asarray(1.3), jnp.asarray(0.8)
    by_variance, by_gain, by_rate, by_sigma = jax.jit(jax.jacrev(log_time, (0, 1, 2, 3)))(*at)
    np.testing.assert_allclose(by_variance * at[0][None], -np.eye(2), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_rate * at[2], -np.ones(2), rtol=1e-9)
    np.testing.assert_allclose(by_gain, 0, atol=1e-9)
    np.testing.assert_allclose(by_sigma, 0, atol=1e-9)


def test_level_must_be_a_known_mean():
    with pytest.raises(ValueError, match="'geometric', 'harmonic' or 'arithmetic'; got 'median'"):
        emergence_time(denoiser(OneLayer, 0.1), "median")
    with pytest.raises(ValueError, match="'geometric', 'harmonic' or 'arithmetic'; got 'median'"):
        weight_emergence_time(denoiser(OneLayer, 0.1), 1.0, "median")


def test_single_precision():
    time = emergence_time(denoiser(OneLayer, 0.1, VARIANCE.astype(np.float32)))
    assert time.dtype == np.float32
    np.testing.assert_allclose(time, emergence_time(denoiser(OneLayer, 0.1)), rtol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("case", [cases.FLOW])
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
        ([1.0, 2.0, 3.0], [1.0, 2.0, np.inf], None, "must be three or more for a power law; got 2"),
        ([1.0, 2.0, 0.0], [1.0, 2.0, 3.0], None, "got 2"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.1, 0.0, np.nan], "standard errors of emergence times must be positive"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.1, np.inf, np.inf], "got 1"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, np.nan], None, "emergence times must be positive"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, -1.0], None, "emergence times must be positive"),
        ([1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0], None, "variances finite"),
        ([1.0, 1.0 + 1e-15, 1.0 + 2e-15], [1.0, 2.0, 3.0], None, "differ by more than a millionth"),
        ([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], None, "variances must differ"),
    ],
)
def test_fits_that_are_refused(variance, time, stderr, message):
    with pytest.raises(ValueError, match=message):
        fit_power_law(variance, time, stderr)


def test_a_level_that_is_passed_before_the_scan_begins_is_not_a_number():
    """The window begins where a mode may have moved by about 10⁻⁴; a level that is never passed is another matter."""
    network = denoiser(OneLayer, 0.1, np.array([100.0, 1.0]))
    times = emergence_time(network, fraction=[1e-2, 1e-4, 1e-7])
    assert np.all(np.diff(times, axis=0)[0] < 0)
    assert np.isnan(times[2, 0])
    assert np.isinf(emergence_time(denoiser(OneLayer, 0.1, np.array([1.0, 0.0])))[1])
