"""Independent answers in NumPy and SciPy, sharing no code with `theory`.

Networks are trained as full matrices in the basis the data come in; samples are carried by the probability-flow ODE
as a full covariance matrix. Only `mode_*` use the eigenbasis: the solution of one scalar ODE per mode, valid for
complex arguments, so that `derivative` can differentiate it by a complex step, without any cancellation.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.special

# --- Forward processes: α, d ln α/dt, σ and D = σσ' - (d ln α/dt) σ², as functions of the process's own time ---


@dataclass(frozen=True)
class Process:
    """`interval` is where sampling starts and ends; `logarithmic` says that ln t is the variable to integrate in."""

    alpha: Callable
    rate: Callable
    sigma: Callable
    diffusion: Callable
    interval: tuple[float, float]
    prior_variance: float = 1.0
    logarithmic: bool = True

    @property
    def ends(self):
        return np.log(self.interval) if self.logarithmic else np.asarray(self.interval)

    def clock(self, u):
        """t and dt/du at the integration variable u."""
        return (np.exp(u), np.exp(u)) if self.logarithmic else (u, np.ones_like(u))


def variance_exploding(low, high):
    return Process(np.ones_like, np.zeros_like, lambda t: t, lambda t: t, (high, low), high**2)


def variance_preserving(alpha, decay, interval):
    """α(t) and β(t) = -d ln α/dt given; σ² = 1 - α² and D = β follow."""
    return Process(alpha, lambda t: -decay(t), lambda t: np.sqrt(1 - alpha(t) ** 2), decay, interval)


def linear_schedule(low, high):
    return (lambda t: np.exp(-low * t - (high - low) / 2 * t**2)), (lambda t: low + (high - low) * t)


def cosine_schedule(offset):
    def angle(t):
        return np.pi / 2 * (t + offset) / (1 + offset)

    slope = np.pi / 2 / (1 + offset)
    return (lambda t: np.cos(angle(t)) / np.cos(angle(0.0))), (lambda t: slope * np.tan(angle(t)))


def sigmoid_schedule(start, end):
    def squared(t):
        return (scipy.special.expit(end) - scipy.special.expit(start + (end - start) * t)) / (
            scipy.special.expit(end) - scipy.special.expit(start)
        )

    def decay(t):
        value = scipy.special.expit(start + (end - start) * t)
        return (end - start) * value * (1 - value) / 2 / (scipy.special.expit(end) - value)

    return (lambda t: np.sqrt(squared(t))), decay


LINEAR_INTERPOLATION = Process(
    lambda t: t, lambda t: 1 / t, lambda t: 1 - t, lambda t: (t - 1) / t, (0.0, 1.0), logarithmic=False
)


# --- Targets: y = c x_0 + e ε, and the map A of the probability flow dx/dt = A x that a network W for it defines ---


@dataclass(frozen=True)
class Target:
    coefficients: Callable  # (α, σ) -> (c, e)
    score: Callable | None  # (W, α, σ) -> the matrix S with ŝ(x) = S x; None where W itself is the drift

    def drift(self, process, t, weights, identity):
        """A(t) for one matrix W, or for gains per mode with 1 as identity."""
        if self.score is None:
            return weights
        score = self.score(weights, identity, process.alpha(t), process.sigma(t))
        return process.rate(t) * identity - process.diffusion(t) * score


DENOISED = Target(lambda a, s: (1.0, 0.0), lambda w, i, a, s: (a * w - i) / s**2)
NOISE = Target(lambda a, s: (0.0, 1.0), lambda w, i, a, s: -w / s)
SCORE = Target(lambda a, s: (0.0, -1 / s), lambda w, i, a, s: w)
# ε = σx + αv holds where α² + σ² = 1.
VELOCITY = Target(lambda a, s: (-s, a), lambda w, i, a, s: -(s * i + a * w) / s)
FLOW = Target(lambda a, s: (1.0, -1.0), None)


def moments(covariance, process, target, t):
    """E[x xᵀ] and E[y xᵀ] at times t of shape (n,): two stacks of matrices (n, d, d)."""
    alpha, sigma = (np.broadcast_to(f(t), np.shape(t))[..., None, None] for f in (process.alpha, process.sigma))
    signal, noise = target.coefficients(alpha, sigma)
    identity = np.eye(len(covariance))
    return (
        alpha**2 * covariance + sigma**2 * identity,
        alpha * signal * covariance + sigma * noise * identity,
    )


# --- Training in matrices ---


@dataclass(frozen=True)
class Network:
    """A parametrisation of the matrix W: its parameters for a given W, W of the parameters, and the chain rule.

    Parameters are matrices (..., d, d), or (..., layers, d, d). They follow dp/dτ = -rate(τ) ∂L/∂p.
    """

    initial: Callable  # W(0) -> parameters
    total: Callable  # parameters -> W
    pull_back: Callable  # (parameters, dL/dW) -> dL/dparameters
    mode: Callable | None  # (Q, h, s, ∫rate dτ) -> gain of a mode, with dL/dψ = 2(sψ - h); None where it is implicit
    rate: Callable = np.ones_like  # τ -> learning rate at τ, analytic, over the one that a denoiser is built with
    weights: Callable = lambda parameters: parameters  # without what moves beside them, a velocity say

    def start(self, initial, inputs):
        """Parameters of one network per matrix in `inputs` (n, d, d), all of them with W(0) = `initial`."""
        one = np.asarray(self.initial(initial))
        return np.broadcast_to(one, inputs.shape[:1] + one.shape)

    def gradient(self, parameters, inputs, cross):
        """Gradient of E|y - Wx|² = const + tr(W E[xxᵀ] Wᵀ) - 2 tr(W E[yxᵀ]ᵀ)."""
        return self.pull_back(parameters, 2 * (self.total(parameters) @ inputs - cross))

    def elapsed(self, time):
        """∫_0^τ rate(s) ds by Gauss-Legendre panels in ln(τ/s), for τ up to 1e200 and complex: τ's own shape."""
        time = np.asarray(time)
        return time * (self.rate(time[..., None] * _SHARES) @ _SHARE_WEIGHTS)


