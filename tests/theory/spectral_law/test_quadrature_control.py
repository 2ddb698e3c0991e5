"""The quadrature refines panels that do not resolve a gain, or refuses; it never answers wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from theory import EDM, Spectrum, generated_variance, generated_variance_by_quadrature
from theory.definitions.objectives import Objective
from theory.spectral_law.denoiser import AbstractDiagonalDenoiser, assign_common_fields, batched, gradient_flow_window
from theory.spectral_law.generation import variance_by_quadrature


class Wave(AbstractDiagonalDenoiser):
    """ψ = sin(k ln σ): ln λ̃ = 2 ln σ_T - 2 [ln σ_T - ln σ_0 + (cos(k ln σ_T) - cos(k ln σ_0))/k]."""

    spectrum: Spectrum
    process: EDM
    objective: Objective
    learning_rate: Array
    wave_number: float

    def __init__(self, wave_number: float) -> None:
        assign_common_fields(self, Spectrum.from_variances([1.0, 0.1]), EDM(), 1.0, None)
        self.wave_number = wave_number

    def weights(self, tau, noise_level):
        return self.gain(tau, noise_level)

    def gain(self, tau, noise_level):
        _, level = batched(tau, noise_level)
        wave = jnp.sin(self.wave_number * jnp.log(level))
        return jnp.broadcast_to(wave, (*wave.shape[:-1], 2))

    def generated_variance(self, tau):
        return variance_by_quadrature(self, tau)

    def training_window(self):
        return gradient_flow_window(self)

    def exact(self) -> float:
        low, high = np.log(self.process.sigma_min), np.log(self.process.sigma_max)
        k = self.wave_number
        return float(np.exp(2 * low - 2 * (np.cos(k * high) - np.cos(k * low)) / k))


@pytest.mark.parametrize("wave_number", [1.0, 7.0, 30.0, 60.0, 100.0, 150.0, 200.0, 333.0, 1000.0])
def test_oscillating_gains(wave_number):
    wave = Wave(wave_number)
    np.testing.assert_allclose(generated_variance_by_quadrature(wave, 1.0), wave.exact(), rtol=1e-9)
    traced = jax.jit(lambda tau: generated_variance(wave, tau))(1.0)
    if np.isnan(traced).any():
        assert wave_number > 50
        with pytest.raises(ValueError, match="must not oscillate"):
            generated_variance(wave, 1.0)
    else:
        np.testing.assert_allclose(traced, wave.exact(), rtol=1e-4)
        np.testing.assert_allclose(generated_variance(wave, 1.0), traced, rtol=1e-12)


def test_gains_that_no_panel_resolves():
    with pytest.raises(ValueError, match="must not oscillate in ln σ faster than panels of 1/256"):
        generated_variance_by_quadrature(Wave(1e4), 1.0)
