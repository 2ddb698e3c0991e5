"""Gains and Jacobians of denoisers: of linear ones they are known, of others by finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ortho_group

from sims.measurements.jacobians import denoiser_jacobians, jacobian_eigenvalues, jacobians_in_modes
from sims.measurements.network_gains import (
    ModeGains,
    flow_prediction,
    heun_prediction,
    linear_share,
    measured_gains,
)
from sims.sampling.linear_flow import sample_linear_networks
from sims.sampling.schedules import edm_schedule

VARIANCE = np.array([4.0, 0.3, 0.01])
BASIS = ortho_group.rvs(3, random_state=np.random.default_rng(0))
LEVELS = np.asarray(edm_schedule(0.002, 80.0, 24))


class Linear(eqx.Module):
    """D(x) = U diag(ψ(σ)) Uᵀ x + 1, ψ = λ/(λ + σ²)."""

    variance: jax.Array
    basis: jax.Array

    def __call__(self, x, time):
        gain = self.variance / (self.variance + time**2)
        return x @ self.basis * gain[None] @ self.basis.T + 1


class Bent(eqx.Module):
    """A nonlinear denoiser with a Jacobian that is not symmetric."""

    inner: jax.Array
    outer: jax.Array

    def __call__(self, x, time):
        return jnp.tanh(x @ self.inner) @ self.outer * time


LINEAR = Linear(jnp.asarray(VARIANCE), jnp.asarray(BASIS))
BENT = Bent(*jnp.asarray(np.random.default_rng(1).normal(size=(2, 3, 3))))


def data(count, seed=0):
    """Samples whose covariance is exactly diagonal in the basis, with variances as stated."""
    white = np.random.default_rng(seed).normal(size=(count, 3))
    white = (white - white.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T
    return white * np.sqrt(VARIANCE) @ BASIS.T


def cube(x, time):
    return x**3 + 0 * time


def optimum(levels):
    return VARIANCE / (VARIANCE + np.asarray(levels)[:, None] ** 2)


# --- Gains ---


def test_gains_of_a_linear_denoiser_are_its_own_and_explain_everything():
    gains = measured_gains(LINEAR, data(500), BASIS, LEVELS, draws=200, key=jax.random.key(0), block=64)
    np.testing.assert_allclose(gains.value, optimum(LEVELS), rtol=1e-9)
    np.testing.assert_allclose(gains.r_squared, 1.0, rtol=1e-9)
    assert gains.stderr.max() < 1e-9


def test_gain_of_a_nonlinear_mode_is_its_linear_response_with_the_error_it_states():
    """D = x³: E x⁴/E x² = 3s² for normal x; and errors that cover, though scatter grows with x."""
    sigma, repeats = 0.5, 60
    rows = jnp.asarray(np.random.default_rng(2).normal(size=(20_000, 1)))
    truth = 3 * (float(jnp.var(rows)) + sigma**2)
    keys = jax.random.split(jax.random.key(0), repeats)
    found = [measured_gains(cube, rows, np.eye(1), np.array([sigma]), draws=4000, key=key) for key in keys]
    values, errors = (np.array([getattr(each, name)[0, 0] for each in found]) for name in ("value", "stderr"))
    assert abs(values.mean() - truth) < 5 * values.std() / np.sqrt(repeats)
    np.testing.assert_allclose(np.sqrt(np.mean(errors**2)), values.std(), rtol=0.35)
    # (3s²)²s²/15s⁶ = .6: less than all.
    np.testing.assert_allclose(np.mean([each.r_squared[0, 0] for each in found]), 0.6, atol=0.02)


@pytest.mark.parametrize(
    ("levels", "draws", "sentence"),
    [
        ([1.0, 0.0], 10, "noise levels must be"),
        ([np.nan], 10, "noise levels must be"),
        ([1.0], 2, "draws must be a whole number of 3 or more; got 2"),
        ([], 10, "noise levels must be a sequence of one or more"),
    ],
)
def test_gains_refuse_what_cannot_be_measured(levels, draws, sentence):
    with pytest.raises(ValueError, match=sentence):
        measured_gains(LINEAR, data(10), BASIS, np.array(levels), draws=draws, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"data": np.full((10, 3), np.inf)}, "data must be finite"),
        ({"denoiser": lambda x, time: x / 0 * time}, "outputs of the denoiser at level 1 must be finite"),
        ({"denoiser": lambda x, time: x[:1] * time}, r"denoiser must be of shape \(20, 3\); got \(1, 3\)"),
        ({"data": np.ones((10, 3), np.float32), "levels": np.array([1e39])}, "that float32 holds; got 1e.39"),
        ({"data": np.ones((10, 3), np.float32), "levels": np.array([1e-60])}, "that float32 holds; got 1e-60"),
        ({"basis": np.zeros((3, 2))}, "vary in every mode; got 2 of 2"),
        ({"denoiser": lambda x, time: x * time, "levels": np.array([1e100])}, "fourth powers in the range"),
    ],
)
def test_gains_that_would_be_nan_or_zero_are_refused(change, sentence):
    asked = {"denoiser": cube, "data": data(10), "basis": BASIS, "levels": np.array([1.0])} | change
    with pytest.raises(ValueError, match=sentence):
        measured_gains(**asked, draws=20, key=jax.random.key(0))


# --- Generation from gains ---


def exact(gain, low=LEVELS[-1], high=LEVELS[0]):
    """σ_T² exp 2∫(ψ - 1) d ln σ by SciPy's quadrature."""
    integral = quad(lambda u: gain(np.exp(u)) - 1, np.log(low), np.log(high), epsabs=1e-12, limit=500)[0]
    return high**2 * np.exp(2 * integral)


