"""The damped oscillator against mpmath in all its regimes, across every seam, in value and in derivatives."""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from theory.numerics.damped_oscillator import damped_motion, damped_wave

DRAWS = 240


def exact(damping, stiffness, time):
    """K and (1 - K)/k, for numbers of mpmath."""
    root = mp.sqrt(mp.mpc(damping**2 / 4 - stiffness))
    swing = mp.sinh(root * time) / root if root else time
    kept = mp.re(mp.exp(-damping * time / 2) * (mp.cosh(root * time) + damping / 2 * swing))
    return kept, (1 - kept) / stiffness


def draws():
    """γ, k and t over many decades; half of them near critical damping, from far to a part in 10¹²."""
    rng = np.random.default_rng(0)
    damping, stiffness, time = (10 ** rng.uniform(low, high, DRAWS) for low, high in ((-3, 4), (-6, 5), (-6, 4)))
    close = 1 + rng.choice([-1, 1], DRAWS) * 10 ** rng.uniform(-12, -0.01, DRAWS)
    stiffness = np.where(np.arange(DRAWS) < DRAWS // 2, damping**2 / 4 * close, stiffness)
    # Where damping is far from critical, times at which something moves.
    time = np.where(np.arange(DRAWS) % 3 == 0, 10 ** rng.uniform(-2, 2, DRAWS) / np.sqrt(stiffness), time)
    return damping, stiffness, time


DAMPING, STIFFNESS, TIME = draws()
TURNS = np.sqrt(np.maximum(STIFFNESS - DAMPING**2 / 4, 0)) * TIME  # radians; their rounding is that of the phase
SEAMS = {  # (γ, k, t) beside which another formula is taken
    "early to critical": (2.0, 1.0, 1.0),
    "early to overdamped": (4.0, 1.0, 1 / np.sqrt(3)),
    "critical to overdamped": (2.2, 1.0, 1 / np.sqrt(0.21)),
    "critical to underdamped": (1.2, 1.0, 1.25),
    "young to old": (6.0, 8.0, 0.5),
}


_compiled_motion = jax.jit(damped_motion)


def motion(damping, stiffness, time):
    """K and (1 - K)/k in NumPy, at points that broadcast; always compiled for as many as are drawn."""
    points = np.broadcast_arrays(*map(np.atleast_1d, (damping, stiffness, time)))
    answer = _compiled_motion(*(jnp.asarray(np.resize(x, DRAWS), float) for x in points))
    return tuple(np.asarray(x)[: points[0].size] for x in answer)


def test_values_equal_mpmath():
    kept, forced = motion(DAMPING, STIFFNESS, TIME)
    with mp.workdps(60):
        expected = np.array(
            [[float(x) for x in exact(*map(mp.mpf, at))] for at in zip(DAMPING, STIFFNESS, TIME, strict=True)]
        )
    np.testing.assert_array_less(np.abs(kept - expected[:, 0]), 1e-14 * (1 + TURNS))
    np.testing.assert_array_less(np.abs(forced / expected[:, 1] - 1), 1e-14 * (1 + TURNS))


@pytest.mark.slow
@pytest.mark.parametrize("transform", [jax.jacfwd, jax.jacrev])
def test_derivatives_equal_mpmath(transform):
    some = slice(0, None, 3)
    at = tuple(x[some] for x in (DAMPING, STIFFNESS, TIME))
    actual = jax.jit(jax.vmap(transform(damped_motion, (0, 1, 2))))(*map(jnp.asarray, at))
    with mp.workdps(60):
        points = [list(map(mp.mpf, point)) for point in zip(*at, strict=True)]
        for argument in range(3):
            step = mp.mpf(10) ** -20
            for part, unit in enumerate((1.0, None)):
                expected, size = [], []
                for point in points:
                    up, down = (
                        exact(*(x * (1 + sign * step) if i == argument else x for i, x in enumerate(point)))[part]
                        for sign in (1, -1)
                    )
                    expected.append(float((up - down) / (2 * step)))
                    size.append(unit or float(abs(up)))
                error = np.abs(np.asarray(actual[part][argument]) * at[argument] - np.asarray(expected)) / size
                np.testing.assert_array_less(error, 1e-13 * (1 + TURNS[some]) ** 2)


@functools.cache
def with_derivatives():
    """Values and derivatives at each of several points."""
    return jax.jit(jax.vmap(lambda *at: (damped_motion(*at), jax.jacrev(damped_motion, (0, 1, 2))(*at))))


@pytest.mark.slow
def test_neighbouring_formulas_agree_at_their_seams():
    """Value and derivatives just before and just after the time of the seam, up to what they change in between."""
    damping, stiffness, time = jnp.asarray(list(SEAMS.values())).T
    before, after = (with_derivatives()(damping, stiffness, time * (1 + side * 1e-12)) for side in (-1, 1))
    for one, other in zip(*map(jax.tree.leaves, (before, after)), strict=True):
        for seam, *pair in zip(SEAMS, np.asarray(one), np.asarray(other), strict=True):
            np.testing.assert_allclose(*pair, rtol=1e-10, err_msg=seam)


def test_limits():
    """Gradient flow for strong damping; free fall before anything pulls; nothing is left at the end of training."""
    kept, forced = motion(1e9, 2.0, 1e9 * np.array([0.0, 0.3, 2.0]))
    np.testing.assert_allclose(kept, np.exp(-2 * np.array([0.0, 0.3, 2.0])), rtol=1e-9)
    np.testing.assert_allclose(forced, -np.expm1(-2 * np.array([0.0, 0.3, 2.0])) / 2, rtol=1e-9)
    np.testing.assert_allclose(motion(0.5, 0.0, 3.0)[1], 3 / 0.5 - (1 - np.exp(-1.5)) / 0.25, rtol=1e-14)
    # Nothing is left at the end, under-, near critically and overdamped; as many points as there are seams.
    damping = jnp.asarray([1e-2, 0.5, 3.0, 20.0, 1e4])
    ended, slopes = with_derivatives()(damping, jnp.full(5, 2.0), jnp.full(5, 1e120))
    np.testing.assert_array_equal(ended.kept, 0.0)
    np.testing.assert_array_equal(ended.forced, 0.5)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_the_wave_is_the_motion_where_it_oscillates():
    arguments = tuple(map(jnp.asarray, (DAMPING, STIFFNESS, TIME)))
    wave, kept = jax.jit(damped_wave)(*arguments), motion(*arguments)[0]
    swings = np.asarray(wave.oscillates)
    assert 30 < swings.sum() < DRAWS - 30
    error = np.abs(np.real(wave.amplitude * np.exp(1j * wave.phase)) - kept)[swings]
    np.testing.assert_array_less(error, 1e-14 * (1 + TURNS[swings]))


def test_single_precision():
    kept, forced = _compiled_motion(*(jnp.asarray(x, jnp.float32) for x in (DAMPING, STIFFNESS, TIME)))
    exactly = motion(*map(np.float32, (DAMPING, STIFFNESS, TIME)))
    assert kept.dtype == forced.dtype == np.float32
    few = TURNS < 100
    np.testing.assert_array_less(np.abs(kept - exactly[0])[few], 1e-5)
    np.testing.assert_allclose(forced[few], exactly[1][few], rtol=1e-5)
