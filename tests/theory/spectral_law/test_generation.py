"""Generated variance: closed form = quadrature = SciPy, derivatives, limits, finite schedules, precision."""

import dataclasses
import functools

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from tests import cases
from tests.oracles import matrices as oracles
from theory import (
    EDM,
    FlowMatching,
    OneLayer,
    SymmetricTwoLayer,
    generated_variance,
    generated_variance_by_quadrature,
    generated_variance_on_schedule,
    kl_divergence,
    wasserstein2,
)

TIMES = jnp.asarray(cases.SCALED_TIMES)
ORACLE_TIMES = np.minimum(cases.SCALED_TIMES, cases.FOREVER)
BOTH = [generated_variance, generated_variance_by_quadrature]


def oracle_log_variance(case, variance, initial, scaled_time):
    return oracles.generated_log_variance(
        case.network, variance, case.oracle_process, case.oracle_target, initial, scaled_time
    )


def on_grid(question, case, variance=cases.VARIANCES, times=TIMES):
    """The answer for every gain of the grid, (gains, times, modes)."""
    spectrum = cases.spectrum(variance)
    return np.stack([np.asarray(question(case.denoiser(spectrum, q), times)) for q in cases.GAINS])


# --- Values ---


@pytest.mark.parametrize("case", cases.CLOSED)
def test_closed_form_equals_quadrature_on_the_whole_grid(case):
    closed, quadrature = (on_grid(question, case) for question in BOTH)
    np.testing.assert_allclose(closed, quadrature, rtol=1e-12)


@pytest.mark.parametrize("case", cases.keeping("resolved", cases.ALL))
def test_variance_equals_scipy_integration_mode_by_mode(case):
    variance, every = cases.VARIANCES[::2], slice(0, None, 2)
    oracle = oracle_log_variance(case, variance, cases.GAINS[:, None, None], ORACLE_TIMES[every, None])
    log_variance = np.log(on_grid(generated_variance, case, variance, TIMES[every]))
    np.testing.assert_allclose(log_variance, oracle, rtol=0, atol=1e-10)


@pytest.mark.parametrize("sigma_min", [1e-6, 0.5])
@pytest.mark.parametrize("case", cases.CLOSED)
def test_closed_form_at_other_ends_of_sampling(case, sigma_min):
    spectrum, process = cases.spectrum(cases.VARIANCES), oracles.variance_exploding(sigma_min, 300.0)
    closed = generated_variance(case.build(spectrum, EDM(sigma_min, 300.0), 0.3, 1.0), TIMES)
    oracle = oracles.generated_log_variance(
        case.network, cases.VARIANCES, process, oracles.DENOISED, 0.3, ORACLE_TIMES[:, None]
    )
    np.testing.assert_allclose(np.log(closed), oracle, rtol=0, atol=1e-10)


# One covariance matrix cannot hold modes more than ~1e7 apart to 1e-8, hence bands.
BANDS = {
    "small": ([1e-8, 1e-5, 1e-2], [1e-8, 1.0, 10.0]),
    "middle": ([2.0, 0.3, 0.05], [0.0, 0.1, 3.0]),
    "large": ([1e4, 3e2, 1.0], [1e-5, 1e-4]),
}
MATRIX_CASES = [
    *(pytest.param(*case.values, *BANDS["middle"], id=f"{case.id}-middle", marks=case.marks) for case in cases.TRAINED),
    *(
        pytest.param(*case.values, *BANDS[band], id=f"{case.id}-{band}")
        for case in cases.CLOSED
        for band in ("small", "large")
    ),
]


@pytest.mark.parametrize(("case", "variance", "times"), MATRIX_CASES)
def test_variance_equals_matrix_integration_in_a_rotated_basis(case, variance, times):
    spectrum, covariance = cases.rotated_spectrum(variance)
    initial = np.array([0.3, 0.5, 0.8])
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
    # Modes stay modes: what is off the diagonal is round-off of the largest entry.
    rotated = spectrum.basis.T @ generated @ spectrum.basis
    assert np.abs(rotated - diagonal[:, None] * np.eye(3)).max() < 1e-9 * np.abs(generated).max()