def of(value, stderr=0.0):
    return ModeGains(value, np.full_like(value, stderr), np.ones_like(value), 1000)


@pytest.mark.parametrize("to_zero", [False, True])
def test_heun_prediction_is_what_the_sampler_generates(to_zero):
    """The sampler's own steps through sampled points: the map is linear, so its square is the variance exactly."""
    gains = optimum(LEVELS)
    maps = jnp.asarray(np.einsum("ik,lk,jk->lij", BASIS, gains, BASIS))
    generated = np.asarray(sample_linear_networks(maps, jnp.asarray(LEVELS), LEVELS[0] * jnp.asarray(BASIS.T)))
    amplitude = np.einsum("ki,ik->k", generated, BASIS)
    levels = LEVELS
    if to_zero:
        levels, amplitude = np.append(LEVELS, 0.0), amplitude * gains[-1]
    np.testing.assert_allclose(heun_prediction(of(gains), levels).value, amplitude**2, rtol=1e-12)


def test_flow_prediction_is_the_integral_and_tells_the_solvers_error():
    fine = np.geomspace(80.0, 0.002, 200)
    flow = flow_prediction(of(optimum(fine)), fine).value
    expected = [exact(lambda s, v=v: v / (v + s**2)) for v in VARIANCE]
    np.testing.assert_allclose(flow, expected, rtol=1e-6)
    np.testing.assert_allclose(expected, 80.0**2 * (VARIANCE + 0.002**2) / (VARIANCE + 80.0**2), rtol=1e-9)
    # Heun at twenty steps makes 15 % too much at λ = .01, at forty 3 %, of the exact denoiser.
    errors = []
    for steps in (20, 40):
        levels = np.asarray(edm_schedule(0.002, 80.0, steps))
        errors.append(heun_prediction(of(optimum(levels)), np.append(levels, 0.0)).value[2] / VARIANCE[2] - 1)
    np.testing.assert_allclose(errors, [0.15, 0.03], atol=0.015)
    with_last_step = flow_prediction(of(optimum(fine)), np.append(fine, 0.0)).value
    np.testing.assert_allclose(with_last_step, flow * optimum(fine)[-1] ** 2, rtol=1e-12)


@pytest.mark.parametrize("predict", [heun_prediction, flow_prediction])
@pytest.mark.parametrize("levels", [LEVELS, np.append(LEVELS, 0.0)], ids=["to the lowest", "to zero"])
def test_errors_of_gains_become_those_of_the_variance(predict, levels):
    """By the spread of predictions from gains with independent normal errors."""
    random, gains = np.random.default_rng(3), optimum(LEVELS)
    stated = predict(of(gains, 0.004), levels)
    spread = np.std(
        [predict(of(gains + 0.004 * random.normal(size=gains.shape)), levels).value for _ in range(500)], axis=0
    )
    np.testing.assert_allclose(stated.stderr, spread, rtol=0.15)


