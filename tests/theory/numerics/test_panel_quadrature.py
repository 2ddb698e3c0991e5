"""Integrals over a panel with an oscillation of any frequency against many ordinary panels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory.numerics.panel_quadrature import COEFFICIENTS, NODE_WEIGHTS, NODES, oscillating_panel

WIDTH = 0.25


def amplitude(x):
    return (1 - 0.3j * np.exp(-x)) / (1 + np.exp(2 * x))


def by_many_panels(function, turns):
    edges = np.linspace(0, WIDTH, int(turns) + 2)
    place, weight = np.polynomial.legendre.leggauss(24)
    x = edges[:-1, None] + np.diff(edges)[:, None] * (1 + place) / 2
    return np.sum(function(x) * weight / 2 * np.diff(edges)[:, None])


def panel(frequency, phase=np.exp):
    x = WIDTH * np.concatenate([(1 + NODES) / 2, [0.0, 1.0]])
    phases = jnp.asarray(frequency * phase(x))
    return oscillating_panel(jnp.asarray(amplitude(x[:-2])), phases[:-2], phases[-2:], jnp.asarray(WIDTH))


def test_ordinary_rule():
    values = NODES**15 - 2 * NODES**3 + 0.5
    np.testing.assert_allclose(NODE_WEIGHTS @ values, 1.0, rtol=1e-13)
    np.testing.assert_allclose(np.polynomial.legendre.legval(NODES, COEFFICIENTS @ values), values, atol=1e-13)


@pytest.mark.parametrize("frequency", [2.0, 16.0, 100.0, 1e3, 1e5])
def test_any_frequency(frequency):
    """The phase turns by 0.28 to 28,000 radians."""
    expected = by_many_panels(lambda x: np.real(amplitude(x) * np.exp(1j * frequency * np.exp(x))), frequency * WIDTH)
    integral = panel(frequency)
    assert abs(integral.value - expected) < 1e-13
    assert integral.error < 1e-13


@pytest.mark.parametrize("frequency", [1e3, 1e4, 1e5])
@pytest.mark.parametrize("place", [-0.03, 0.0, 0.2, 0.5])
def test_a_phase_that_stands_still_is_noticed(frequency, place):
    """With a maximum of the phase in the panel, or next to it, the solution is not smooth, and the error says so."""

    def phase(x):
        return -20 * (x - place * WIDTH) ** 2

    expected = by_many_panels(lambda x: np.real(amplitude(x) * np.exp(1j * frequency * phase(x))), 2 * frequency)
    integral = panel(frequency, phase)
    assert abs(integral.value - expected) < integral.error
    assert integral.error > 1e-3 or place < 0


def test_derivatives_are_those_of_the_integral():
    def integral(frequency):
        x = WIDTH * np.concatenate([(1 + NODES) / 2, [0.0, 1.0]])
        phases = frequency * jnp.exp(jnp.asarray(x))
        return oscillating_panel(jnp.asarray(amplitude(x[:-2])), phases[:-2], phases[-2:], jnp.asarray(WIDTH)).value

    expected = by_many_panels(lambda x: np.real(1j * np.exp(x) * amplitude(x) * np.exp(100j * np.exp(x))), 100 * WIDTH)
    for transform in (jax.grad, jax.jacfwd):
        np.testing.assert_allclose(jax.jit(transform(integral))(100.0), expected, rtol=1e-9)