def test_flow_matching_equals_its_closed_form_in_error_functions():
    """ln λ̃ = ln λ + Ei(-c) - Ei(-cλ) + Q √(π/c(1+λ)) e^{-cλ/(1+λ)} [erf √(c/(1+λ)) + erf λ√(c/(1+λ))], c = 2ητ."""
    from scipy.special import erf, exp1

    variance, c, gain = np.array([5.0, 1.3, 0.4, 0.05]), np.array([0.02, 0.5, 4.0, 20.0])[:, None], 0.3
    width = np.sqrt(c / (1 + variance))
    bracket = erf(width) + erf(variance * width)
    initial = gain * np.sqrt(np.pi / (c * (1 + variance))) * np.exp(-c * variance / (1 + variance)) * bracket
    closed = np.log(variance) - exp1(c) + exp1(c * variance) + initial
    denoiser = OneLayer(cases.spectrum(variance), FlowMatching(), gain, 1.0)
    np.testing.assert_allclose(np.log(generated_variance(denoiser, c[:, 0] / 2)), closed, rtol=0, atol=1e-10)


def test_loss_of_the_mode_that_a_tied_flow_cannot_fit():
    """Where the optimal velocity is negative the tied network goes to zero: λ̃(∞) = λ + 1, not λ."""
    variance = jnp.asarray([0.05, 0.7, 4.0])
    untied, tied = (
        generated_variance(build(cases.spectrum(variance), FlowMatching(), 0.3, 1.0), jnp.inf)
        for build in (OneLayer, SymmetricTwoLayer)
    )
    np.testing.assert_allclose(untied, variance, rtol=1e-10)
    np.testing.assert_allclose(tied, variance + 1, rtol=1e-10)


# --- Derivatives ---


@functools.cache
def compiled_jacobian(build, transform, question):
    """Derivatives with respect to λ (T, d, d), Q (T, d, d) and τ (T, d)."""

    def answer(variance, gain, time):
        return question(build(cases.spectrum(variance), gain), time)

    return jax.jit(jax.vmap(transform(answer, argnums=(0, 1, 2)), in_axes=(None, None, 0)))


WITH_ZERO = jnp.asarray(np.concatenate([[0.0], cases.VARIANCES]))


def jacobian(case, transform, gain, question=generated_variance, variance=WITH_ZERO, times=TIMES):
    return compiled_jacobian(case.denoiser, transform, question)(variance, jnp.full(variance.shape, float(gain)), times)


@pytest.mark.parametrize("gain", cases.GAINS)
@pytest.mark.parametrize("transform", [jax.jacfwd, jax.jacrev])
@pytest.mark.parametrize("case", cases.CLOSED)
def test_derivatives_are_finite_everywhere(case, transform, gain):
    for name, value in zip(("variance", "gain", "tau"), jacobian(case, transform, gain), strict=True):
        bad = np.argwhere(~np.isfinite(value))
        assert bad.size == 0, f"d/d{name} at [time, mode, ...] = {bad[:3].tolist()}"


@pytest.mark.parametrize("case", cases.CLOSED)
def test_derivatives_equal_complex_steps_of_the_scipy_integral(case):
    """Also at λ = 0, Q = 0 and τ = 0. In natural units: λ + σ_min² for λ, the fastest relaxation time for τ.

    The derivative with respect to Q is compared where it is not cut off.
    """
    variance, gains, times = np.asarray(WITH_ZERO), cases.GAINS[:, None, None], ORACLE_TIMES[:-1, None]
    value = on_grid(generated_variance, case, variance)[:, :-1]
    jacobians = [jacobian(case, jax.jacfwd, gain, variance=jnp.asarray(variance)) for gain in cases.GAINS]
    by_variance, by_gain, by_time = (np.stack(leaves)[:, :-1] for leaves in zip(*jacobians, strict=True))
    diagonal = np.arange(variance.size)
    for argument, (actual, unit) in enumerate(
        [
            (by_variance[..., diagonal, diagonal], variance + 0.002**2),
            (by_gain[..., diagonal, diagonal], np.where(8 * times * variance < 250, 1.0, 0.0)),
            (by_time, times + 1 / (80.0**2 + variance)),
        ]
    ):
        expected = oracles.derivative(
            functools.partial(oracle_log_variance, case), variance, gains, times, argument=argument
        )
        np.testing.assert_allclose(unit * actual / value, unit * expected, rtol=1e-8, atol=1e-9)
    off_diagonal = ~np.eye(variance.size, dtype=bool)
    assert not by_variance[..., off_diagonal].any()
    assert not by_gain[..., off_diagonal].any()


@pytest.mark.slow
@pytest.mark.parametrize("case", [cases.TIED])
def test_derivatives_of_the_quadrature_equal_those_of_the_closed_form(case):
    """At ψ* = Q for σ = 1 (λ = 1, Q = ½), at λ = 0 and at τ = 0 as well."""
    arguments = {"variance": jnp.asarray([0.0, 1e-3, 1.0, 50.0]), "times": jnp.asarray([0.0, 1e-3, 0.5, 30.0])}
    closed, quadrature = (jacobian(case, jax.jacrev, 0.5, question, **arguments) for question in BOTH)
    for left, right in zip(closed, quadrature, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-11)


