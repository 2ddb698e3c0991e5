"""Small noise: perturbation theory, fluctuations about paths, linear drifts, against Monte Carlo and exact laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from theory import (
    LinearSchedule,
    NaiveVKernel,
    PointMasses,
    VariancePreserving,
    first_order_expectation,
    first_order_fokker_planck,
    gaussian_cells,
    linear_flow_covariance,
    sample_effective_sde,
    sample_gaussian_field_ode,
    semiclassical_paths,
)
from theory.derivations import semiclassical
from theory.v_kernel.white_kernels import AbstractWhiteKernel

PROCESS = VariancePreserving(LinearSchedule(0.1, 5.0), end_time=0.2)
PAIR = PointMasses([[-1.0], [1.0]])
TIMES = jnp.linspace(1.0, 0.2, 401)


def quantiles(count):
    return jnp.asarray(scipy.stats.norm.ppf((np.arange(count) + 0.5) / count))[:, None], jnp.full(count, 1 / count)


class GaussianData(AbstractWhiteKernel):
    """Naive kernel of data N(0, Λ), α = 1, σ = t: DCD = I - t²(Λ + t²)⁻¹; its score is linear."""

    covariance: jax.Array
    kappa: float

    def diffusion(self, x, time):
        precision = jnp.linalg.inv(self.covariance + time**2 * jnp.eye(len(self.covariance)))
        return jnp.broadcast_to(self.kappa * self.covariance @ precision, (*x.shape, x.shape[-1]))

    def drift(self, x, time):
        return time * x @ jnp.linalg.inv(self.covariance + time**2 * jnp.eye(len(self.covariance)))


def log_spaced(start, end, steps):
    return jnp.geomspace(start, end, steps + 1)


def test_printed_limit_fails_and_the_corrected_one_holds():
    """κ = 10⁻³, data N(0, 1), t from 10 to .01, density at 0: q = .39877, p(x|ε) = .39892, Eq. 18 gives .1116.

    Against the exact forms of the SymPy derivation and an integration of dv/dt = 2tv/(1 + t²) - κ/(1 + t²) by SciPy.
    """
    kernel = GaussianData(jnp.eye(1), 1e-3)
    variance = linear_flow_covariance(kernel, kernel.drift, jnp.asarray([[101.0]]), log_spaced(10.0, 0.01, 4000))
    oracle = scipy.integrate.solve_ivp(
        lambda t, v: (2 * t * v - 1e-3) / (1 + t**2), (10.0, 0.01), [101.0], rtol=1e-12, atol=1e-14
    ).y[0, -1]
    np.testing.assert_allclose(variance[0, 0], oracle, rtol=1e-5)
    density = scipy.stats.norm(scale=np.sqrt(float(variance[0, 0]))).pdf(0)
    misprint = semiclassical.DERIVATION.misprint
    assert misprint is not None
    np.testing.assert_allclose(density, float(semiclassical.exact.subs(misprint.at)), rtol=1e-5)
    noise = oracle - (1 + 0.01**2)
    hessian = (1 + 0.01**2) / 101 / noise  # ∂²S_cl/∂x_T²/κ = Φ²/κΓ
    without = scipy.stats.norm(scale=np.sqrt(1 + 0.01**2)).pdf(0)
    by_eq_18 = without / np.sqrt(hessian)
    np.testing.assert_allclose(by_eq_18, float(semiclassical.printed.subs(misprint.at)), rtol=1e-3)
    assert abs(density - without) < 1e-3 * without  # the corrected limit
    assert by_eq_18 < 0.3 * density


@pytest.mark.slow
def test_linear_drift_against_monte_carlo_in_two_dimensions():
    covariance = jnp.asarray([[1.0, 0.4], [0.4, 0.3]])
    kernel, times, count = GaussianData(covariance, 0.2), log_spaced(3.0, 0.1, 150), 6_000
    prior = covariance + 9 * jnp.eye(2)
    predicted = np.asarray(linear_flow_covariance(kernel, kernel.drift, prior, times))
    start_key, noise_key = jax.random.split(jax.random.key(0))
    initial = jax.random.normal(start_key, (count, 2)) @ jnp.linalg.cholesky(prior).T
    samples = np.asarray(sample_effective_sde(kernel, kernel.drift, initial, times, key=noise_key))
    error = np.sqrt((np.outer(np.diag(predicted), np.diag(predicted)) + predicted**2) / count)
    assert np.all(np.abs(np.cov(samples.T) - predicted) < 4 * error + 0.01 * np.diag(predicted).max())
    without = np.asarray(linear_flow_covariance(GaussianData(covariance, 0.0), kernel.drift, prior, times))
    np.testing.assert_allclose(without, covariance + 0.01 * np.eye(2), rtol=3e-4)
    assert np.all(np.diag(predicted) > 1.02 * np.diag(without))


def test_linear_drift_with_noise_that_remembers():
    """V = κ cos(3(t - t')), a field ξ = √κ(a cos 3t + b sin 3t) per draw, v = x: Φ_t = e^{-(t - ε)}."""
    kappa, times = 0.3, jnp.linspace(1.0, 0.2, 801)

    def kernel(z, z_prime):
        return (kappa * jnp.cos(3 * (z[1] - z_prime[1])))[..., None, None]

    predicted = float(linear_flow_covariance(kernel, lambda x, t: x, jnp.asarray([[0.7]]), times)[0, 0])
    gains = [
        scipy.integrate.quad(lambda t, f=f: np.exp(-(t - 0.2)) * f(3 * t), 0.2, 1.0, epsabs=1e-13)[0]
        for f in (np.cos, np.sin)
    ]
    np.testing.assert_allclose(predicted, 0.7 * np.exp(-1.6) + kappa * np.sum(np.square(gains)), rtol=3e-6)
    # The same from paths: a unit draw of each coefficient moves the end by its gain.
    draws = jnp.eye(2) * np.sqrt(kappa)
    ends = sample_gaussian_field_ode(
        draws, lambda c, x, t: x + c[0] * jnp.cos(3 * t) + c[1] * jnp.sin(3 * t), jnp.zeros((1, 1)), times
    )
    np.testing.assert_allclose(np.sum(np.square(ends)), kappa * np.sum(np.square(gains)), rtol=1e-5)


@pytest.mark.slow
def test_first_order_expectation_against_monte_carlo():
    """E h(κ) - E h(0) of the effective SDE, paired with its paths without noise; 10 % for the second order in κ."""
    kappa, count, times = 0.01, 40_000, jnp.linspace(1.0, 0.2, 51)
    kernel = NaiveVKernel(PAIR, PROCESS, kappa)

    initial, weights = quantiles(400)
    predicted = first_order_expectation(
        lambda x: jnp.exp(-8 * x[0] ** 2), kernel, kernel.mean_drift, initial, weights, TIMES
    )
    initial, _ = quantiles(count)
    silent = NaiveVKernel(PAIR, PROCESS, 0.0)
    with_noise, without = (
        np.exp(-8 * np.asarray(sample_effective_sde(k, kernel.mean_drift, initial, times, key=jax.random.key(2))) ** 2)
        for k in (kernel, silent)
    )
    difference = (with_noise - without)[:, 0]
    error = difference.std() / np.sqrt(count)
    assert abs(difference.mean() - float(predicted.correction)) < 4 * error + 0.1 * abs(float(predicted.correction))
    assert float(predicted.correction) < -5 * error


def bump(x):
    return jnp.exp(-3 * (x[0] - 0.2) ** 2)


def three_forms(times):
    """The first-order change of E h: Hessian of h∘φ, fluctuations about paths, linearised Fokker-Planck equation."""
    kernel = NaiveVKernel(PAIR, PROCESS, 1.0)
    cells = gaussian_cells(jnp.linspace(-6, 6, 401), 1.0)
    initial = cells.centres[:, None]
    first = first_order_expectation(bump, kernel, kernel.mean_drift, initial, cells.mass, times)
    paths = semiclassical_paths(kernel, kernel.mean_drift, initial, times)
    slope, curvature = jax.vmap(jax.grad(bump))(paths.end), jax.vmap(jax.hessian(bump))(paths.end)
    change = jnp.sum(slope * paths.shift, axis=1) + jnp.sum(curvature * paths.covariance, axis=(1, 2)) / 2
    _, correction = first_order_fokker_planck(kernel, kernel.mean_drift, cells, times)
    moment = correction.mass @ jax.vmap(bump)(correction.centres[:, None])
    return jnp.stack([first.correction, cells.mass @ change, moment])


@pytest.mark.slow
def test_three_forms_of_first_order_agree():
    """They are different sums, of one limit: what separates the first two falls like the step squared."""
    coarse, fine = (np.asarray(three_forms(jnp.linspace(1.0, 0.2, steps + 1))) for steps in (100, 200))
    np.testing.assert_allclose((coarse[1] - coarse[0]) / (fine[1] - fine[0]), 4, rtol=0.1)
    extrapolated = (4 * fine - coarse) / 3
    np.testing.assert_allclose(extrapolated[1], extrapolated[0], rtol=5e-4)  # third order remains
    np.testing.assert_allclose(extrapolated[2], extrapolated[0], rtol=4e-3)  # its cells are finite


def test_first_order_expectation_in_two_dimensions():
    """h = |x|² of Gaussian data: the correction is κ tr Γ, exactly; of the mean of the linear flow there is none."""
    covariance = jnp.asarray([[1.0, 0.4], [0.4, 0.3]])
    kernel, times = GaussianData(covariance, 0.2), log_spaced(3.0, 0.1, 200)
    initial, weights = jnp.asarray([[1.0, 0.0], [0.3, -2.0], [-1.0, 1.0]]), jnp.asarray([0.2, 0.3, 0.5])
    predicted = first_order_expectation(lambda x: x @ x, kernel, kernel.drift, initial, weights, times)
    noise = linear_flow_covariance(kernel, kernel.drift, jnp.zeros((2, 2)), times)
    np.testing.assert_allclose(predicted.correction, jnp.trace(noise), rtol=1e-9)
    paths = semiclassical_paths(kernel, kernel.drift, initial, times)
    np.testing.assert_allclose(paths.covariance, np.broadcast_to(noise, (3, 2, 2)), rtol=3e-4)
    np.testing.assert_allclose(paths.shift, 0, atol=1e-12)
    np.testing.assert_allclose(weights @ jnp.sum(paths.end**2, axis=1), predicted.without_noise, rtol=1e-12)


def test_what_is_refused():
    kernel, (initial, weights) = NaiveVKernel(PAIR, PROCESS, 0.1), quantiles(5)
    with pytest.raises(ValueError, match="one per initial position"):
        first_order_expectation(lambda x: x[0], kernel, kernel.mean_drift, initial, weights[:3], TIMES)
    for question in (
        lambda times: semiclassical_paths(kernel, kernel.mean_drift, initial, times),
        lambda times: linear_flow_covariance(kernel, kernel.mean_drift, jnp.eye(1), times),
    ):
        with pytest.raises(ValueError, match="monotone"):
            question(TIMES[jnp.asarray([0, 5, 2])])
