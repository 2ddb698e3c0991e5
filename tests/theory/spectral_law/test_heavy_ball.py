"""Momentum: generated variance through quick oscillations, the limit of strong damping, real steps, exponents."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, HeavyBall, OneLayer, emergence_time, fit_power_law, generated_variance
from theory.definitions.objectives import Objective
from theory.definitions.targets import VelocityTarget
from theory.definitions.weights import LogNormalDensity

VARIANCE = np.array([30.0, 1.0, 0.02])
BALL = EDM()


def ball(damping, variance=VARIANCE, process=BALL, **options):
    return HeavyBall(cases.spectrum(variance), process, 0.1, 1.0, damping=damping, **options)


@pytest.mark.parametrize("damping", [0.05, 0.8, 30.0])
def test_weights_equal_the_matrix_equation_of_motion(damping):
    """Under- and overdamped at different noise levels, and both at once; the table of cases has one damping more."""
    spectrum, covariance = cases.rotated_spectrum(VARIANCE)
    levels, times, initial = np.array([0.002, 0.5, 8.0]), [0.0, 0.3, 2.0], np.array([0.1, 0.5, 1.5])
    path = oracles.gradient_flow(
        oracles.heavy_ball(damping),
        *oracles.moments(covariance, cases.PROCESSES["edm"][1], oracles.DENOISED, levels),
        cases.matrix(spectrum.basis, initial),
        times,
    )
    denoiser = HeavyBall(spectrum, EDM(), initial, 1.0, damping=damping)
    weights = denoiser.weights(jnp.asarray(times)[:, None], jnp.asarray(levels))
    np.testing.assert_allclose(weights, path[..., 0, :, :], rtol=1e-8, atol=1e-9)


@functools.cache
def compiled_variance(process):
    return jax.jit(lambda damping, tau: generated_variance(ball(damping, process=process), tau))


# From times at which σ_T has not turned once to those at which it has turned 10⁴ times.
MOTIONS = [(0.05, 0.3), (0.05, 12.0), (0.05, 150.0), (0.8, 12.0), (3.0, 5.0), (100.0, 20.0)]


@pytest.mark.parametrize(("damping", "tau"), MOTIONS)
def test_variance_through_quick_oscillations_equals_fine_quadrature(damping, tau):
    """On panels that are uniform in σ, narrower than a turn of the phase."""
    turns = 80 * np.sqrt(2) * min(tau, 40 / damping) / (2 * np.pi)
    edges = np.concatenate([np.geomspace(0.002, 1, 60), np.linspace(1, 80, int(3 * turns) + 200)[1:]])
    place, weight = np.polynomial.legendre.leggauss(16)
    edges = np.log(edges)
    log_sigma = (edges[:-1, None] + np.diff(edges)[:, None] * (1 + place) / 2).ravel()
    measure = (np.diff(edges)[:, None] * weight / 2).ravel()
    inputs = VARIANCE[:, None] + np.exp(2 * log_sigma)
    gain = oracles.heavy_ball(damping).mode(0.1, VARIANCE[:, None], inputs, tau)
    expected = np.log(80.0**2) - 2 * (1 - gain) @ measure
    actual = np.log(compiled_variance(BALL)(jnp.asarray(damping), jnp.asarray(tau)))
    np.testing.assert_allclose(actual, expected, atol=1e-9, rtol=0)


def test_variance_on_another_process():
    """Variance preserving, velocities: the curvature is bounded at both ends of the noise."""
    name, target = "vp_cosine", VelocityTarget()
    process, oracle = cases.PROCESSES[name]
    denoiser = ball(0.3, VARIANCE[1:], process, objective=Objective(target))
    times = np.array([0.5, 8.0])
    expected = oracles.generated_log_variance(
        oracles.heavy_ball(0.3), VARIANCE[1:], oracle, oracles.VELOCITY, 0.1, times[:, None]
    )
    np.testing.assert_allclose(np.log(generated_variance(denoiser, times)), expected, atol=1e-9, rtol=0)


@pytest.mark.slow
def test_swings_that_are_not_resolved_are_refused():
    """The density of noise levels has a maximum, at which the phase of a strong mode stands still among many turns."""
    denoiser = ball(0.01, np.array([100.0, 1e-3]), objective=Objective(weight=LogNormalDensity()))
    with pytest.raises(ValueError, match="must not oscillate"):
        generated_variance(denoiser, 1e3)
    refused = jax.jit(generated_variance)(denoiser, 1e3)
    np.testing.assert_array_equal(np.isnan(refused), [True, False])


@functools.cache
def compiled_emergence():
    return jax.jit(lambda damping: emergence_time(ball(damping)))


def exponent(times):
    return fit_power_law(VARIANCE, times).exponent


@pytest.mark.slow
def test_strong_damping_is_gradient_flow():
    damping, taus = 1e7, jnp.asarray([0.0, 1e-2, 1.0, 30.0, jnp.inf])
    flow = OneLayer(cases.spectrum(VARIANCE), EDM(), 0.1, 1.0)
    np.testing.assert_allclose(
        generated_variance(ball(damping), damping * taus), generated_variance(flow, taus), rtol=1e-6
    )
    times = emergence_time(flow)
    np.testing.assert_allclose(compiled_emergence()(damping) / damping, times, rtol=1e-6)
    np.testing.assert_allclose(exponent(times), 1.0, atol=0.03)


@pytest.mark.slow
def test_weak_damping_makes_an_inverse_law_an_inverse_root_law():
    """α = ½ over three decades of λ; it changes where γ² is about 8ηλ."""
    weak, between = (exponent(compiled_emergence()(damping)) for damping in (1e-2, 1.0))
    np.testing.assert_allclose(weak, 0.5, atol=0.01)
    assert 0.6 < between < 0.9


def test_steps_with_momentum_follow_the_equation_to_second_order():
    """v ← μv + g, θ ← θ - εv in units h of time, against ψ at (n + ½)h."""
    sigma, variance, start, rate, damping, until = 0.5, np.array([2.0, 0.3]), 0.1, 0.7, 0.6, 3.0
    inputs, errors = variance + sigma**2, []
    for count in (200, 400):
        unit = until / (count + 0.5)
        momentum = (1 - damping * unit / 2) / (1 + damping * unit / 2)
        size = rate * (1 + momentum) * unit**2 / 2
        gain, velocity = np.full(2, start), np.zeros(2)
        for _ in range(count):
            velocity = momentum * velocity + 2 * (inputs * gain - variance)
            gain = gain - size * velocity
        denoiser = HeavyBall(cases.spectrum(variance), EDM(), start, rate, damping=damping)
        errors.append(np.abs(gain - denoiser.gain(until, sigma)).max())
    assert errors[1] < 1e-4
    assert 3.8 < errors[0] / errors[1] < 4.2


@pytest.mark.slow
def test_derivatives_through_quick_oscillations():
    """With respect to damping and training time, which are what an emergence time's derivatives are made of."""

    @jax.jit
    def moved(damping, tau):
        """Along both, as logarithms: by the chain rule, and by a central difference."""

        def answer(shift):
            return jnp.log(generated_variance(ball(damping * jnp.exp(shift[0])), tau * jnp.exp(shift[1])))

        steps = 1e-6 * jnp.asarray([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        slopes, values = jax.vmap(jax.jacfwd(lambda shift: 2 * (answer(shift),), has_aux=True))(steps)
        return slopes[0], (values[1:3] - values[3:]).T / 2e-6

    for damping in (0.4, 2.0):
        forward, difference = moved(damping, 12.0)
        np.testing.assert_allclose(forward, difference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("damping", "message"),
    [
        (0.0, "damping must be positive and finite; got 0"),
        (-1.0, "damping must be positive"),
        (np.inf, "must be positive"),
        ([1.0], "one number; got shape"),
    ],
)
def test_dampings_that_are_refused(damping, message):
    with pytest.raises(ValueError, match=message):
        ball(damping)


def test_a_traced_damping_outside_its_domain_is_nan():
    assert np.isnan(jax.jit(lambda damping: ball(damping).gain(1.0, 1.0))(-1.0)).all()


def test_single_precision():
    single = HeavyBall(cases.spectrum(VARIANCE.astype(np.float32)), EDM(), 0.1, 1.0, damping=0.8)
    generated = generated_variance(single, jnp.asarray([0.3, 5.0], jnp.float32))
    assert generated.dtype == np.float32
    exact = [compiled_variance(BALL)(jnp.asarray(0.8), jnp.asarray(tau)) for tau in (0.3, 5.0)]
    np.testing.assert_allclose(generated, exact, rtol=1e-4)