# --- Limits and properties ---

VARIANCE_LISTS = st.lists(st.floats(-8, 4), min_size=4, max_size=4).map(lambda x: 10.0 ** np.array(x))
GAIN_LISTS = st.lists(st.floats(0, 2), min_size=4, max_size=4).map(np.array)
LOG_TIMES = st.floats(-8, 8)


@pytest.mark.parametrize("case", cases.CLOSED)
def test_limits_of_training_time(case):
    spectrum = cases.spectrum(cases.VARIANCES)
    initial, converged = generated_variance(case.denoiser(spectrum, 0.3), jnp.asarray([0.0, jnp.inf]))
    np.testing.assert_allclose(initial, 80.0**2 * (0.002 / 80) ** (2 * (1 - 0.3)), rtol=1e-13)
    high, low = 80.0**2, 0.002**2
    np.testing.assert_allclose(converged, high * (cases.VARIANCES + low) / (cases.VARIANCES + high), rtol=1e-12)


@pytest.mark.parametrize("case", cases.CLOSED)
@given(VARIANCE_LISTS, GAIN_LISTS, LOG_TIMES, st.floats(-3, 3), st.permutations(range(4)))
@cases.property_test
def test_symmetries(case, variance, gain, log_time, log_factor, order):
    """τ ↔ η; λ, σ² → cλ, cσ² with τ → τ/c; modes are independent; the variance is positive."""
    tau, factor, order = 10.0**log_time, 10.0**log_factor, np.array(order)
    closed = compiled_closed_form(case.build)
    reference = closed(variance, gain, tau, 1.0, 0.002, 80.0)
    assert np.all(reference > 0)
    np.testing.assert_allclose(closed(variance, gain, tau / factor, factor, 0.002, 80.0), reference, rtol=1e-11)
    scale = np.sqrt(factor)
    scaled = closed(factor * variance, gain, tau / factor, 1.0, 0.002 * scale, 80.0 * scale)
    np.testing.assert_allclose(scaled / factor, reference, rtol=1e-10)
    np.testing.assert_array_equal(closed(variance[order], gain[order], tau, 1.0, 0.002, 80.0), reference[order])


@functools.cache
def compiled_closed_form(build):
    """With the noise levels as arguments, which costs the mode-by-mode check of `EDM` but no compilation."""

    @jax.jit
    def closed(variance, gain, tau, rate, low, high):
        process = eqx.tree_at(lambda p: (p.sigma_min, p.sigma_max), EDM(), (jnp.asarray(low), jnp.asarray(high)))
        return build(cases.spectrum(variance), process, gain, rate).generated_variance(tau)

    return lambda *arguments: np.asarray(closed(*map(jnp.asarray, arguments)))


@given(VARIANCE_LISTS, st.sampled_from([0.0, 1.0, 1.5]))
@cases.property_test
def test_one_layer_variance_is_monotone_from_no_and_from_full_gain(variance, gain):
    tau = jnp.asarray(np.concatenate([[0], np.logspace(-8, 8, 100)]))
    log_variance = np.log(generated_variance(OneLayer(cases.spectrum(variance), EDM(), gain, 1.0), tau))
    steps = np.diff(log_variance, axis=0)
    assert np.all(steps >= -1e-13) if gain == 0 else np.all(steps <= 1e-13)


# --- A finite schedule ---


@pytest.mark.parametrize("case", cases.ONE_PER_SETTING)
def test_schedule_converges_at_second_order_to_the_flow(case):
    spectrum = cases.spectrum(np.array([2.0, 0.05]))
    denoiser, tau = case.denoiser(spectrum, 0.1), jnp.asarray([0.1, 3.0])
    start, end = (
        np.clip(case.process.start_time, 1e-4, None if case.process.start_time > 1 else 0.98),
        np.clip(case.process.end_time, None, 1 - 1e-4),
    )
    exact = np.log(oracle_between(case, np.array([2.0, 0.05]), 0.1, np.array([[0.1], [3.0]]), (start, end)))
    errors = []
    for steps in (1000, 2000):
        times = np.geomspace(start, end, steps + 1) if start > end else np.linspace(start, end, steps + 1)
        discrete = generated_variance_on_schedule(denoiser, tau, jnp.asarray(times))
        errors.append(np.abs(np.log(discrete) - exact).max())
    assert errors[1] < 0.05
    assert 3.6 < errors[0] / errors[1] < 4.6


