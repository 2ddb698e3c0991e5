"""Full-width circular convolution (Prop. 5.3): N-fold faster training, and a misprinted bracket."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step, gradient

sigma, eta, tau, variance, count = sp.symbols("sigma eta tau lambda N", positive=True)
start = sp.Symbol("gamma_0", real=True)

# Three pixels stand for N: filter w, W[i, j] = w[j - i] (cross-correlation), covariance any symmetric matrix.
SIZE = 3
taps = sp.symbols("w_0:3", real=True)
weights = sp.Matrix(SIZE, SIZE, lambda i, j: taps[(j - i) % SIZE])
covariance = sp.Matrix(SIZE, SIZE, lambda i, j: sp.Symbol(f"Sigma_{min(i, j)}{max(i, j)}", real=True))
loss = (weights * (covariance + sigma**2 * sp.eye(SIZE)) * weights.T - 2 * weights * covariance + covariance).trace()

shift = sp.Matrix(SIZE, SIZE, lambda i, j: int(j == (i + 1) % SIZE))
averaged = (covariance + shift * covariance * shift.T + shift**2 * covariance * shift.T**2) / SIZE

# Gains γ_k = Σ_j w_j e^{2πikj/3}, and likewise the spectrum λ_k from a row of the averaged covariance.
root = (-1 + sp.sqrt(3) * sp.I) / 2
fourier = sp.Matrix(SIZE, SIZE, lambda k, j: sp.expand(root ** ((k * j) % SIZE)))
gains = fourier * sp.Matrix(taps)
spectrum = fourier * averaged[0, :].T
gain_velocity = -eta * fourier * gradient(loss, sp.Matrix(taps))

optimum = variance / (variance + sigma**2)
gain = optimum + (start - optimum) * sp.exp(-2 * count * eta * tau * (variance + sigma**2))


def numeric(lam: float, noise_level: float, learning_rate: float, initial: float, time: float, n: int) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.full_width_convolution import FullWidthConvolution

    spectrum = Spectrum.from_variances(jnp.full(n, lam))
    denoiser = FullWidthConvolution(spectrum, EDM(), initial_gain=initial, learning_rate=learning_rate)
    return denoiser.gain(jnp.asarray(time), jnp.asarray(noise_level))[0]


DERIVATION = Derivation(
    name="full_width_convolution",
    title="Full-width circular convolution",
    source="Wang & Pehlevan 2025, Prop. 5.3 and App. G.3.2",
    statement=(
        r"A circular filter over all $N$ pixels, loss summed over pixels, has the gains $\gamma_k = \gamma_k^* + "
        r"(\gamma_k(0) - \gamma_k^*)e^{-2N\eta\tau(\lambda_k + \sigma^2)}$, $\gamma^*_k = \lambda_k/(\lambda_k + "
        r"\sigma^2)$, with $\lambda_k$ the spectrum of the covariance averaged over shifts."
    ),
    steps=(
        Step(
            r"Only the shift average $\frac1N\sum_j S^j\Sigma S^{-j}$ enters the loss, for any covariance.",
            loss
            - (weights * (averaged + sigma**2 * sp.eye(SIZE)) * weights.T - 2 * weights * averaged + averaged).trace(),
        ),
        Step(
            r"Its gradient flow is diagonal in frequency and $N$ times as fast as that of a full matrix.",
            sp.Matrix(
                [
                    gain_velocity[k] + 2 * SIZE * eta * ((spectrum[k] + sigma**2) * gains[k] - spectrum[k])
                    for k in range(SIZE)
                ]
            ),
        ),
        Step(
            r"The solution satisfies $\dot\gamma = -2N\eta[(\lambda + \sigma^2)\gamma - \lambda]$.",
            sp.diff(gain, tau) + 2 * count * eta * ((variance + sigma**2) * gain - variance),
        ),
        Step(r"It starts at $\gamma(0)$.", gain.subs(tau, 0) - start),
    ),
    formula=gain,
    domain={
        variance: (0.01, 10.0),
        sigma: (0.01, 10.0),
        eta: (0.1, 2.0),
        start: (-1.0, 2.0),
        tau: (0.001, 1.0),
        count: range(5, 7),
    },
    numeric=numeric,
    misprint=Misprint(
        note=r"Prop. 5.3 prints $\gamma_k(\tau)$ for $\gamma_k(0)$ inside the bracket; the only solution of that "
        r"equation is $\gamma_k = \gamma_k^*$ at all times.",
        printed=optimum,
        corrected=gain,
        at={variance: 1, sigma: 1, eta: 1, start: 0, tau: sp.Rational(1, 100), count: 8},
    ),
)
