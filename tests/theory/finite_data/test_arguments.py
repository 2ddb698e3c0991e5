"""What the questions about finite data refuse, as numbers and as arrays, and what they leave alone."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.theory.finite_data.sampled_training_sets import denoiser_of
from theory import (
    effective_ridge,
    expected_gain_over_data,
    expected_generated_variance_over_data,
    expected_loss_over_data,
    gain_variance_over_data,
    one_layer_v_kernel,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)


def test_bad_input_is_refused():
    denoiser = denoiser_of("edm")
    with pytest.raises(ValueError, match="one initial gain"):
        expected_gain_over_data(denoiser, 0.1, 0.7, 10)
    with pytest.raises(ValueError, match="must be one number each"):
        one_layer_v_kernel(denoiser, jnp.ones(2), 0.7, 10)
    with pytest.raises(ValueError, match="must have 3 coordinates"):
        one_layer_v_kernel(denoiser, 0.1, 0.7, 10)(jnp.ones(3), jnp.ones(1))
    with pytest.raises(ValueError, match="vector"):
        effective_ridge(np.eye(2), 3, 0.1)
    with pytest.raises(ValueError, match="not negative"):
        effective_ridge([1.0, -1.0], 3, 0.1)
    with pytest.raises(ValueError, match="number of samples"):
        effective_ridge([1.0], 0, 0.1)


ALIKE = denoiser_of("edm", initial=0.1)


@pytest.mark.parametrize("given", [float, np.asarray, jnp.asarray])
@pytest.mark.parametrize(
    ("call", "count", "message"),
    [
        (lambda n: weight_variance_over_draws(ALIKE, 0.1, 0.7, n), -5.0, "draws must be one or more"),
        (lambda n: weight_variance_over_draws(ALIKE, 0.1, 0.7, draws=n), np.nan, "draws must be one or more"),
        (lambda n: weight_variance_of_shared_data(ALIKE, 0.1, 0.7, data=n, noises=2), 0.0, "data must be one or more"),
        (lambda n: weight_variance_of_shared_data(ALIKE, 0.1, 0.7, data=9, noises=n), 0.5, "noises must be one or"),
        (lambda n: weight_variance_of_least_squares(ALIKE, 0.7, n), 4.0, "more than d"),
        (lambda n: weight_variance_of_least_squares(ALIKE, 0.7, n), 2.0, "more than d"),
        (lambda n: weight_mean_over_draws(ALIKE, 0.1, 0.7, n), 0.0, "draws must be one or more"),
        (lambda n: weight_variance_at_ratio(ALIKE, 0.1, 0.7, n), -1.0, "draws must be one or more"),
        (lambda n: one_layer_v_kernel(ALIKE, 0.1, 0.7, n), 0.0, "draws must be one or more"),
        (lambda n: expected_gain_over_data(ALIKE, 0.1, 0.7, n), 0.0, "data must be one or more"),
        (lambda n: gain_variance_over_data(ALIKE, 0.1, 0.7, n), -2.0, "data must be one or more"),
        (lambda n: expected_loss_over_data(ALIKE, 0.1, 0.7, n), 0.0, "data must be one or more"),
        (lambda n: expected_generated_variance_over_data(ALIKE, 0.1, data=n), 0.0, "data must be one or more"),
    ],
)
def test_bad_counts_are_refused_as_numbers_and_as_arrays(call, count, message, given):
    with pytest.raises(ValueError, match=message):
        call(given(count))
    with pytest.raises(ValueError, match="must be one number"):
        call(np.asarray([10.0, count]))


def test_counts_may_be_traced():
    """Under transformations there is nothing to check, and nothing else changes; nor do name and signature."""

    def variance(draws):
        return weight_variance_over_draws(ALIKE, 0.1, 0.7, draws).total

    counts = jnp.asarray([10.0, 25.0])
    for transformed in (jax.vmap(variance), jax.jit(jax.vmap(variance))):
        np.testing.assert_allclose(transformed(counts)[1], variance(25.0), rtol=1e-14)
    slope = jax.jacfwd(variance)(25.0)
    np.testing.assert_allclose(slope, -variance(25.0) / 25, rtol=1e-13)
    np.testing.assert_allclose(jax.grad(lambda n: variance(n).sum())(25.0), slope.sum(), rtol=1e-13)
    least = jax.jit(lambda n: weight_variance_of_least_squares(ALIKE, 0.7, n))
    np.testing.assert_allclose(least(25.0), weight_variance_of_least_squares(ALIKE, 0.7, 25), rtol=1e-14)
    assert weight_variance_over_draws.__name__ == "weight_variance_over_draws"
    assert "P = `draws` independent triples" in weight_variance_over_draws.__doc__
    assert list(inspect.signature(weight_variance_over_draws).parameters) == ["denoiser", "tau", "noise_level", "draws"]


@pytest.mark.parametrize(
    "question",
    [
        expected_gain_over_data,
        gain_variance_over_data,
        expected_loss_over_data,
        weight_mean_over_draws,
        weight_variance_at_ratio,
    ],
    ids=lambda question: question.__name__,
)
def test_contour_integrals_refuse_single_precision(question):
    """In complex64 the variance of 24 modes came out negative in 576 places."""
    with jax.enable_x64(False):
        for compute in (question, jax.jit(question)):
            with pytest.raises(ValueError, match="jax_enable_x64"):
                compute(denoiser_of("edm"), jnp.inf, 0.5, 12)
