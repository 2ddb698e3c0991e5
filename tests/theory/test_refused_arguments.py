"""What has no answer is refused in a sentence, by every room: nothing is broadcast, cast or extrapolated in silence."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    EDM,
    CellMasses,
    FlowMatching,
    FourierFeatures,
    GaussianFeatures,
    LazyVKernel,
    LinearVKernel,
    MisalignedTwoLayer,
    NaiveVKernel,
    OneLayer,
    PointMasses,
    Spectrum,
    VariancePreserving,
    effective_ridge,
    expected_gain_over_data,
    first_order_expectation,
    gaussian_cells,
    generated_variance,
    generated_variance_on_schedule,
    linear_flow_covariance,
    path_action,
    sample_gaussian_field_ode,
    score_drift,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_over_draws,
)
from theory.spectral_law.moments import moments_on_schedule
from theory.v_kernel.kernels import kernel_matrix

SPECTRUM = Spectrum.from_variances([2.0, 1.0, 0.3])
DENOISER = OneLayer(SPECTRUM, EDM(), 0.1, 1.0)
DATA, VP = PointMasses([[-1.0], [1.0]]), VariancePreserving(end_time=0.01)
FEATURES = GaussianFeatures(1, 3, 3, positions=(-1.5, 1.5), times=(0.01, 1.0))
X, TIMES = jnp.linspace(-1.0, 1.0, 5)[:, None], jnp.linspace(1.0, 0.01, 5)
CELLS = gaussian_cells(jnp.linspace(-2.0, 2.0, 5), 1.0)
NAIVE = NaiveVKernel(DATA, VP, 0.1)


@functools.cache
def kernel():
    return LinearVKernel(DATA, VP, FEATURES, order="leading")


def drift(x, time):
    return -x


INTERVALS = {"positions": (-1.0, 1.0), "times": (0.0, 1.0)}
EVEN = jnp.full(5, 0.2)
REFUSED = {
    "basis that is no rotation": (lambda: Spectrum(jnp.zeros(2), jnp.ones(2), 2 * jnp.eye(2)), "must be orthonormal"),
    "basis of equal columns": (lambda: Spectrum(jnp.zeros(2), jnp.ones(2), jnp.ones((2, 2)) / 2**0.5), "orthonormal"),
    "infinite positions": (
        lambda: GaussianFeatures(1, 3, 3, **INTERVALS | {"positions": (-np.inf, 1.0)}),
        "must have finite low < high",
    ),
    "endless times": (lambda: FourierFeatures(1, 3, 3, **INTERVALS | {"times": (0.0, np.inf)}), "finite low < high"),
    "log-SNR before the data": (lambda: EDM().log_snr(-1.0), "time must lie between 0 and inf for EDM"),
    "log-SNR after the noise": (lambda: VP.log_snr(3.0), "time must lie between 0 and 1"),
    "log-SNR after the data": (lambda: FlowMatching().log_snr(jnp.array([0.5, 1.5])), "between 0 and 1"),
    "words for a time": (lambda: generated_variance(DENOISER, "1"), "must be zero or more; got 1"),
    "nothing for a time": (lambda: generated_variance(DENOISER, None), "must be zero or more; got None"),
    "schedule of another order": (
        lambda: generated_variance_on_schedule(DENOISER, 1.0, jnp.array([1.0, 5.0, 0.1])),
        "times must be a sequence from noise to data",
    ),
    "schedule below zero": (
        lambda: generated_variance_on_schedule(DENOISER, 1.0, jnp.array([1.0, -0.1])),
        "times must lie between 0 and inf",
    ),
    "schedule of moments": (
        lambda: moments_on_schedule(DENOISER, DENOISER.affine_map(1.0, jnp.array([0.1, 1.0])), jnp.array([0.1, 1.0])),
        "times must be a sequence from noise to data",
    ),
    "overlap of no layer": (
        lambda: MisalignedTwoLayer(SPECTRUM, EDM(), jnp.eye(3) * 0.1 + 0.5 * (1 - jnp.eye(3)), 1.0),
        "must be positive semi-definite",
    ),
    "negative ridge": (lambda: effective_ridge([1.0, 2.0], 10, -0.5), "ridge must be zero or more; got -0.5"),
    "ridge NaN": (lambda: effective_ridge([1.0, 2.0], 10, np.nan), "ridge must be zero or more; got nan"),
    "draws as many as modes": (
        lambda: weight_variance_over_draws(DENOISER, 1.0, 0.5, jnp.array([50.0, 60.0, 70.0])),
        r"draws must be one number; got shape \(3,\)",
    ),
    "endless draws of a mean": (lambda: weight_mean_over_draws(DENOISER, 1.0, 0.5, np.inf), "draws must be finite"),
    "endless draws at a ratio": (lambda: weight_variance_at_ratio(DENOISER, 1.0, 0.5, np.inf), "draws must be finite"),
    "endless data": (lambda: expected_gain_over_data(DENOISER, 1.0, 0.5, np.inf), "data must be finite; got inf"),
    "several draws": (lambda: LinearVKernel(DATA, VP, FEATURES, [99.0, 98.0]), "draws must be one number"),
    "several ridges": (lambda: LinearVKernel(DATA, VP, FEATURES, ridge=X[:, 0]), "the ridge must be one number"),
    "several training times": (lambda: LazyVKernel(DATA, VP, FEATURES, tau=TIMES), "training time must be one number"),
    "prior without bound": (lambda: LazyVKernel(DATA, VP, FEATURES, prior=jnp.full(9, np.inf)), "positive and finite"),
    "several strengths": (lambda: NaiveVKernel(DATA, VP, [0.1, 0.2]), "kappa must be one number"),
    "strength without bound": (lambda: NaiveVKernel(DATA, VP, np.inf), "kappa must be finite"),
    "strength in words": (lambda: NaiveVKernel(DATA, VP, "0.1"), "kappa must be zero or more"),
    "V after the noise": (lambda: kernel()((X, 0.5), (X, 2.0)), "time must lie between 0 and 1"),
    "V before the data": (lambda: kernel()((X, -0.5), (X, 0.5)), "time must lie between 0 and 1"),
    "V matrix at the data": (lambda: kernel_matrix(kernel(), (X, jnp.zeros(5))), "time must leave noise"),
    "covariance of scores": (lambda: kernel().score_covariance((X, 0.5), (X, np.nan)), "must lie between 0 and 1"),
    "mean score": (lambda: kernel().mean_score((X, 5.0)), "time must lie between 0 and 1"),
    "weights of two networks": (lambda: kernel().score(jnp.ones((2, 9)), (X, 0.5)), "weights of one network"),
    "weights without a row": (lambda: kernel().score(jnp.ones(9), (X, 0.5)), r"shape \(1, 9\); got \(9,\)"),
    "drift beyond its times": (lambda: score_drift(kernel().mean_score, VP)(X, 2.0), "must lie between 0 and 1"),
    "imaginary masses": (lambda: CellMasses(jnp.arange(3.0), jnp.array([1j, 0])), "masses of cells must be real"),
    "interval turned round": (lambda: CELLS.mass_between(1.0, -1.0), "must have low <= high; got low=1.0"),
    "several variances": (
        lambda: gaussian_cells(jnp.linspace(-1, 1, 4), jnp.array([1.0, 2.0])),
        "the variance must be one number",
    ),
    "variances for a covariance": (
        lambda: linear_flow_covariance(NAIVE, drift, jnp.ones(1), TIMES),
        r"must be a matrix \(dim, dim\); got shape \(1,\)",
    ),
    "covariance that is none": (
        lambda: linear_flow_covariance(NAIVE, drift, jnp.array([[1.0, 5.0], [0.0, 1.0]]), TIMES),
        "prior_covariance must be symmetric",
    ),
    "weights that are no mean": (
        lambda: first_order_expectation(lambda x: x[0], NAIVE, drift, X, 2 * EVEN, TIMES),
        "weights must sum to one; got the sum 2.0",
    ),
    "weights NaN": (
        lambda: first_order_expectation(lambda x: x[0], NAIVE, drift, X, EVEN * np.nan, TIMES),
        "weights must sum to one; got the sum nan",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        call()


TRACED = {
    "negative ridge, for which Newton's method would go on for ever": lambda x: effective_ridge(
        SPECTRUM.variance, 10, -x
    ),
    "interval turned round": lambda x: CELLS.mass_between(x, -x),
    "overlap of no layer": lambda x: MisalignedTwoLayer(
        SPECTRUM, EDM(), jnp.eye(3) * 0.1 + x * (1 - jnp.eye(3)), 1.0
    ).weights(1.0, 1.0)[0, 0],
    "drift beyond its times": lambda x: score_drift(lambda z: -z[0], VP)(X, 2 * x)[0, 0],
    "features of no interval": lambda x: GaussianFeatures(1, 3, 3, positions=(x, x / 0.0), times=(0.0, 1.0))(
        X, jnp.full(5, 0.5)
    )[0, 0],
}


@pytest.mark.parametrize("name", TRACED)
def test_what_is_traced_becomes_nan(name):
    assert np.isnan(jax.jit(TRACED[name])(0.9))


def test_a_path_of_fields_beyond_the_process_is_nan():
    kernel_drift = score_drift(kernel().score, VP)
    models = kernel().draw_weights(jax.random.key(0), 2)
    assert np.isnan(sample_gaussian_field_ode(models, kernel_drift, X, jnp.array([5.0, 3.0, 1.0]))).all()
    assert np.isfinite(sample_gaussian_field_ode(models, kernel_drift, X, TIMES)).all()


def test_whole_positions_are_positions():
    """An integer x must not make integers of the time and of κ, which it is multiplied by."""
    whole = jnp.array([[1], [0], [-2]])
    exact = whole.astype(float)
    np.testing.assert_array_equal(NAIVE.diffusion(whole, 0.5), NAIVE.diffusion(exact, 0.5))
    np.testing.assert_array_equal(NAIVE.mean_drift(whole, 0.5), NAIVE.mean_drift(exact, 0.5))
    assert np.asarray(NAIVE.diffusion(whole, 0.5)).min() > 0
    times = jnp.array([0.9, 0.6, 0.3])
    np.testing.assert_array_equal(
        path_action(whole, times, NAIVE.mean_drift, NAIVE), path_action(exact, times, NAIVE.mean_drift, NAIVE)
    )
