"""How functions read their arguments."""

import contextlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    EDM,
    DeepLinear,
    GaussianFeatures,
    LazyVKernel,
    LinearSchedule,
    LinearVKernel,
    NaiveVKernel,
    OneLayer,
    PointMasses,
    Spectrum,
    VariancePreserving,
    effective_ridge,
    emergence_time,
    generated_variance,
    kl_divergence,
    one_layer_v_kernel,
    weight_emergence_time,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)
from theory.definitions.arrays import FormulaChoice, floating, jit

FEATURES = GaussianFeatures(1, 4, 3, positions=(-1.5, 1.5), times=(0.0, 1.0))


@contextlib.contextmanager
def count_compilations():
    """A list with one entry for each program that is compiled, by XLA or read from disk, inside the context."""
    compiled, open_ = [], [True]

    def listen(event, *_, **__):
        if open_ and "backend_compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield compiled
    open_.clear()


def test_integers_become_floating_and_floats_keep_their_precision():
    assert floating(3).dtype == np.float64
    assert floating(jnp.float32(3)).dtype == np.float32


class Power(FormulaChoice):
    exponent: float


class Scaled(eqx.Module):
    factor: float
    power: Power

    @jit
    def __call__(self, x, *, shift=0.0):
        assert isinstance(self.power.exponent, float)  # part of the program
        assert all(isinstance(each, jax.Array) for each in (*x, shift, self.factor))
        return self.factor * x[0] ** self.power.exponent + x[1] + shift


def test_floats_are_arrays_alone_in_tuples_and_in_modules_that_do_not_choose_a_formula():
    np.testing.assert_allclose(Scaled(2.0, Power(1.0))((1.5, np.float64(0.25)), shift=1.0), 4.25)
    with count_compilations() as count:
        np.testing.assert_allclose(Scaled(3.0, Power(1.0))((2.5, np.float64(1.25)), shift=3.0), 11.75)
    assert count == []
    assert Scaled.__call__.__name__ == "__call__"


SPECTRUM = Spectrum.power_law(dimension=6, exponent=1.5, scale=10.0)
DATA, PLACES = PointMasses([[-1.0], [1.0]]), np.zeros((3, 1))


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(lambda x: generated_variance(OneLayer(SPECTRUM, EDM(), 0.1, 1.0), x), id="time"),
        pytest.param(lambda x: emergence_time(OneLayer(SPECTRUM, EDM(x), 0.1, 1.0)), id="sigma_min"),
        pytest.param(lambda x: emergence_time(OneLayer(SPECTRUM, EDM(), 0.1, 1.0), fraction=x), id="fraction"),
        pytest.param(lambda x: kl_divergence(OneLayer(SPECTRUM, EDM(), 0.1, learning_rate=x), 1.0), id="learning_rate"),
        pytest.param(lambda x: DeepLinear(SPECTRUM, EDM(), x, 1.0).gain(x, x), id="initial_gain"),
        pytest.param(lambda x: DATA.score(PLACES, x, VariancePreserving(end_time=x / 2)), id="score"),
        pytest.param(lambda x: DATA.score(PLACES, x, VariancePreserving(LinearSchedule(x))), id="schedule"),
        pytest.param(lambda x: NaiveVKernel(DATA, EDM(x), x).diffusion(PLACES, x), id="naive_v_kernel"),
        pytest.param(
            lambda x: LinearVKernel(DATA, VariancePreserving(), FEATURES, draws=1e3 * x, ridge=x).score_covariance(
                (PLACES, x), (PLACES, x)
            ),
            id="linear_v_kernel",
        ),
    ],
)
def test_another_python_float_compiles_nothing(question):
    jax.block_until_ready(question(0.25))
    with count_compilations() as count:
        jax.block_until_ready(question(0.5))
    assert count == []


SCORES, NARROW = LinearVKernel(DATA, EDM(), FEATURES), OneLayer(SPECTRUM, EDM(), 0.1, 1.0)


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(lambda n: LinearVKernel(DATA, EDM(), FEATURES, draws=n).weight_factor, id="linear_draws"),
        pytest.param(lambda n: LazyVKernel(DATA, EDM(), FEATURES, draws=n, tau=n).weight_factor, id="lazy_draws"),
        pytest.param(lambda n: weight_variance_over_draws(NARROW, n, 1, n).total, id="over_draws"),
        pytest.param(lambda n: weight_variance_of_shared_data(NARROW, 1, 1, data=n, noises=n), id="shared_data"),
        pytest.param(lambda n: weight_variance_of_least_squares(NARROW, 1, n), id="least_squares"),
        pytest.param(lambda n: one_layer_v_kernel(NARROW, 1, 1, n).variance, id="one_layer_v_kernel"),
        pytest.param(lambda n: effective_ridge(SPECTRUM.variance, n, n), id="effective_ridge"),
        pytest.param(lambda n: generated_variance(NARROW, n), id="training_time"),
        pytest.param(lambda n: weight_emergence_time(NARROW, n), id="noise_level"),
        pytest.param(lambda n: DATA.score(PLACES, n, EDM()), id="score"),
        pytest.param(lambda n: SCORES((PLACES, n), (PLACES, n)), id="place"),
    ],
)
def test_another_python_integer_compiles_nothing(question):
    """But for those that shapes hang on: a loop over the number of draws runs one program."""
    first = jax.block_until_ready(question(16))
    with count_compilations() as count:
        jax.block_until_ready(question(32))
    assert count == []
    np.testing.assert_array_equal(first, question(16.0))


def test_integers_that_shapes_hang_on_and_those_of_modules_are_no_arrays():
    class Bins(eqx.Module):
        number: int

    @jit
    def totals(bins, x, groups: int, *, flag=True):
        assert isinstance(x[0], jax.Array)
        assert flag is True
        return jnp.zeros((groups, bins.number)) + x[0]

    assert totals(Bins(2), (5, None), 3).shape == (3, 2)
    assert totals(Bins(2), x=(5, None), groups=4).shape == (4, 2)
    with pytest.raises(TypeError, match="too many positional arguments"):
        totals(Bins(2), (5, None), 3, True)


@pytest.mark.parametrize("number", [float("inf"), 0.0, 1.5])
@pytest.mark.parametrize("question", [generated_variance, kl_divergence])
def test_a_python_float_is_what_the_array_of_it_is(question, number):
    """As a constant of the program, a number may come back as whatever was in memory."""
    with jax.enable_x64(False):
        spectrum = Spectrum.power_law(dimension=300, exponent=1.5, scale=10.0)
        denoiser = OneLayer(spectrum, EDM(), initial_gain=0.1, learning_rate=1.0)
        np.testing.assert_array_equal(question(denoiser, number), question(denoiser, jnp.asarray(number)))
