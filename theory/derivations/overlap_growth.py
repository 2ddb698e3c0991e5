"""Tied layers that start out of line with the data: overlap of two modes, to first order."""

from typing import Any

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step, gradient

eta, tau, sigma = sp.symbols("eta tau sigma", positive=True)
lam_k, lam_m, s_k, s_m, q_k, q_m = sp.symbols("lambda_k lambda_m s_k s_m Q_k Q_m", positive=True)
overlap, small = sp.symbols("C epsilon", real=True)
psi_k, psi_m = sp.symbols("psi_k psi_m", positive=True)

variances, totals = sp.diag(lam_k, lam_m), sp.diag(s_k, s_m)
factor = sp.Matrix(2, 2, sp.symbols("p_11 p_12 p_21 p_22", real=True))
product = factor * factor.T
loss = (product * totals * product - 2 * product * variances).trace()
velocity = -eta * gradient(loss, factor)


def growth(matrix: sp.MatrixBase) -> Any:
    """dC/dτ of C = P Pᵀ in mode coordinates."""
    square = totals * matrix**2 + 2 * matrix * totals * matrix + matrix**2 * totals
    return 4 * eta * (variances * matrix + matrix * variances) - 2 * eta * square


perturbed = sp.Matrix([[psi_k, small * overlap], [small * overlap, psi_m]])
first_order = growth(perturbed).diff(small).subs(small, 0)[0, 1]
rate = 4 * eta * (lam_k + lam_m) - 2 * eta * ((3 * s_k + s_m) * psi_k + (s_k + 3 * s_m) * psi_m)


def denominator(lam: sp.Expr, total: sp.Expr, start: sp.Expr) -> sp.Expr:
    return 1 + total * start / lam * (sp.exp(8 * eta * lam * tau) - 1)


def tied_gain(lam: sp.Expr, total: sp.Expr, start: sp.Expr) -> sp.Expr:
    return start * sp.exp(8 * eta * lam * tau) / denominator(lam, total, start)


d_k, d_m = denominator(lam_k, s_k, q_k), denominator(lam_m, s_m, q_m)
log_overlap = (
    4 * eta * (lam_k + lam_m) * tau
    - (3 * s_k + s_m) / (4 * s_k) * sp.log(d_k)
    - (s_k + 3 * s_m) / (4 * s_m) * sp.log(d_m)
)
gains = {psi_k: tied_gain(lam_k, s_k, q_k), psi_m: tied_gain(lam_m, s_m, q_m)}
learned = {psi_k: lam_k / s_k, psi_m: lam_m / s_m}
decay_rate = -2 * eta * (s_k + s_m) * (lam_k / s_k + lam_m / s_m)
formula = (overlap * sp.exp(log_overlap)).subs({s_k: lam_k + sigma**2, s_m: lam_m + sigma**2})


def numeric(
    lam_first: float,
    lam_second: float,
    noise_level: float,
    learning_rate: float,
    start_first: float,
    start_second: float,
    initial: float,
    time: float,
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.misaligned_two_layer import MisalignedTwoLayer

    spectrum = Spectrum.from_variances(jnp.array([lam_first, lam_second]))
    overlaps = jnp.array([[start_first, initial], [initial, start_second]])
    denoiser = MisalignedTwoLayer(spectrum, EDM(), overlaps, learning_rate)
    return denoiser.weights(jnp.asarray(time), jnp.asarray(noise_level))[0, 1]


DERIVATION = Derivation(
    name="overlap_growth",
    title="Rise and fall of the overlap of two modes",
    source="Wang & Pehlevan 2025, App. E.1.2",
    statement=(
        r"To first order in $C_{km} = q_k\cdot q_m$, $C_{km}(\tau) = C_{km}(0)e^{4\eta(\lambda_k + \lambda_m)\tau}"
        r"D_k^{-(3s_k + s_m)/4s_k}D_m^{-(s_k + 3s_m)/4s_m}$, $D_k = 1 + \frac{s_kQ_k}{\lambda_k}(e^{8\eta\lambda_k"
        r"\tau} - 1)$: it rises at $4\eta(\lambda_k + \lambda_m)$ and decays at $2\eta(s_k + s_m)(\psi_k^* + "
        r"\psi_m^*)$."
    ),
    steps=(
        Step(
            r"Gradient flow of $P$ gives $\dot C = 4\eta(\Lambda C + C\Lambda) - 2\eta(SC^2 + 2CSC + C^2S)$.",
            velocity * factor.T + factor * velocity.T - growth(product),
        ),
        Step(
            r"To first order the diagonal is that of the aligned network,",
            sp.Matrix(
                [
                    growth(perturbed)[i, i].subs(small, 0) - 8 * eta * psi * (lam - s * psi)
                    for i, (psi, lam, s) in enumerate([(psi_k, lam_k, s_k), (psi_m, lam_m, s_m)])
                ]
            ),
        ),
        Step(
            r"unchanged at that order,",
            sp.Matrix([growth(perturbed)[i, i].diff(small).subs(small, 0) for i in range(2)]),
        ),
        Step(
            r"and $\dot C_{km} = C_{km}\{4\eta(\lambda_k + \lambda_m) - 2\eta[(3s_k + s_m)\psi_k + (s_k + "
            r"3s_m)\psi_m]\}$.",
            first_order - rate * overlap,
        ),
        Step(r"$\dot D_k = 8\eta s_k\psi_kD_k$.", sp.diff(d_k, tau) - 8 * eta * s_k * tied_gain(lam_k, s_k, q_k) * d_k),
        Step(r"The stated $C_{km}(\tau)$ has this rate.", sp.diff(log_overlap, tau) - rate.subs(gains)),
        Step(r"It starts at $C_{km}(0)$.", log_overlap.subs(tau, 0)),
        Step(
            r"Both modes unlearned: it rises at $4\eta(\lambda_k + \lambda_m)$.",
            rate.subs({psi_k: 0, psi_m: 0}) - 4 * eta * (lam_k + lam_m),
        ),
        Step(
            r"Both learned: it decays at $2\eta(s_k + s_m)(\psi_k^* + \psi_m^*)$ for an EDM denoiser.",
            (rate.subs(learned) - decay_rate),
        ),
    ),
    formula=formula,
    domain={
        lam_k: (0.1, 5.0),
        lam_m: (0.1, 5.0),
        sigma: (0.1, 5.0),
        eta: (0.1, 2.0),
        q_k: (0.2, 1.0),
        q_m: (0.2, 1.0),
        overlap: (-0.1, 0.1),
        tau: (0.01, 1.0),
    },
    numeric=numeric,
)
