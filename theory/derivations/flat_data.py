"""How thick one layer makes what has no thickness, and how the denoised point moves along a sampling trajectory."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Ein, Step

sigma, low, high, eta, tau, rate = sp.symbols("sigma sigma_0 sigma_T eta tau c", positive=True)
start = sp.symbols("Q", real=True)
gain = start * sp.exp(-rate * sigma**2)

# ln λ̃ from σ on.
above = start * (2 * sp.log(sigma) - Ein(rate * sigma**2))
log_variance = 2 * sp.log(low) + above.subs(sigma, high) - above.subs(sigma, low)
limit = 2 * sp.log(low) - start * (sp.EulerGamma + sp.log(rate * low**2) - Ein(rate * low**2))
tail = -sp.Ei(-rate * high**2)

# A balanced network: ψ = Q (1 + cσ²/p)^-p solves ψ' = -2ηL ψ^{3 - 2/L} σ², at L = 3, p = 3/4.
depth = sp.Integer(3)
power, layered_rate = depth / (2 * (depth - 1)), 2 * eta * depth * tau
positive_start = sp.symbols("Q_3", positive=True)
layered = positive_start * (1 + layered_rate * positive_start ** (2 - 2 / depth) * sigma**2 / power) ** -power

# Two points ±a on a line: D = a tanh(ax/σ²), with the variance and the third moment of what is left.
x, a = sp.symbols("x a", positive=True)
denoised = a * sp.tanh(a * x / sigma**2)
covariance = a**2 - denoised**2
third = -2 * denoised * covariance  # E(x_0 - D)³
along = sp.diff(denoised, sigma) + sp.diff(denoised, x) * (x - denoised) / sigma


def numeric(initial: float, learning_rate: float, time: float, sigma_min: float, sigma_max: float) -> jax.Array:
    from theory.sampling_questions.geometry import flat_variance

    return jnp.log(flat_variance(learning_rate * time, initial, sigma_min, sigma_max))


DERIVATION = Derivation(
    name="flat_data",
    title="Thickness normal to flat data, and the denoising trajectory",
    source="this project; mean shift: Chen et al. 2023",
    statement=(
        r"Along a direction without data one layer on EDM has $\psi = Qe^{-c\sigma^2}$, $c = 2\eta\tau$, and generates "
        r"$\ln\tilde\lambda = 2\ln\sigma_0 + Q[2\ln(\sigma_T/\sigma_0) - \mathrm{Ein}(c\sigma_T^2) + "
        r"\mathrm{Ein}(c\sigma_0^2)]$. Along the probability-flow ODE $dD/d\sigma = \sigma^{-3}\{-\mathrm{Cov}(x_0|x)"
        r"(x - D) + \mathrm E[(x_0 - D)|x_0 - D|^2|x]\}$."
    ),
    steps=(
        Step(
            r"$d\ln\tilde\lambda/d\ln\sigma = 2\psi$ but for the prior, whose $2\ln\sigma_T$ is what $2(1 - \psi)$ "
            r"takes from.",
            sp.simplify(sigma * sp.diff(above, sigma) - 2 * gain),
        ),
        Step(r"It is $2\ln\sigma_0$ where there is no gain.", log_variance.subs(start, 0) - 2 * sp.log(low)),
        Step(
            r"The limit $\sigma_T\to\infty$ is $QE_1(c\sigma_T^2)$ too large.",
            sp.expand_log(sp.expand((limit - log_variance - start * tail).rewrite(sp.Ei).expand()), force=True),
        ),
        Step(
            r"Balanced layers: $\psi = Q(1 + c\sigma^2/p)^{-p}$, here $L = 3$, solves $\psi' = -2\eta L\psi^{3 - 2/L}"
            r"\sigma^2$.",
            sp.powsimp(
                sp.simplify(sp.diff(layered, tau) / (-2 * eta * depth * sigma**2 * layered ** (3 - 2 / depth))) - 1
            ),
        ),
        Step(
            r"Two points: $\frac{dD}{d\sigma}$ along $dx/d\sigma = (x - D)/\sigma$ is that of the moments.",
            sp.simplify(along - (third - covariance * (x - denoised)) / sigma**3),
        ),
    ),
    formula=log_variance.subs(rate, 2 * eta * tau),
    domain={start: (-0.5, 1.5), eta: (0.1, 1.0), tau: (0.01, 100.0), low: (0.002, 0.1), high: (5.0, 80.0)},
    numeric=numeric,
)
