"""Forward processes: identities, derivatives by automatic differentiation, inverses, exact transport of a Gaussian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
from hypothesis import given
from hypothesis import strategies as st

from tests import cases
from theory import EDM, CosineSchedule, LinearSchedule, SigmoidSchedule, VariancePreserving

PROCESSES = [pytest.param(*pair, id=name) for name, pair in cases.PROCESSES.items()]


def times(process, count=60):
    """Inside the interval of sampling, towards both ends."""
    low, high = sorted((process.start_time, process.end_time))
    fraction = np.concatenate([np.geomspace(1e-5, 0.5, count // 2), 1 - np.geomspace(1e-5, 0.49, count // 2)])
    return jnp.asarray(np.sort(low + (high - low) * fraction))


@pytest.mark.parametrize(("process", "oracle"), PROCESSES)
def test_scales_equal_the_formulas_of_the_papers(process, oracle):
    t = np.asarray(times(process))
    for actual, expected in [
        (process.signal_scale, oracle.alpha),
        (process.noise_scale, oracle.sigma),
        (process.log_signal_rate, oracle.rate),
        (process.diffusion_coefficient, oracle.diffusion),
    ]:
        np.testing.assert_allclose(actual(jnp.asarray(t)), expected(t), rtol=1e-9, atol=1e-14)
    assert (process.start_time, process.end_time) == oracle.interval
    assert process.prior_variance == oracle.prior_variance


@pytest.mark.parametrize(("process", "oracle"), PROCESSES)
def test_rates_equal_derivatives_of_the_scales(process, oracle):
    t = times(process)
    log_signal_rate = jax.vmap(jax.grad(lambda s: jnp.log(process.signal_scale(s))))(t)
    sigma, sigma_rate = process.noise_scale(t), jax.vmap(jax.grad(process.noise_scale))(t)
    np.testing.assert_allclose(process.log_signal_rate(t), log_signal_rate, rtol=1e-9)
    np.testing.assert_allclose(
        process.diffusion_coefficient(t), sigma * sigma_rate - log_signal_rate * sigma**2, rtol=1e-8
    )


@pytest.mark.parametrize(("process", "oracle"), PROCESSES)
def test_log_snr_is_monotone_and_inverted(process, oracle):
    t = times(process)
    log_snr = process.log_snr(t)
    np.testing.assert_allclose(log_snr, 2 * np.log(oracle.alpha(t) / oracle.sigma(t)), rtol=1e-9, atol=1e-10)
    assert np.all(np.diff(log_snr) * np.sign(process.end_time - process.start_time) > 0)
    np.testing.assert_allclose(process.time_from_log_snr(log_snr), t, rtol=1e-10)


@pytest.mark.parametrize("name", ["vp_linear", "vp_cosine", "vp_sigmoid"])
def test_variance_is_preserved(name):
    process = cases.PROCESSES[name][0]
    t = times(process)
    np.testing.assert_allclose(process.signal_scale(t) ** 2 + process.noise_scale(t) ** 2, 1, rtol=1e-14)


@pytest.mark.parametrize("schedule", [LinearSchedule(), CosineSchedule(), SigmoidSchedule()])
def test_noise_of_a_schedule_keeps_its_relative_accuracy_near_the_data(schedule):
    """σ² = -expm1(-2∫β): to first order 2β(0)t as t → 0."""
    process, t = VariancePreserving(schedule, end_time=1e-12), 1e-10
    expected = np.sqrt(2 * t * float(process.diffusion_coefficient(jnp.asarray(t / 2))))
    np.testing.assert_allclose(process.noise_scale(jnp.asarray(t)), expected, rtol=1e-9)
    np.testing.assert_allclose(process.time_from_log_snr(process.log_snr(jnp.asarray(t))), t, rtol=1e-9)


@given(st.floats(0.01, 5), st.floats(1e-3, 1))
@cases.property_test
def test_linear_schedule_in_the_convention_of_song(beta, time):
    """Song et al. 2021 write dx = -βx/2 dt + √β dW: α = exp(-¼t²(β_max - β_min) - ½tβ_min)."""
    high = beta + 19.9
    schedule = LinearSchedule(beta / 2, high / 2)
    np.testing.assert_allclose(
        schedule.log_signal_scale(jnp.asarray(time)), -(time**2) * (high - beta) / 4 - time * beta / 2, rtol=1e-13
    )


@pytest.mark.parametrize(("process", "oracle"), PROCESSES)
@pytest.mark.parametrize("variance", [0.05, 4.0])
def test_probability_flow_transports_a_gaussian_exactly(process, oracle, variance):
    """For data N(0, v) the flow scales x by √(α²v + σ²)."""
    drift = jax.jit(process.probability_flow)
    start, end = np.clip([process.start_time, process.end_time], 1e-3, 0.999 if process.start_time <= 1 else None)

    def total(t):
        return oracle.alpha(t) ** 2 * variance + oracle.sigma(t) ** 2

    def velocity(t, x):
        return np.asarray(drift(jnp.asarray(x), jnp.asarray(-x / total(t)), t))

    path = scipy.integrate.solve_ivp(velocity, (start, end), [1.0, -2.0], method="DOP853", rtol=1e-10, atol=1e-14)
    factor = np.sqrt(total(end) / total(start))
    np.testing.assert_allclose(path.y[:, -1], [factor, -2 * factor], rtol=1e-8)


@pytest.mark.parametrize(("process", "oracle"), PROCESSES)
def test_probability_flow_exists_where_sampling_starts_and_ends(process, oracle):
    """With the exact score -x/(α²v + σ²) of N(0, v) the drift is finite on the whole interval."""
    # At t = 0 of flow matching the score no longer determines the velocity.
    for t in (max(process.start_time, 1e-9), process.end_time):
        score = -1 / (process.signal_scale(t) ** 2 * 2.0 + process.noise_scale(t) ** 2)
        drift = process.probability_flow(jnp.ones(1), jnp.full(1, score), t)
        assert np.isfinite(drift).all(), t


@pytest.mark.parametrize(("process", "oracle"), PROCESSES)
def test_drift_broadcasts_and_keeps_single_precision(process, oracle):
    t = jnp.asarray([0.3, 0.6], jnp.float32)
    x = jnp.ones((4, 2, 3), jnp.float32)
    drift = process.probability_flow(x, -x, t)
    assert drift.shape == x.shape
    double = process.probability_flow(x.astype(float), -x.astype(float), t.astype(float))
    np.testing.assert_allclose(drift, double, rtol=1e-5)
    assert drift.dtype == np.float32
    for question in (process.log_snr, process.signal_scale, process.noise_scale, process.time_from_log_snr):
        assert question(t).dtype == np.float32, question.__name__


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: EDM(0.0, 1.0), "0 < sigma_min < sigma_max"),
        (lambda: EDM(2.0, 1.0), "sigma_min=2.0"),
        (lambda: EDM(1.0, np.inf), "sigma_max=inf"),
        (lambda: EDM(1.0, np.nan), "sigma_max=nan"),
        (lambda: LinearSchedule(0.0, 1.0), "0 < beta_min < beta_max"),
        (lambda: LinearSchedule(3.0, 1.0), "beta_min=3.0"),
        (lambda: VariancePreserving(end_time=0.0), "0 < end_time < start_time"),
        (lambda: VariancePreserving(end_time=0.5, start_time=0.2), "start_time=0.2"),
        (lambda: VariancePreserving(start_time=1.5), "start_time=1.5"),
        (lambda: VariancePreserving(CosineSchedule(), start_time=1.0), "start_time < 1"),
    ],
)
def test_arguments_that_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
