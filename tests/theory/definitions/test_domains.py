"""Times outside the domain are refused by every question; where they are traced the answer is NaN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.cases import FACTORED, PARAMETRISATIONS
from theory import (
    EDM,
    FlowMatching,
    OneLayer,
    PointMasses,
    Spectrum,
    VariancePreserving,
    generated_variance,
    generated_variance_by_quadrature,
    kl_divergence,
    wasserstein2,
)
from theory.finite_data.weight_covariances import (
    one_layer_v_kernel,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)
from theory.spectral_law.distances import alignment, reverse_kl_divergence
from theory.spectral_law.emergence import weight_emergence_time
from theory.spectral_law.moments import generated_covariance, generated_mean, mode_covariance

SPECTRUM = Spectrum.from_variances([2.0, 0.3])
DENOISER = OneLayer(SPECTRUM, EDM(), 0.1, 1.0)
OF_TRAINING_TIME = [
    generated_variance,
    generated_variance_by_quadrature,
    kl_divergence,
    reverse_kl_divergence,
    wasserstein2,
    alignment,
    generated_covariance,
    generated_mean,
    mode_covariance,
]
OF_BOTH = {
    "over draws": lambda d, tau, level: weight_variance_over_draws(d, tau, level, 50).total,
    "shared data": lambda d, tau, level: weight_variance_of_shared_data(d, tau, level, data=50, noises=2),
    "mean": lambda d, tau, level: weight_mean_over_draws(d, tau, level, 50),
    "at ratio": lambda d, tau, level: weight_variance_at_ratio(d, tau, level, 50).total,
    "V-kernel": lambda d, tau, level: one_layer_v_kernel(d, tau, level, 50).variance,
    "gain": lambda d, tau, level: d.gain(tau, level),
    "affine map": lambda d, tau, level: d.affine_map(tau, level).matrix,
    "weights": lambda d, tau, level: d.weights(tau, level),
}


@pytest.mark.parametrize("question", OF_TRAINING_TIME, ids=lambda question: question.__name__)
@pytest.mark.parametrize("tau", [-1.0, np.nan, [1.0, -1e-9]])
def test_training_times(question, tau):
    with pytest.raises(ValueError, match="tau, a training time, must be zero or more"):
        question(DENOISER, jnp.asarray(tau))


@pytest.mark.parametrize("question", OF_TRAINING_TIME, ids=lambda question: question.__name__)
def test_traced_training_times(question):
    assert np.isnan(jax.jit(lambda tau: question(DENOISER, tau))(-1.0)).any()


@pytest.mark.parametrize("name", [*PARAMETRISATIONS, *FACTORED])
def test_gains_of_every_parametrisation(name):
    denoiser = (PARAMETRISATIONS | FACTORED)[name].build(SPECTRUM, EDM(), 0.2, 1.0)
    for tau, level in ((-1.0, 0.5), (np.nan, 0.5), (1.0, -0.5), (1.0, np.nan)):
        with pytest.raises(ValueError, match="must"):
            denoiser.gain(tau, level)
        assert np.isnan(jax.jit(lambda *times: denoiser.gain(*times))(tau, level)).all()


@pytest.mark.parametrize("name", OF_BOTH)
def test_questions_of_two_times(name):
    for tau, level in ((-1.0, 0.5), (1.0, -0.5), (1.0, np.nan)):
        with pytest.raises(ValueError, match="must"):
            OF_BOTH[name](DENOISER, tau, level)


def test_noise_levels_alone():
    with pytest.raises(ValueError, match="noise_level must lie between 0 and inf for EDM"):
        weight_emergence_time(DENOISER, -1.0)
    with pytest.raises(ValueError, match="noise_level must lie between"):
        weight_variance_of_least_squares(DENOISER, -1.0, 50)
    for process in (VariancePreserving(), FlowMatching()):
        with pytest.raises(ValueError, match=f"between 0 and 1 for {type(process).__name__}"):
            OneLayer(SPECTRUM, process, 0.1, 1.0).gain(1.0, 1.5)


def test_complex_numbers_lose_nothing_in_silence():
    for build in (
        lambda: Spectrum.from_variances([1.0 + 1j, 2.0]),
        lambda: Spectrum(jnp.zeros(2), jnp.ones(2) * 1j),
        lambda: PointMasses(np.ones((2, 1)) * 1j),
        lambda: OneLayer(SPECTRUM, EDM(), 0.1j, 1.0),
        lambda: OneLayer(SPECTRUM, EDM(), 0.1, 1j),
        lambda: generated_variance(DENOISER, 1j),
    ):
        with pytest.raises(ValueError, match="real|zero or more"):
            build()


def test_integers_are_numbers_too():
    whole = Spectrum(jnp.zeros(3, int), jnp.array([4, 2, 1]), jnp.eye(3, dtype=int))
    exact = Spectrum(jnp.zeros(3), jnp.array([4.0, 2.0, 1.0]), jnp.eye(3))
    for question in (generated_variance, kl_divergence):
        np.testing.assert_array_equal(
            question(OneLayer(whole, EDM(1, 80), 0.1, 1), 1), question(OneLayer(exact, EDM(1.0, 80.0), 0.1, 1.0), 1.0)
        )
