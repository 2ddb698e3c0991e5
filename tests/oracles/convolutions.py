"""Convolutions trained and sampled in pixels, in NumPy and SciPy, sharing no code with `theory`.

Everything starts from the N×N covariance of the data, stationary or not, and from the N×N matrices S_o that carry the
pixel at offset o to the pixel itself: W = Σ_o w(o) S_o. Sums over pixels are written out. All of it is analytic in the
covariance, so that it can be differentiated by a complex step.
"""

import numpy as np
import scipy.integrate
import scipy.linalg

from tests.oracles import matrices as oracles


def shifts(grid, widths):
    """S_o for every tap in row order, (taps, N, N): entry (i, i + o) is one, o = j - width // 2 for tap j."""
    places = list(np.ndindex(*grid))
    result = []
    for tap in np.ndindex(*widths):
        matrix = np.zeros(2 * (len(places),))
        for row, place in enumerate(places):
            there = tuple((p + j - k // 2) % n for p, j, k, n in zip(place, tap, widths, grid, strict=True))
            matrix[row, places.index(there)] = 1
        result.append(matrix)
    return np.asarray(result)


def stationary_covariance(autocovariance):
    """Entry (i, i + o) is r(o)."""
    grid = np.shape(autocovariance)
    return np.stack([np.roll(autocovariance, place, tuple(range(len(grid)))).ravel() for place in np.ndindex(*grid)])


def random_autocovariance(grid, seed=0, samples=3):
    """Of a few random samples, all modes excited."""
    x = np.random.default_rng(seed).normal(size=(samples, *grid))
    axes = tuple(range(1, x.ndim))
    return np.fft.ifftn((np.abs(np.fft.fftn(x, axes=axes)) ** 2).mean(axis=0) / np.prod(grid)).real


class Convolution:
    """The filter of one linear convolution: gradient of E|y - Wx|² summed over pixels, flow, steps, samples."""

    def __init__(self, covariance, grid, widths, process, target, weight=lambda t: 1.0):
        self.shifts, self.covariance = shifts(grid, widths), covariance
        self.process, self.target, self.weight = process, target, weight
        identity = np.eye(len(covariance))
        # Gradient with respect to w(o): Σ over entries of dL/dW ∘ S_o, for the two matrices that W multiplies.
        self.hessian = [self.pull_back(2 * self.shifts @ m).T for m in (covariance, identity)]
        self.drive = [self.pull_back(2 * m) for m in (covariance, identity)]

    def pull_back(self, matrices):
        return np.einsum("...ij,oij->...o", matrices, self.shifts)

    def map(self, taps):
        return np.einsum("...o,oij->...ij", taps, self.shifts)

    def gradient(self, taps, t):
        """From the matrices themselves, without the precomputed Hessian."""
        inputs, cross = (m[0] for m in oracles.moments(self.covariance, self.process, self.target, np.asarray([t])))
        return self.weight(t) * self.pull_back(2 * (self.map(taps) @ inputs - cross))

    def flow(self, initial, times, t):
        """Filters (times, taps) after gradient flow, by matrix exponentials."""
        alpha, sigma = self.process.alpha(t), self.process.sigma(t)
        signal, noise = self.target.coefficients(alpha, sigma)
        hessian = alpha**2 * self.hessian[0] + sigma**2 * self.hessian[1]
        optimum = np.linalg.solve(hessian, alpha * signal * self.drive[0] + sigma * noise * self.drive[1])
        # Beyond e^-800 nothing is left; the matrix exponential would lose digits to its norm.
        slowest = self.weight(t) * np.linalg.eigvalsh(np.real(hessian))[0]
        finite = np.minimum(self.weight(t) * np.asarray(times), 800 * self.weight(t) / slowest)
        return optimum + (scipy.linalg.expm(-finite[:, None, None] * hessian) @ (initial - optimum))

    def flow_by_integration(self, initial, time, t):
        return scipy.integrate.solve_ivp(
            lambda _, taps: -self.gradient(taps, t), (0, time), initial, method="LSODA", rtol=1e-11, atol=1e-13
        ).y[:, -1]

    def descent(self, initial, step, count, t):
        taps = np.asarray(initial)
        for _ in range(count):
            taps = taps - step * self.gradient(taps, t)
        return taps

    def log_variance(self, initial, times, modes):
        """ln λ̃ of the samples in each mode (columns of `modes`), by quadrature: circulant matrices commute."""
        start, end = self.process.ends
        symbols = np.einsum("ik,oij,jk->ok", modes, self.shifts, modes)

        def integrand(u):
            t, speed = self.process.clock(u)
            gain = self.flow(initial, times, t) @ symbols
            return np.ravel(2 * speed * self.target.drift(self.process, t, gain, 1.0))

        integral = scipy.integrate.quad_vec(integrand, start, end, epsabs=1e-11, epsrel=1e-12, norm="max", limit=400)
        return np.log(self.process.prior_variance) + integral[0].reshape(len(times), -1)

    def generated_covariance(self, initial, time):
        """The same in pixels, from dC/du = AC + CAᵀ."""
        size = len(self.covariance)

        def velocity(u, flat):
            t, speed = self.process.clock(u)
            trained = self.map(self.flow(initial, [time], t)[0])
            drift = speed * self.target.drift(self.process, t, trained, np.eye(size))
            covariance = flat.reshape(size, size)
            return (drift @ covariance + covariance @ drift.T).ravel()

        state = (self.process.prior_variance * np.eye(size)).ravel()
        path = scipy.integrate.solve_ivp(velocity, self.process.ends, state, method="DOP853", rtol=1e-10, atol=1e-15)
        return path.y[:, -1].reshape(size, size)