def oracle_between(case, variance, initial, scaled_time, interval):
    process = dataclasses.replace(case.oracle_process, interval=interval)
    return np.exp(
        oracles.generated_log_variance(case.network, variance, process, case.oracle_target, initial, scaled_time)
    )


def test_schedule_equals_a_loop_of_heun_steps_with_given_gains():
    """EDM's own sampler: d = (x - D(x))/σ, Euler step, average of the two slopes."""
    times, gains = np.geomspace(80.0, 0.002, 7), np.random.default_rng(0).uniform(0, 1, (7, 2))
    x = np.full(2, 80.0)
    for i, step in enumerate(np.diff(times)):
        slope = (1 - gains[i]) * x / times[i]
        moved = x + step * slope
        x = x + step / 2 * (slope + (1 - gains[i + 1]) * moved / times[i + 1])
    denoiser = OneLayer(cases.spectrum(np.array([2.0, 0.05])), EDM(), 0.1, 1.0)
    variance = generated_variance_on_schedule(denoiser, jnp.asarray(1.0), jnp.asarray(times), jnp.asarray(gains))
    np.testing.assert_allclose(variance, x**2, rtol=1e-12)


def test_schedule_of_the_whole_flow_matching_interval():
    denoiser = OneLayer(cases.spectrum(np.array([2.0, 0.5])), FlowMatching(), 0.1, 1.0)
    discrete = generated_variance_on_schedule(denoiser, jnp.asarray(1.0), jnp.linspace(0, 1, 801))
    np.testing.assert_allclose(discrete, generated_variance(denoiser, jnp.asarray(1.0)), rtol=1e-5)


# --- Precision and transformations ---


@pytest.mark.parametrize("case", [*cases.ONE_PER_SETTING, cases.TIED])
def test_single_precision(case):
    variance, tau = np.array([2.0, 0.3, 0.05]), np.array([0.0, 0.1, 30.0])
    exact = np.exp(oracle_log_variance(case, variance, 0.3, tau[:, None]))
    single = case.denoiser(cases.spectrum(variance.astype(np.float32)), 0.3), jnp.asarray(tau, jnp.float32)
    generated = generated_variance(*single)
    assert generated.dtype == np.float32
    np.testing.assert_allclose(generated, exact, rtol=2e-4)
    if "edm-Denoiser" in case.name:
        ratio = exact / variance
        kl, w2 = kl_divergence(*single), wasserstein2(*single)
        assert kl.dtype == w2.dtype == np.float32
        np.testing.assert_allclose(kl, (ratio - 1 - np.log(ratio)).sum(axis=-1) / 2, rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(
            w2, np.linalg.norm(np.sqrt(exact) - np.sqrt(variance), axis=-1), rtol=2e-5, atol=1e-6
        )


@pytest.mark.parametrize("case", cases.CLOSED)
def test_closed_form_keeps_the_accuracy_of_single_precision(case):
    variance = cases.VARIANCES[1:6]
    exact = generated_variance(case.denoiser(cases.spectrum(variance), 0.3), TIMES)
    single = generated_variance(
        case.denoiser(cases.spectrum(variance.astype(np.float32)), 0.3), TIMES.astype(jnp.float32)
    )
    np.testing.assert_allclose(single, exact, rtol=2e-5)


@pytest.mark.parametrize("case", cases.SOME)
def test_a_plain_number_for_tau_keeps_single_precision(case):
    denoiser = case.denoiser(cases.spectrum(np.array([2.0, 0.3], np.float32)), 0.3)
    assert generated_variance(denoiser, 1.0).dtype == np.float32


@pytest.mark.parametrize("case", cases.CLOSED)
def test_batches_over_times_gains_and_denoisers_agree_with_single_calls(case):
    spectrum, tau, gains = cases.spectrum(np.array([2.0, 0.3, 0.05])), jnp.asarray([0.1, 3.0]), jnp.asarray([0.1, 0.7])
    single = jnp.stack([jnp.stack([generated_variance(case.denoiser(spectrum, q), t) for t in tau]) for q in gains])
    built = eqx.filter_vmap(lambda q: generated_variance(case.denoiser(spectrum, q), tau))(gains)
    stacked = eqx.filter_vmap(lambda q: case.denoiser(spectrum, q))(gains)
    asked = eqx.filter_vmap(generated_variance, in_axes=(eqx.if_array(0), None))(stacked, tau)
    for batch in (built, asked):
        np.testing.assert_allclose(batch, single, rtol=1e-14)
    np.testing.assert_allclose(
        generated_variance(case.denoiser(spectrum, 0.1), tau[:, None]), single[0][:, None], rtol=1e-14
    )