def _logarithmic_rule(panels=1120, width=0.5, nodes=12):
    """Nodes x = e^{-v} and weights for ∫_0^1 f(x) dx, with nodes down to 1e-243."""
    place, weight = np.polynomial.legendre.leggauss(nodes)
    shares = np.exp(-width * (np.arange(panels)[:, None] + (1 + place) / 2)).ravel()
    return shares, shares * np.tile(width * weight / 2, panels)


_SHARES, _SHARE_WEIGHTS = _logarithmic_rule()


def transposed(matrix):
    return np.swapaxes(matrix, -1, -2)


def mode_linear(initial, drive, input_variance, scaled_time):
    """ψ* + (Q - ψ*) e^{-x} with x = 2ητs, regrouped: ψ* = h/s is large for noise and score targets and would cancel."""
    exponent = 2 * scaled_time * input_variance
    return initial * np.exp(-exponent) + 2 * scaled_time * drive * averaged(exponent)


def mode_logistic(initial, drive, input_variance, scaled_time):
    """1/ψ relaxes linearly, d(1/ψ)/dτ = 8(s - h/ψ); written so that Q = 0 and h = 0 are ordinary numbers."""
    sign = np.where(np.real(drive) < 0, -1, 1)
    exponent = 8 * scaled_time * drive * sign
    decay = np.exp(-exponent) + 1e-300  # at Q = 0 the quotient must not become 0/0
    growth, loss = np.where(sign > 0, 1, decay), np.where(sign > 0, decay, 1)
    return initial * growth / (loss + 8 * scaled_time * input_variance * initial * averaged(exponent))


def averaged(x):
    """(1 - e^{-x})/x, by its series where a complex step would be lost in the quotient."""
    near = np.abs(x) < 0.5
    series = sum((-np.where(near, x, 0)) ** k / scipy.special.factorial(k + 1) for k in range(15))
    return np.where(near, series, -scipy.special.expm1(-x) / np.where(near, 1, x))


ONE_LAYER = Network(lambda w: w, lambda w: w, lambda w, gradient: gradient, mode_linear)
TIED = Network(
    lambda w: np.real(scipy.linalg.sqrtm(w)),
    lambda p: p @ transposed(p),
    lambda p, gradient: (gradient + transposed(gradient)) @ p,
    mode_logistic,
)


