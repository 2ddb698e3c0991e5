"""Solvers of the probability-flow ODE against Gaussian transport, and schedules against their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.sampling.linear_flow import FlowCoefficients, flow_of, sample_linear_flow, sample_linear_networks
from sims.sampling.schedules import edm_schedule, log_snr_schedule, uniform_schedule
from sims.sampling.solvers import adaptive, euler, heun
from theory import EDM, CosineSchedule, VariancePreserving
from theory.definitions.targets import DenoiserTarget

VARIANCE = np.array([2.0, 0.3, 0.05])
INITIAL = np.array([[1.0, -0.5, 2.0], [0.3, 1.0, -1.0]])
PROCESSES = {"edm": EDM(0.01, 5.0), "vp": VariancePreserving(end_time=1e-2)}
ALL_PROCESSES = PROCESSES | {"edm_default": EDM(), "vp_cosine": VariancePreserving(CosineSchedule())}
ORDERS = {"euler": (euler, 1), "heun": (heun, 2)}


def marginal_deviation(process, time):
    alpha, sigma = process.signal_scale(jnp.asarray(time)), process.noise_scale(jnp.asarray(time))
    return np.sqrt(np.asarray(alpha) ** 2 * VARIANCE + np.asarray(sigma) ** 2)


def gaussian_drift(process):
    """Probability-flow drift of N(0, diag λ), from its score -x/(α²λ + σ²)."""

    def drift(index, time, x):
        del index
        spread = process.signal_scale(time) ** 2 * jnp.asarray(VARIANCE) + process.noise_scale(time) ** 2
        return process.probability_flow(x, -x / spread[None], time)

    return drift


def transported(process):
    """Where the exact flow takes INITIAL: it scales every mode by its marginal's standard deviation."""
    return INITIAL * marginal_deviation(process, process.end_time) / marginal_deviation(process, process.start_time)


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
@pytest.mark.parametrize(("solver", "order"), ORDERS.values(), ids=ORDERS)
def test_order_of_convergence(process, solver, order):
    """Twice the steps divide every mode's error by 2 or 4."""
    run = jax.jit(lambda times: solver(gaussian_drift(process), jnp.asarray(INITIAL), times))
    errors = [
        np.abs(run(log_snr_schedule(process, steps)) - transported(process)).max(axis=0) for steps in (2000, 4000)
    ]
    np.testing.assert_allclose(errors[0] / errors[1], 2**order, rtol=0.02)
    assert errors[1].max() < (0.02, 1e-5)[order - 1]


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
def test_adaptive_solver_keeps_its_tolerance(process):
    """Against the exact transport, and against Heun with many steps; errors of a step grow a little on the way."""
    drift, start = gaussian_drift(process), jnp.asarray(INITIAL)
    coarse, fine = (adaptive(drift, start, process, tolerance=jnp.asarray(tolerance)) for tolerance in (1e-4, 1e-9))
    errors = [np.abs(x - transported(process)).max() for x in (coarse, fine)]
    assert errors[0] < 1e-2
    assert errors[1] < 1e-7
    assert errors[0] > 100 * errors[1]  # the tolerance is not ignored
    many = jax.jit(lambda times: heun(drift, start, times))(log_snr_schedule(process, 8000))
    np.testing.assert_allclose(fine, many, atol=1e-6)


def test_adaptive_solver_says_when_steps_run_out():
    """NaN where a transformation traces it; the program calls no Python, so that it can be kept on disk."""

    def solve(x):
        return adaptive(gaussian_drift(EDM()), x, EDM(), tolerance=1e-10, max_steps=8)

    with pytest.raises(ValueError, match="8 steps must suffice for the tolerance 1e-10"):
        solve(jnp.asarray(INITIAL))
    assert np.isnan(jax.jit(solve)(jnp.asarray(INITIAL))).all()
    assert "callback" not in str(jax.make_jaxpr(solve)(jnp.asarray(INITIAL)))


@pytest.mark.parametrize("tolerance", [0.0, -1e-3, np.nan, np.inf])
def test_adaptive_solver_refuses(tolerance):
    with pytest.raises(ValueError, match="tolerance must be positive and finite"):
        adaptive(gaussian_drift(EDM()), jnp.asarray(INITIAL), EDM(), tolerance=tolerance)


@pytest.mark.parametrize("solver", [euler, heun])
def test_solvers_pass_the_position_in_the_schedule_and_the_time_there(solver):
    """A drift tabulated by index, and one of time alone, must see the same step ends."""
    times = jnp.asarray([3.0, 2.5, 1.0, 0.2])
    table = 1 / times + times**2
    by_index = solver(lambda index, time, x: table[index] * x, jnp.ones(1), times)
    by_time = solver(lambda index, time, x: (1 / time + time**2) * x, jnp.ones(1), times)
    np.testing.assert_allclose(by_index, by_time, rtol=1e-14)


