"""How functions read their arguments."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import EDM, OneLayer, Spectrum, generated_variance, kl_divergence
from theory.definitions.arrays import floating, jit


def test_integers_become_floating_and_floats_keep_their_precision():
    assert floating(3).dtype == np.float64
    assert floating(jnp.float32(3)).dtype == np.float32


class Scaled(eqx.Module):
    factor: float

    @jit
    def __call__(self, x, *, shift=0.0):
        assert isinstance(self.factor, float)  # part of the program
        assert all(isinstance(each, jax.Array) for each in (*x, shift))
        return self.factor * x[0] + x[1] + shift


def test_floats_are_arrays_alone_and_in_tuples_but_not_in_modules():
    compiled = []
    np.testing.assert_allclose(Scaled(2.0)((1.5, np.float64(0.25)), shift=1.0), 4.25)
    jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: compiled.append(event))
    np.testing.assert_allclose(Scaled(2.0)((2.5, np.float64(1.25)), shift=3.0), 9.25)
    assert not any("backend_compile" in event for event in compiled)
    assert Scaled.__call__.__name__ == "__call__"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 0.0, 1.5])
@pytest.mark.parametrize("question", [generated_variance, kl_divergence])
def test_a_python_float_is_what_the_array_of_it_is(question, number):
    """NaN as a constant of the program came back as whatever was in memory."""
    with jax.enable_x64(False):
        spectrum = Spectrum.power_law(dimension=300, exponent=1.5, scale=10.0)
        denoiser = OneLayer(spectrum, EDM(), initial_gain=0.1, learning_rate=1.0)
        np.testing.assert_array_equal(question(denoiser, number), question(denoiser, jnp.asarray(number)))
