"""Action and response field against SciPy, quadrature and finite differences; the naive kernel against its formula."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from theory import (
    EDM,
    LinearSchedule,
    NaiveVKernel,
    PointMasses,
    VariancePreserving,
    action_gradient,
    msr_exponent,
    msr_gradient,
    path_action,
)
from theory.v_kernel.white_kernels import AbstractWhiteKernel

TRIANGLE = PointMasses([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.8]])
PROCESS = VariancePreserving(LinearSchedule(0.1, 4.0), end_time=0.2)
KERNEL = NaiveVKernel(TRIANGLE, PROCESS, 0.1)
TIMES = np.array([0.8, 0.65, 0.55, 0.5, 0.3])
PATH = np.array([[0.3, -0.4], [0.5, -0.1], [0.2, 0.15], [0.4, 0.3], [0.1, 0.2]])


class Constant(AbstractWhiteKernel):
    """B(x, t) = `strength` I."""

    strength: float

    def diffusion(self, x, time):
        return jnp.broadcast_to(self.strength * jnp.eye(x.shape[-1]), (*x.shape, x.shape[-1]))


class Smooth(eqx.Module):
    """A kernel with a memory: V(z; z') = G(z)G(z')ᵀ summed over its features."""

    rows: jax.Array

    def _field(self, x, time):
        place = jnp.concatenate([x, time[..., None]], axis=-1)
        phase = place @ self.rows[:, :3].T
        return jnp.einsum("...if,f->...if", jnp.stack([jnp.cos(phase), jnp.sin(phase)], axis=-2), self.rows[:, 3])

    def __call__(self, z, z_prime):
        return self._field(*z) @ jnp.swapaxes(self._field(*z_prime), -1, -2)


SMOOTH = Smooth(jnp.asarray(np.random.default_rng(0).normal(size=(40, 4))))


def steps_of(path, times):
    """Residual and drift, step by step in NumPy."""
    drift = np.stack([KERNEL.mean_drift(jnp.asarray(x), t) for x, t in zip(path[:-1], times[:-1], strict=True)])
    return np.diff(path, axis=0) - np.diff(times)[:, None] * drift


def coloured_covariance(path, times):
    step, places = np.diff(times), [(jnp.asarray(x), jnp.asarray(t)) for x, t in zip(path[:-1], times, strict=False)]
    rows = [[step[k] * step[m] * np.asarray(SMOOTH(a, b)) for m, b in enumerate(places)] for k, a in enumerate(places)]
    return np.block(rows)


def test_white_action_is_minus_the_log_density_of_the_euler_chain():
    residual = steps_of(PATH, TIMES)
    expected = 0.0
    for k, noise in enumerate(residual):
        covariance = (TIMES[k] - TIMES[k + 1]) * np.asarray(KERNEL.diffusion(jnp.asarray(PATH[k]), TIMES[k]))
        expected -= scipy.stats.multivariate_normal(cov=covariance).logpdf(noise)
    np.testing.assert_allclose(path_action(PATH, TIMES, KERNEL.mean_drift, KERNEL), expected, rtol=1e-11)


def test_action_of_a_kernel_with_memory_couples_all_times():
    covariance, residual = coloured_covariance(PATH, TIMES), steps_of(PATH, TIMES).ravel()
    expected = -scipy.stats.multivariate_normal(cov=covariance).logpdf(residual)
    np.testing.assert_allclose(path_action(PATH, TIMES, KERNEL.mean_drift, SMOOTH), expected, rtol=1e-9)


@pytest.mark.parametrize("kernel", [KERNEL, SMOOTH], ids=["white", "coloured"])
def test_gradient_is_the_difference_quotient_of_the_action(kernel):
    gradient = np.asarray(action_gradient(PATH, TIMES, KERNEL.mean_drift, kernel))
    for index in np.ndindex(PATH.shape):
        values = []
        for shift in (-2, -1, 1, 2):
            moved = PATH.copy()
            moved[index] += shift * 1e-4
            values.append(float(path_action(moved, TIMES, KERNEL.mean_drift, kernel)))
        quotient = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / 12e-4
        np.testing.assert_allclose(gradient[index], quotient, rtol=1e-6, atol=1e-6 * np.abs(gradient).max())


def test_gradient_of_an_ornstein_uhlenbeck_path_by_hand():
    """v = x, B = b: ∂S/∂x_k = [r_{k-1} / h_{k-1} - (1 + Δt_k) r_k / h_k]/b with h = |Δt|; nothing from ln det."""
    path, strength = PATH[:, :1], 0.3
    gradient = action_gradient(path, TIMES, lambda x, t: x, Constant(strength))
    step = np.diff(TIMES)[:, None]
    residual = path[1:] - path[:-1] * (1 + step)
    forced = residual / np.abs(step) / strength
    expected = np.pad(forced, ((1, 0), (0, 0))) - np.pad((1 + step) * forced, ((0, 1), (0, 0)))
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


@pytest.mark.parametrize("kernel", [KERNEL, SMOOTH], ids=["white", "coloured"])
def test_response_field_at_its_saddle_and_its_gradient(kernel):
    """At p = iΣ⁻¹r: M_1 - M_2/2 = -rᵀΣ⁻¹r/2, which is what the action holds beside its normalisation."""
    residual = steps_of(PATH, TIMES).ravel()
    covariance = coloured_covariance(PATH, TIMES)
    if kernel is KERNEL:
        blocks = [
            (TIMES[k] - TIMES[k + 1]) * np.asarray(KERNEL.diffusion(jnp.asarray(PATH[k]), TIMES[k])) for k in range(4)
        ]
        covariance = scipy.linalg.block_diag(*blocks)
    saddle = 1j * np.linalg.solve(covariance, residual).reshape(-1, 2)
    value = msr_exponent(PATH, saddle, TIMES, KERNEL.mean_drift, kernel)
    normalisation = np.linalg.slogdet(2 * np.pi * covariance)[1] / 2
    action = path_action(PATH, TIMES, KERNEL.mean_drift, kernel)
    np.testing.assert_allclose(value, normalisation - float(action), rtol=1e-8)
    response = np.random.default_rng(1).normal(size=saddle.shape)
    by_path, by_response = msr_gradient(PATH, response, TIMES, KERNEL.mean_drift, kernel)
    expected = 1j * residual - covariance @ response.ravel()
    np.testing.assert_allclose(by_response.ravel(), expected, rtol=1e-10, atol=1e-12)
    moved = PATH.copy()
    moved[1, 0] += 1e-6
    difference = msr_exponent(moved, response, TIMES, KERNEL.mean_drift, kernel) - msr_exponent(
        PATH, response, TIMES, KERNEL.mean_drift, kernel
    )
    np.testing.assert_allclose(by_path[1, 0], difference / 1e-6, rtol=1e-4, atol=1e-4)


def test_integrating_out_the_response_field_gives_the_density():
    """∫dp/2π exp(M_1 - M_2/2) over a real p, by quadrature, is e^-S; the kernel has a memory of two steps."""
    path, times = np.array([[0.1], [0.3], [0.2]]), np.array([1.0, 0.7, 0.2])

    def kernel(z, z_prime):
        return (jnp.exp(-((z[1] - z_prime[1]) ** 2)) * (1 + z[0][..., 0] * z_prime[0][..., 0]))[..., None, None]

    grid = np.linspace(-120, 120, 601)

    def of_pair(a, b):
        return msr_exponent(path, jnp.stack([a, b])[:, None], times, lambda x, t: -x, kernel)

    first, second = jnp.meshgrid(grid, grid)
    exponent = jax.jit(jax.vmap(of_pair))(first.ravel(), second.ravel())
    integral = np.exp(np.asarray(exponent)).sum() * (grid[1] - grid[0]) ** 2 / (2 * np.pi) ** 2
    np.testing.assert_allclose(integral, np.exp(-path_action(path, times, lambda x, t: -x, kernel)), rtol=1e-10)


def test_a_field_of_few_features_has_no_density_but_has_a_response_field():
    few = Smooth(SMOOTH.rows[:2])
    with pytest.raises(ValueError, match="singular"):
        path_action(PATH, TIMES, KERNEL.mean_drift, few)
    assert np.isfinite(msr_exponent(PATH, np.ones((4, 2)), TIMES, KERNEL.mean_drift, few))


def test_naive_kernel_is_kappa_dcd_and_vanishes_off_the_diagonal():
    x, t = jnp.asarray(PATH), jnp.asarray(TIMES)
    value = KERNEL((x, t), (x, t))
    rate = PROCESS.diffusion_coefficient(t)[:, None, None]
    np.testing.assert_allclose(value, 0.1 * rate * TRIANGLE.proxy_covariance(x, t, PROCESS) * rate, rtol=1e-12)
    assert not KERNEL((x, t), (x, t + 0.01)).any()
    assert not KERNEL((x, t), (x + 0.01, t)).any()
    root = np.asarray(KERNEL.diffusion_root(x, t))
    np.testing.assert_allclose(root @ np.swapaxes(root, 1, 2), value, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(root, np.swapaxes(root, 1, 2), atol=1e-14)


def test_one_point_has_no_noise():
    """M = 1: C = 0, a lone training point is memorised (Vastola 2025, App. J)."""
    kernel = NaiveVKernel(PointMasses([[1.0, 2.0]]), EDM(), 0.3)
    assert not kernel.diffusion(jnp.asarray(PATH), jnp.asarray(TIMES)).any()
    assert not kernel.diffusion_root(jnp.asarray(PATH), jnp.asarray(TIMES)).any()


def test_noise_stays_in_the_subspace_of_the_data():
    """Points on a line in the plane: no noise across it."""
    kernel = NaiveVKernel(PointMasses([[1.0, 1.0], [-1.0, -1.0]]), EDM(), 0.3)
    root = kernel.diffusion_root(jnp.asarray(PATH), jnp.asarray(TIMES))
    np.testing.assert_allclose(root @ jnp.asarray([1.0, -1.0]), 0, atol=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NaiveVKernel(TRIANGLE, PROCESS, -0.1), "kappa must be zero or more; got -0.1"),
        (lambda: path_action(PATH, TIMES[:-1], KERNEL.mean_drift, KERNEL), "one position per time"),
        (lambda: path_action(PATH, TIMES[[0, 2, 1, 3, 4]], KERNEL.mean_drift, KERNEL), "monotone"),
        (lambda: path_action(PATH[:1], TIMES[:1], KERNEL.mean_drift, KERNEL), "two or more"),
        (lambda: msr_exponent(PATH, PATH, TIMES, KERNEL.mean_drift, KERNEL), "a vector per step"),
        (lambda: msr_gradient(PATH, PATH, TIMES, KERNEL.mean_drift, KERNEL), "a vector per step"),
        (lambda: msr_gradient(PATH, PATH[1:, :1], TIMES, KERNEL.mean_drift, KERNEL), "a vector per step"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
