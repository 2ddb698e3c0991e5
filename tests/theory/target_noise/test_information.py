"""Information of Gaussian data, and the noise levels that it sets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from theory import EDM, Spectrum, VariancePreserving
from theory.target_noise.information import gaussian_information, noise_level_of_information

SPECTRUM = Spectrum.from_variances([4.0, 1.0, 0.3, 1e-6])


def test_information_is_what_the_target_variance_adds_up_to():
    """I-MMSE: I(x_0; x_t) = ∫_σ^∞ s V_DSM(s) ds with V_DSM = Σ λ/(s²(λ + s²)), by SciPy."""
    for sigma in (0.02, 0.5, 7.0):

        def integrand(log_s):
            variance = np.asarray(SPECTRUM.variance)
            return np.sum(variance / (variance + np.exp(2 * log_s)))

        expected = integrate.quad(integrand, np.log(sigma), 20, limit=400, epsabs=1e-12)[0]
        np.testing.assert_allclose(gaussian_information(SPECTRUM, EDM(), sigma), expected, rtol=1e-9)


def test_information_at_a_time_of_another_process():
    process, time = VariancePreserving(), jnp.asarray([0.2, 0.7])
    ratio = process.noise_scale(time) / process.signal_scale(time)
    found = gaussian_information(SPECTRUM, process, time)
    np.testing.assert_allclose(found, gaussian_information(SPECTRUM, EDM(), ratio), rtol=1e-13)


@pytest.mark.parametrize("nats", [np.array([1e-8, 0.1, 1.0, 10.0, 200.0]), 0.3])
def test_the_noise_level_has_the_information(nats):
    level = noise_level_of_information(SPECTRUM, nats)
    np.testing.assert_allclose(gaussian_information(SPECTRUM, EDM(), level), nats, rtol=1e-12)


def test_collapse_of_one_variance():
    """σ² = λ/(N^{2/d} - 1) (Biroli et al. 2024); of N = 5·10⁴ in 3072 dimensions 5.95 standard deviations of .5."""
    level = noise_level_of_information(Spectrum.from_variances(np.full(16, 3.0)), np.log(1000.0))
    np.testing.assert_allclose(level, np.sqrt(3.0 / (1000 ** (2 / 16) - 1)), rtol=1e-13)
    level = noise_level_of_information(Spectrum.from_variances(np.full(3072, 0.25)), np.log(5e4))
    np.testing.assert_allclose(level, 5.95, atol=0.01)


def test_many_nats_of_many_modes():
    """Less than one nat a mode, where the exponential of all would overflow."""
    for modes, nats, precise in ((3072, 400.0, True), (64, 50.0, False)):
        with jax.enable_x64(precise):
            level = noise_level_of_information(Spectrum.from_variances(np.full(modes, 0.25)), nats)
            np.testing.assert_allclose(
                level, np.sqrt(0.25 / np.expm1(2 * nats / modes)), rtol=1e-12 if precise else 1e-5
            )
    assert np.isfinite(noise_level_of_information(Spectrum.from_variances([2.0]), 300.0))


def test_derivatives_of_the_noise_level():
    def question(variance, nats):
        return noise_level_of_information(Spectrum(jnp.zeros(3), variance), nats)

    variance, direction, step = jnp.asarray([2.0, 0.5, 0.1]), jnp.asarray([0.3, -0.2, 1.0]), 1e-6
    forward = jax.jvp(question, (variance, 1.2), (direction, 0.7))[1]
    ends = [question(variance + sign * step * direction, 1.2 + sign * step * 0.7) for sign in (1, -1)]
    np.testing.assert_allclose(forward, (ends[0] - ends[1]) / (2 * step), rtol=1e-7)
    of_variance, of_nats = jax.grad(question, argnums=(0, 1))(variance, 1.2)
    np.testing.assert_allclose(of_variance @ direction + 0.7 * of_nats, forward, rtol=1e-12)


def test_what_is_refused():
    for nats in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="nats must be positive and at most 1200, for 4 modes"):
            noise_level_of_information(SPECTRUM, nats)
        assert np.isnan(jax.jit(lambda nats: noise_level_of_information(SPECTRUM, nats))(nats))
    with pytest.raises(ValueError, match="a variance above zero"):
        noise_level_of_information(Spectrum(jnp.zeros(2), jnp.zeros(2)), 1.0)
    with pytest.raises(ValueError, match="must leave noise"):
        gaussian_information(SPECTRUM, EDM(), 0.0)
