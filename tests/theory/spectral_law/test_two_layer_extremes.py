"""Two independent layers over many orders of magnitude, against the paper's solution in 300 digits (App. F.2)."""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from theory.spectral_law.parametrisations.two_layer import imbalanced_growth
from theory.spectral_law.regression import ModeRegression

DIGITS = 300
NAMES = ("drive", "inputs", "initial", "time", "imbalance")


def gain(drive, inputs, initial, time, imbalance):
    mode = ModeRegression(drive / inputs, 2 * inputs, jnp.zeros_like(drive), 2 * drive)
    return imbalanced_growth(mode, initial, time, imbalance)


@functools.cache
def gain_and_slopes():
    return jax.jit(jax.vmap(jax.value_and_grad(gain, argnums=range(5))))


def exact(drive, inputs, initial, time, imbalance):
    """y = tanh of half of sinh⁻¹(2ψ/c_0) obeys a Riccati equation; the logistic equation where c_0 = 0."""
    drive, inputs, initial, time, imbalance = map(mp.mpf, (drive, inputs, initial, time, abs(imbalance)))
    if imbalance == 0:
        sign = -1 if initial < 0 else 1
        drive, initial = sign * drive, sign * initial
        grown = mp.exp(4 * drive * time)
        integral = (grown - 1) / drive if drive else 4 * time
        return sign * initial * grown / (1 + inputs * initial * integral)
    load = inputs * imbalance / 2
    rate = mp.sqrt(drive**2 + load**2)
    start, passed = mp.tanh(mp.asinh(2 * initial / imbalance) / 2), mp.tanh(2 * rate * time)
    y = (start * (rate - load * passed) + drive * passed) / (rate + (load + drive * start) * passed)
    return imbalance * y / (1 - y**2)


def exact_slope(place, *point):
    """Central difference with a step of 1e-60; the values have 300 digits."""
    step = mp.mpf(10) ** -60 * (abs(point[place]) or 1)
    high, low = (
        exact(*(mp.mpf(x) + sign * step if k == place else x for k, x in enumerate(point))) for sign in (1, -1)
    )
    return (high - low) / (2 * step)


def random_modes(count, seed):
    """Drives, gains and imbalances of both signs and zero, with some gains at the optimum and 1e-14 … 1e-2 from it."""
    generator = np.random.default_rng(seed)

    def spread(low, high, *signs):
        return generator.choice(signs, count) * 10 ** generator.uniform(low, high, count)

    drive, inputs, time = spread(-6, 2, -1, 0, 1), spread(-4, 2, 1), spread(-5, 2, 1)
    initial, imbalance = spread(-12, 2, -1, 0, 1, 1), spread(-13, 2, -1, 0, 1)
    near = count // 4
    initial[:near] = (drive / inputs * (1 + spread(-14, -2, -1, 0, 1)))[:near]
    return drive, inputs, initial, time, imbalance


def test_values_keep_their_digits():
    """Tiny times and tiny imbalances included: ψ = 2ητ h c_0 from Q = 0 is not lost beside its parts."""
    modes = random_modes(1500, seed=1)
    value = np.asarray(gain_and_slopes()(*map(jnp.asarray, modes))[0])
    with mp.workdps(DIGITS):
        expected = np.array([float(exact(*each)) for each in zip(*modes, strict=True)])
    # Where balanced factors decay to zero they are cut off at 1e-129.
    np.testing.assert_allclose(value, expected, rtol=2e-13, atol=1e-120)


@pytest.mark.parametrize("name", NAMES)
def test_slopes_keep_their_digits(name):
    """To 1e-12 of the slope, or to 1e-14 of ψ over the argument, where the slope is lost in round-off of the gain."""
    modes, place = random_modes(500, seed=2), NAMES.index(name)
    value, slopes = gain_and_slopes()(*map(jnp.asarray, modes))
    with mp.workdps(DIGITS):
        expected = np.array([float(exact_slope(place, *each)) for each in zip(*modes, strict=True)])
    corner = (modes[2] == 0) & (modes[4] == 0)  # of a balanced gain at Q = 0
    # An argument that is zero is small beside c_0 if it is a gain, and beside 2ψ if it is c_0.
    beside = {"initial": np.abs(modes[4]), "imbalance": 2 * np.abs(value)}.get(name, np.ones_like(value))
    size = np.where(modes[place] == 0, beside, np.abs(modes[place]))
    scale = np.abs(value) / np.where(size == 0, 1.0, size)
    error = np.abs(slopes[place] - expected) / (1e-12 * np.abs(expected) + 1e-14 * scale + 1e-100)
    assert error[~corner].max() < 1
    assert np.isfinite(slopes[place]).all()


@pytest.mark.parametrize("imbalance", [0.0, 1e-9, 0.3, -0.3, 30.0])
@pytest.mark.parametrize("initial", [0.2, -0.2, 1e-9])
def test_slope_in_a_drive_that_vanishes(initial, imbalance):
    """h = 0, where a solution written with |h| has no slope: a mode with λ = 1 in the middle of a flow."""
    point = (0.0, 1.3, initial, 0.7, imbalance)
    value, slopes = gain_and_slopes()(*(jnp.asarray([x]) for x in point))
    with mp.workdps(DIGITS):
        expected = [float(exact_slope(place, *point)) for place in range(5)]
        np.testing.assert_allclose(value, float(exact(*point)), rtol=1e-14)
    np.testing.assert_allclose(np.ravel(slopes), expected, rtol=1e-9, atol=1e-15)
    assert slopes[0] > 0


def test_gain_is_odd():
    """ψ, h → -ψ, -h changes the sign of the gain; c_0 → -c_0 (p and q exchanged) does nothing."""
    drive, inputs, initial, time, imbalance = map(jnp.asarray, random_modes(200, seed=3))
    value = gain_and_slopes()(drive, inputs, initial, time, imbalance)[0]
    mirrored = gain_and_slopes()(-drive, inputs, -initial, time, -imbalance)[0]
    np.testing.assert_allclose(mirrored, -value, rtol=1e-13, atol=1e-120)
