"""Patch convolution (Prop. 5.4), and its generated spectrum in closed form."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step, gradient
from theory.derivations.one_layer_variance import formula as one_layer_variance
from theory.derivations.one_layer_variance import gain as one_layer_gain
from theory.derivations.one_layer_variance import log_variance
from theory.derivations.one_layer_variance import variance as mode

sigma, low, high, eta, tau = sp.symbols("sigma sigma_0 sigma_T eta tau", positive=True)
start, angle = sp.symbols("Q phi", real=True)
rho = sp.symbols("rho_0:3", real=True)  # autocovariance at distances 0, 1, 2
size, frequency = sp.symbols("N k", positive=True)

# Width 3 on a ring of 6 pixels. Pixel i predicts its centre from pixels i-1, i, i+1.
PIXELS = 6
taps = sp.symbols("w_m w_0 w_p", real=True)
acf = [*rho, sp.Symbol("rho_3", real=True)]
ring = sp.Matrix(PIXELS, PIXELS, lambda i, j: acf[min((i - j) % PIXELS, (j - i) % PIXELS)])
weights = sp.zeros(PIXELS)
for pixel in range(PIXELS):
    for position, tap in enumerate(taps):
        weights[pixel, (pixel + position - 1) % PIXELS] += tap
loss = (weights * (ring + sigma**2 * sp.eye(PIXELS)) * weights.T - 2 * weights * ring + ring).trace()
filter_gradient = gradient(loss, sp.Matrix(taps))
patch = sp.Matrix(3, 3, lambda i, j: rho[abs(i - j)])
centre = sp.Matrix([0, 1, 0])

# Eigenvalues ν± of the even block [[ρ_0, √2ρ_1], [√2ρ_1, ρ_0 + ρ_2]] in the basis (e_0, (e_-1 + e_1)/√2); the odd
# eigenvector (1, 0, -1)/√2 vanishes at the centre.
split = sp.sqrt(rho[2] ** 2 / 4 + 2 * rho[1] ** 2)
nu = [rho[0] + rho[2] / 2 + sign * split for sign in (1, -1)]
# Share a_jk = v̂_j(k) v_j(0), from the projectors (block - ν_other)/(ν_j - ν_other).
shares = [sign * (nu[j] - rho[0] - rho[2] + 2 * rho[1] * sp.cos(angle)) / (2 * split) for j, sign in ((0, 1), (1, -1))]

variance, total_rate = sp.symbols("nu c", positive=True)
one_mode = variance / (variance + sigma**2)
one_mode = one_mode + (start - one_mode) * sp.exp(-total_rate * (variance + sigma**2))

# A filter flow from Q e_0: w(τ) = f(Σ_patch) e_0 with f the gain of one layer at rate N.
relaxed = (patch + sigma**2 * sp.eye(3)).inv() * patch * centre
along = sp.Symbol("v_0", real=True)  # v_j(0), component of e_0 on the eigenvector
component = along * one_mode

gammas = [one_layer_variance.subs({mode: value, eta: size * eta}) for value in nu]
formula = sp.exp(sum(share * sp.log(value) for share, value in zip(shares, gammas, strict=True)))
formula = formula.subs(angle, 2 * sp.pi * frequency / size)


def _filter_gain(values: list[sp.Expr]) -> sp.Expr:
    """Gain at angle φ of the filter f(Σ_patch)e_0, given f at the two even eigenvalues."""
    even = sp.Matrix([[rho[0], sp.sqrt(2) * rho[1]], [sp.sqrt(2) * rho[1], rho[0] + rho[2]]])
    projectors = [(even - nu[1] * sp.eye(2)) / (nu[0] - nu[1]), (even - nu[0] * sp.eye(2)) / (nu[1] - nu[0])]
    column = (values[0] * projectors[0] + values[1] * projectors[1]) * sp.Matrix([1, 0])
    # Taps w_0 and w_±1 = column_1/√2 each.
    return column[0] + 2 * (column[1] / sp.sqrt(2)) * sp.cos(angle)


excess = sp.diff(log_variance(sigma), sigma) - 2 * (1 - one_layer_gain) / sigma
f_plus, f_minus = sp.symbols("f_+ f_-", real=True)


def numeric(
    rho_0: float,
    rho_1: float,
    rho_2: float,
    initial: float,
    learning_rate: float,
    time: float,
    sigma_min: float,
    sigma_max: float,
    n: int,
    k: int,
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.spectral_law.parametrisations.patch_convolution import PatchConvolution

    distances = jnp.minimum(jnp.arange(n), n - jnp.arange(n))
    # Beyond the patch the autocovariance is never seen.
    acf = jnp.where(distances == 0, rho_0, jnp.where(distances == 1, rho_1, jnp.where(distances == 2, rho_2, 0.0)))
    process = EDM(sigma_min, sigma_max)
    denoiser = PatchConvolution.from_autocovariance(
        acf, width=3, process=process, initial_gain=initial, learning_rate=learning_rate
    )
    return denoiser.generated_variance(jnp.asarray(time))[k]


DERIVATION = Derivation(
    name="patch_convolution",
    title="Patch convolution and its generated spectrum",
    source="Wang & Pehlevan 2025, Prop. 5.4; the spectrum of App. G.4 in closed form is this project's",
    statement=(
        r"$\dot w = -2N\eta[(\Sigma_{patch} + \sigma^2)w - \Sigma_{patch}e_0]$, so that with $\Sigma_{patch} = \sum_j "
        r"\nu_j v_jv_j^\top$ and $w(0) = Qe_0$ frequency $k$ has the gain $\sum_j a_{jk}\psi(\nu_j)$, $a_{jk} = "
        r"\hat v_j(k)v_j(0)$, $\sum_j a_{jk} = 1$, with $\psi$ the one-layer gain at rate $N\eta$. Hence "
        r"$\ln\tilde\lambda_k = \sum_j a_{jk}\ln\tilde\lambda(\nu_j)$ with Prop. 4.2's $\tilde\lambda$ at rate $N\eta$."
    ),
    steps=(
        Step(
            r"Width 3 on 6 pixels: the gradient is $2N[(\Sigma_{patch} + \sigma^2)w - \Sigma_{patch}e_0]$.",
            filter_gradient - 2 * PIXELS * ((patch + sigma**2 * sp.eye(3)) * sp.Matrix(taps) - patch * centre),
        ),
        Step(
            r"Its zero is $w^* = (\Sigma_{patch} + \sigma^2)^{-1}\Sigma_{patch}e_0$.",
            filter_gradient.subs(dict(zip(taps, list(relaxed), strict=True))),
        ),
        Step(
            r"Component on $v_j$: $v_j(0)\psi(\nu_j)$ satisfies the flow",
            sp.diff(component, total_rate) + (variance + sigma**2) * component - variance * along,
        ),
        Step(r"and starts at $Qv_j(0)$.", component.subs(total_rate, 0) - start * along),
        Step(
            r"$\nu_\pm$ and $\rho_0 - \rho_2$ are the eigenvalues of the patch covariance.",
            sp.expand(
                (patch - variance * sp.eye(3)).det()
                - (nu[0] - variance) * (nu[1] - variance) * (rho[0] - rho[2] - variance)
            ),
        ),
        Step(
            r"The gain of $f(\Sigma_{patch})e_0$ is $\sum_j a_{jk}f(\nu_j)$, for any $f$.",
            _filter_gain([f_plus, f_minus]) - shares[0] * f_plus - shares[1] * f_minus,
        ),
        Step(r"$\sum_j a_{jk} = 1$.", shares[0] + shares[1] - 1),
        Step(
            r"$\sum_j a_{jk}\ln\tilde\lambda(\nu_j)$ solves $d\ln x^2/d\sigma = 2(1 - \gamma_k)/\sigma$.",
            sum((share * excess.subs(mode, value) for share, value in zip(shares, nu, strict=True)), sp.S.Zero),
        ),
        Step(
            r"$\tau,\sigma_T\to\infty$: $\ln\tilde\lambda_k$ is the Fourier transform of $\ln(\Sigma_{patch} + "
            r"\sigma_0^2)e_0$, a trigonometric polynomial of the patch's degree.",
            sp.diff(shares[0] * f_plus + shares[1] * f_minus, angle, 3)
            + sp.diff(shares[0] * f_plus + shares[1] * f_minus, angle),
        ),
    ),
    formula=formula,
    domain={
        rho[0]: (1.0, 3.0),
        rho[1]: (-0.5, 0.5),
        rho[2]: (-0.3, 0.3),
        start: (-0.5, 1.5),
        eta: (0.1, 1.0),
        tau: (0.001, 1.0),
        low: (0.002, 0.1),
        high: (5.0, 80.0),
        size: range(6, 8),
        frequency: range(0, 5),
    },
    numeric=numeric,
)