@pytest.mark.parametrize("solver", [euler, heun])
def test_solvers_keep_the_precision_of_the_samples(solver):
    times = jnp.linspace(1.0, 0.5, 5)
    assert times.dtype == "float64"
    assert solver(lambda index, time, x: -x / time, jnp.ones(3, jnp.float32), times).dtype == "float32"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear_networks_equal_a_loop(dtype):
    rng = np.random.default_rng(1)
    maps, levels = rng.normal(size=(6, 3, 3)) / 3, np.geomspace(5.0, 0.1, 6)
    x = rng.normal(size=(10, 3))
    cast = (jnp.asarray(array, dtype) for array in (maps, levels, x))
    samples = sample_linear_networks(*cast)
    for i in range(5):
        step = levels[i + 1] - levels[i]
        first = (x - np.array([maps[i] @ row for row in x])) / levels[i]
        ahead = x + step * first
        second = (ahead - np.array([maps[i + 1] @ row for row in ahead])) / levels[i + 1]
        x = x + step * (first + second) / 2
    assert samples.dtype == dtype
    np.testing.assert_allclose(samples, x, rtol=1e-12 if dtype == "float64" else 1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("biased", [False, True])
def test_linear_flow_equals_a_loop(dtype, biased):
    """dx/dt = r x + g (W x + b) on times that grow, one sample after the other."""
    rng = np.random.default_rng(2)
    maps, offsets, (state, output) = rng.normal(size=(5, 3, 3)), rng.normal(size=(5, 3)), rng.normal(size=(2, 5))
    times, x = np.array([0.0, 0.1, 0.4, 0.9, 1.0]), rng.normal(size=(10, 3))
    flow = FlowCoefficients(*map(jnp.asarray, (times, state, output, 1.0)))
    offset = jnp.asarray(offsets, dtype) if biased else None
    samples = sample_linear_flow(jnp.asarray(maps, dtype), offset, flow, jnp.asarray(x, dtype))
    offsets = offsets * biased
    for i in range(4):
        step = times[i + 1] - times[i]
        first = np.array([state[i] * row + output[i] * (maps[i] @ row + offsets[i]) for row in x])
        ahead = x + step * first
        second = np.array([state[i + 1] * row + output[i + 1] * (maps[i + 1] @ row + offsets[i + 1]) for row in ahead])
        x = x + step * (first + second) / 2
    assert samples.dtype == dtype
    np.testing.assert_allclose(samples, x, rtol=1e-11 if dtype == "float64" else 1e-4, atol=1e-12)


def test_flow_of_the_data_is_that_of_denoisers():
    rng = np.random.default_rng(3)
    maps, levels, x = rng.normal(size=(6, 3, 3)) / 3, jnp.geomspace(5.0, 0.1, 6), rng.normal(size=(10, 3))
    flow = flow_of(DenoiserTarget(), EDM(0.01, 5.0), levels)
    samples = sample_linear_flow(jnp.asarray(maps), None, flow, jnp.asarray(x))
    np.testing.assert_allclose(samples, sample_linear_networks(jnp.asarray(maps), levels, jnp.asarray(x)), rtol=1e-11)
    assert flow.initial_scale == 5.0


# --- Schedules ---


@pytest.mark.parametrize(("low", "high", "levels", "rho"), [(0.002, 80.0, 18, 7.0), (0.1, 2.0, 2, 7.0), (1, 5, 9, 1.0)])
def test_edm_schedule_is_karras_formula(low, high, levels, rho):
    schedule = np.asarray(edm_schedule(low, high, levels, rho))
    i = np.arange(levels)
    root = high ** (1 / rho) + i / (levels - 1) * (low ** (1 / rho) - high ** (1 / rho))
    np.testing.assert_allclose(schedule, root**rho, rtol=1e-12)
    np.testing.assert_allclose(schedule[[0, -1]], [high, low], rtol=1e-13)
    assert (np.diff(schedule) < 0).all()


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.1, np.inf)])
def test_schedules_refuse_ends_and_numbers_of_steps_that_make_no_sense(ends):
    with pytest.raises(ValueError, match="0 < sigma_min < sigma_max < inf"):
        edm_schedule(*ends, 5)
    for levels in (1, 0, -3, 2.5, np.nan, np.inf):
        with pytest.raises(ValueError, match="levels must be a whole number of 2 or more; got"):
            edm_schedule(0.002, 80.0, levels)
    for rho in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="rho must be positive and finite"):
            edm_schedule(0.002, 80.0, 5, rho)
    for low, high, rho in ((1.0, 1 + 4e-16, 7.0), (0.002, 80.0, 1e17), (0.002, 80.0, 1e-3)):
        with pytest.raises(ValueError, match="levels must be told apart in float64; got 5"):
            edm_schedule(low, high, 5, rho)
    for schedule in (log_snr_schedule, uniform_schedule):
        for steps in (0, -1, 2.5, np.nan, np.inf):
            with pytest.raises(ValueError, match="steps must be a whole number of 1 or more; got"):
                schedule(EDM(), steps)
        np.testing.assert_array_equal(schedule(EDM(), np.int64(3)), schedule(EDM(), 3))


@pytest.mark.parametrize("process", ALL_PROCESSES.values(), ids=ALL_PROCESSES)
@pytest.mark.parametrize("steps", [1, 37])
def test_log_snr_schedule_is_uniform_and_ends_exactly(process, steps):
    times = np.asarray(log_snr_schedule(process, steps))
    assert times.shape == (steps + 1,)
    assert times[0] == process.start_time
    assert times[-1] == process.end_time
    assert (np.diff(times) < 0).all()
    increments = np.diff(process.log_snr(times))
    np.testing.assert_allclose(increments, increments.mean(), rtol=1e-7)
    assert increments.mean() > 0


@pytest.mark.parametrize("process", ALL_PROCESSES.values(), ids=ALL_PROCESSES)
def test_uniform_schedule(process):
    times = np.asarray(uniform_schedule(process, 30))
    start, end = process.start_time, process.end_time
    np.testing.assert_allclose(times, start + (end - start) * np.arange(31) / 30, rtol=1e-12, atol=1e-14)