def heavy_ball(damping):
    """W'' + γW' = -∂L/∂W from rest, as the first-order system of W and its velocity."""

    def mode(initial, drive, inputs, time):
        # The two exponentials, in complex numbers: alike only at critical damping, which no test hits exactly.
        root = np.sqrt(damping**2 / 4 - 2 * inputs + 0j)
        fast, slow = damping / 2 + root, 2 * inputs / (damping / 2 + root)

        def kept(rate):
            return np.exp(-np.minimum(np.real(rate * time), 800) - 1j * np.imag(rate * np.minimum(np.real(time), 1e9)))

        swing = (fast * kept(slow) - slow * kept(fast)) / (fast - slow)
        return initial * np.real(swing) + drive / inputs * np.real(1 - swing)

    return Network(
        lambda w: np.stack([w, np.zeros_like(w)]),
        lambda p: p[..., 0, :, :],
        lambda p, gradient: np.stack([-p[..., 1, :, :], damping * p[..., 1, :, :] + gradient], axis=-3),
        mode,
        weights=lambda p: p[..., 0, :, :],
    )


def mode_imbalanced(initial, drive, input_variance, scaled_time, imbalance):
    """tanh of half the angle sinh⁻¹(2ψ/c_0) relaxes to its fixed point like a velocity adds in relativity; c_0 > 0."""
    rate = np.sqrt(drive**2 + (input_variance * imbalance / 2) ** 2)
    start = 2 * initial / (imbalance + np.sqrt(imbalance**2 + 4 * initial**2))
    shifted, gained = (drive * start + input_variance * imbalance / 2) / rate, np.tanh(2 * rate * scaled_time)
    half = (rate * (shifted + gained) / (1 + shifted * gained) - input_variance * imbalance / 2) / drive
    return imbalance * half / (1 - half**2)


def chained(layers):
    """W = W_L ⋯ W_1 of the layers (..., L, d, d), the last one first."""
    return functools.reduce(np.matmul, np.moveaxis(layers, -3, 0))


def chained_gradient(layers, gradient):
    """∂L/∂W_l = (what comes after)ᵀ ∂L/∂W (what comes before)ᵀ."""
    listed, identity = list(np.moveaxis(layers, -3, 0)), np.eye(layers.shape[-1])
    after = [functools.reduce(np.matmul, listed[:place], identity) for place in range(len(listed))]
    before = [functools.reduce(np.matmul, listed[place + 1 :], identity) for place in range(len(listed))]
    return np.stack([transposed(a) @ gradient @ transposed(b) for a, b in zip(after, before, strict=True)], axis=-3)


def untied(imbalance):
    """W = PQ with PᵀP - QQᵀ = c_0, from a symmetric W with eigenvalues ψ: p² = (c_0 + √(c_0² + 4ψ²))/2."""

    def initial(w):
        gain, basis = np.linalg.eigh(w)
        outer = np.sqrt((imbalance + np.sqrt(imbalance**2 + 4 * gain**2)) / 2)
        return np.stack([(basis * x) @ basis.T for x in (outer, gain / outer)])

    def mode(*arguments):
        if imbalance == 0:  # the logistic equation of a tied network, at half the rate
            return mode_logistic(*arguments[:3], arguments[3] / 2)
        return mode_imbalanced(*arguments, imbalance)

    return Network(initial, chained, chained_gradient, mode)


def balanced(depth):
    """W = W_L ⋯ W_1 with equal layers at first."""
    return Network(
        lambda w: np.stack(depth * [scipy.linalg.fractional_matrix_power(w, 1 / depth)]),
        chained,
        chained_gradient,
        None,
    )


def gradient_flow(network, inputs, cross, initial, times):
    """Parameters (times, n, ..., d, d) under gradient flow for n problems at once, by LSODA on one banded system."""
    start = network.start(initial, inputs)
    shape, block, state = start.shape, start[0].size, start.ravel()
    path, now = [], 0.0
    for time in times:
        if time > now:
            state = scipy.integrate.solve_ivp(
                lambda now, p: -network.rate(now) * network.gradient(p.reshape(shape), inputs, cross).ravel(),
                (now, time),
                state,
                method="LSODA",
                t_eval=[time],
                rtol=1e-11,
                atol=1e-14,
                lband=block - 1,
                uband=block - 1,
            ).y[:, -1]
            now = time
        path.append(state.reshape(shape))
    return np.asarray(path)