@pytest.mark.parametrize("levels", [LEVELS[::-1], LEVELS[:-1], LEVELS[:1], np.append(LEVELS[:-1], -1.0)])
def test_levels_that_do_not_fit_are_refused(levels):
    for predict in (heun_prediction, flow_prediction):
        with pytest.raises(ValueError, match="levels must decrease"):
            predict(of(optimum(LEVELS)), levels)


def test_linear_share_of_generated_variance():
    random = np.random.default_rng(4)
    noise = random.normal(size=(50_000, 2))
    samples = np.stack([3 * noise[:, 0] + 4 * random.normal(size=50_000), noise[:, 1] ** 2], axis=1)
    share = linear_share(noise, samples, np.eye(2))
    assert abs(share.value[0] - 9 / 25) < 4 * share.stderr[0] < 0.02
    assert share.value[1] < 0.002
    assert linear_share(noise, 2 * noise, np.eye(2)).value.tolist() == pytest.approx([1.0, 1.0])
    with pytest.raises(ValueError, match="three or more of one shape"):
        linear_share(noise[:2], samples[:2], np.eye(2))
    with pytest.raises(ValueError, match="that are NaN"):
        linear_share(noise, np.full_like(samples, np.nan), np.eye(2))
    with pytest.raises(ValueError, match="samples must be finite"):
        linear_share(noise, np.full_like(samples, np.inf), np.eye(2))
    with pytest.raises(ValueError, match="vary in every mode; got 2 of 2"):
        linear_share(np.full_like(noise, 0.3), samples, ortho_group.rvs(2, random_state=random))


# --- Jacobians ---


@pytest.mark.parametrize("block", [1, 2, 64])
def test_jacobians_are_finite_differences(block):
    points, step = np.random.default_rng(5).normal(size=(2, 3)), 1e-6
    found = denoiser_jacobians(BENT, points, 0.8, block=block)
    shifts = step * np.eye(3)
    expected = [
        np.stack([(BENT(p + s, 0.8) - BENT(p - s, 0.8)) / (2 * step) for s in shifts[:, None]])[:, 0].T
        for p in points[:, None]
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_jacobian_of_a_linear_denoiser_has_its_gains_in_the_datas_modes():
    jacobians = denoiser_jacobians(LINEAR, np.ones((2, 3)), 0.5)
    gains = optimum([0.5])[0]
    np.testing.assert_allclose(jacobians_in_modes(jacobians, BASIS), np.stack([np.diag(gains)] * 2), atol=1e-12)
    np.testing.assert_allclose(jacobian_eigenvalues(jacobians), np.stack([gains] * 2), atol=1e-9)


def test_eigenvalues_of_a_matrix_that_turns_are_complex_and_in_order():
    """Rotation by φ scaled by r has r e^±iφ, and the third axis its own."""
    turn = 2.0 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    matrix = np.zeros((3, 3))
    matrix[1:, 1:], matrix[0, 0] = turn, 1.0
    values = jacobian_eigenvalues(matrix)
    np.testing.assert_allclose(sorted(values[:2], key=np.imag), 2 * np.exp([-0.3j, 0.3j]), rtol=1e-12)
    np.testing.assert_allclose(values[2], 1.0, rtol=1e-12)


def test_jacobians_refuse_a_single_point_and_no_rows():
    with pytest.raises(ValueError, match="points must be"):
        denoiser_jacobians(BENT, np.ones(3), 0.5)
    with pytest.raises(ValueError, match="block must be a whole number of 1 or more; got 0"):
        denoiser_jacobians(BENT, np.ones((1, 3)), 0.5, block=0)
    with pytest.raises(ValueError, match="Jacobians must be finite"):
        jacobian_eigenvalues(np.full((1, 2, 2), np.nan))
    for ask in (jacobian_eigenvalues, lambda jacobians: jacobians_in_modes(jacobians, np.eye(2))):
        with pytest.raises(ValueError, match="Jacobians must be real; got complex"):
            ask(np.eye(2) * 1j)
    with pytest.raises(ValueError, match="modes must be real; got complex"):
        jacobians_in_modes(np.eye(2), np.eye(2) * 1j)