def linear_flow(inputs, cross, initial, time):
    """The same for one linear layer by matrix exponentials: W = W* + (W_0 - W*) e^{-2τ E[xxᵀ]}."""
    optimum = cross @ np.linalg.inv(inputs)
    return optimum + (initial - optimum) @ scipy.linalg.expm(-2 * time * inputs)


def gradient_descent(network, inputs, cross, initial, step, count):
    """Parameters after `count` steps of plain gradient descent on the matrices, at a constant rate."""
    parameters = network.start(initial, inputs)
    for _ in range(count):
        parameters = parameters - step * network.gradient(parameters, inputs, cross)
    return parameters


# --- Sampling in matrices ---

_PANELS, _NODES = 20, 12


def generated_covariance(network, covariance, process, target, initial, times):
    """Covariance of the samples from networks trained to each of `times`, (times, d, d).

    The networks are trained at Chebyshev nodes of the time of sampling; between them W is interpolated, and the
    Lyapunov equation dC/du = AC + CAᵀ of the probability flow is solved from the prior to the data.
    """
    start, end = process.ends
    edges = np.linspace(start, end, _PANELS + 1)
    reference = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    nodes = (edges[:-1, None] + edges[1:, None] + (edges[1:, None] - edges[:-1, None]) * reference) / 2
    inputs, cross = moments(covariance, process, target, process.clock(nodes.ravel())[0])
    weights = network.total(gradient_flow(network, inputs, cross, initial, times))
    weights = weights.reshape(len(times), _PANELS, _NODES, -1)
    coefficients = np.linalg.solve(np.polynomial.chebyshev.chebvander(reference, _NODES - 1), weights)
    return np.asarray([_transport(c, edges, process, target, len(covariance)) for c in coefficients])


def _transport(coefficients, edges, process, target, dimension):
    state = (process.prior_variance * np.eye(dimension)).ravel()
    for panel, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):

        def velocity(u, flat, panel=panel, low=low, high=high):
            basis = np.cos(np.arange(_NODES) * np.arccos(np.clip((2 * u - low - high) / (high - low), -1, 1)))
            t, speed = process.clock(u)
            weights = (basis @ coefficients[panel]).reshape(2 * (dimension,))
            drift = speed * target.drift(process, t, weights, np.eye(dimension))
            c = flat.reshape(2 * (dimension,))
            return (drift @ c + c @ drift.T).ravel()

        state = scipy.integrate.solve_ivp(
            velocity, (low, high), state, method="DOP853", t_eval=[high], rtol=1e-10, atol=1e-15
        ).y[:, -1]
    return state.reshape(2 * (dimension,))


# --- The same, mode by mode ---


def mode_gain(network, variance, process, target, initial, time, t):
    return _gain_after(network, variance, process, target, initial, network.elapsed(time), t)


def _gain_after(network, variance, process, target, initial, elapsed, t):
    alpha, sigma = process.alpha(t), process.sigma(t)
    signal, noise = target.coefficients(alpha, sigma)
    return network.mode(initial, alpha * signal * variance + sigma * noise, alpha**2 * variance + sigma**2, elapsed)


def generated_log_variance(network, variance, process, target, initial, time):
    """ln λ̃ = ln prior + 2∫A dt by adaptive Gauss-Kronrod quadrature; arguments broadcast and may be complex."""
    start, end = process.ends
    elapsed = network.elapsed(time)

    def integrand(u):
        t, speed = process.clock(u)
        gain = _gain_after(network, variance, process, target, initial, elapsed, t)
        return np.ravel(2 * speed * target.drift(process, t, gain, 1.0))

    shape = np.broadcast_shapes(np.shape(variance), np.shape(initial), np.shape(time))
    integral = scipy.integrate.quad_vec(integrand, start, end, epsabs=1e-11, epsrel=1e-12, norm="max", limit=400)
    return np.log(process.prior_variance) + integral[0].reshape(shape)


def derivative(function, *arguments, argument, scale=1e-30):
    """df/dx_i of an analytic function, Im f(x + ih)/h: exact to round-off."""
    arguments = list(arguments)
    step = scale * np.maximum(np.abs(arguments[argument]), 1e-200)
    arguments[argument] = arguments[argument] + 1j * step
    return np.imag(function(*arguments)) / step
