"""Small-noise limit of the generated distribution: the fluctuation determinant is already in the path integral."""

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step

t, variance, strength, low, high = sp.symbols("t lambda kappa epsilon T", positive=True)
x_0, x_T = sp.symbols("x_0 x_T", real=True)
phi, gamma, prior = sp.symbols("Phi Gamma S_T", positive=True)

total = variance + t**2
# V = κ D C D δ(t - t') with D = t and C = t^-2 - (λ + t²)^-1 (naive V-kernel, Prop. 4.1; C of a Gaussian).
intensity = t**2 * (1 / t**2 - 1 / total)
antiderivative = t / (2 * variance * total) + sp.atan(t / sp.sqrt(variance)) / (2 * variance ** sp.Rational(3, 2))
collected = antiderivative.subs(t, high) - antiderivative
generated = total * (1 + strength * variance * collected)
carried = sp.sqrt((variance + low**2) / (variance + high**2))
noise = variance * (variance + low**2) * collected.subs(t, low)


def normal(x: sp.Expr, var: sp.Expr) -> sp.Expr:
    return sp.exp(-(x**2) / (2 * var)) / sp.sqrt(2 * sp.pi * var)


action = (x_0 - phi * x_T) ** 2 / (2 * gamma)
hessian = sp.diff(action, x_T, 2) / strength
# Completing the square in x_T: joint exponent = exponent of the marginal + precision (x_T - x̂)²/2.
joint_variance = phi**2 * prior + strength * gamma
precision = phi**2 / (strength * gamma) + 1 / prior
best = phi * x_0 / (strength * gamma) / precision

values = {phi: carried, gamma: noise, prior: variance + high**2}
exact = normal(x_0, joint_variance.subs(values))
printed = normal(x_0, variance + low**2) / sp.sqrt(hessian.subs(values))

DERIVATION = Derivation(
    name="semiclassical",
    title="Semiclassical limit",
    source="Vastola 2025, Eq. 18 and App. K",
    statement=(
        r"$[q(x_0)] = p(x_0|\epsilon) + O(\kappa)$; for a linear flow exactly $q = \mathcal N(0, \Phi S_T\Phi^\top + "
        r"\kappa\Gamma)$, $\Gamma = \iint\Phi_tV\Phi_{t'}^\top/\kappa$. Eq. 18 multiplies $p(x_0|\epsilon)$ by "
        r"$\det(\partial^2_{x_T}S_{cl}/\kappa)^{-1/2}$, a factor that the integral over $x_T$ has already used up, so "
        r"that it tends to zero like $\kappa^{1/2}$ per dimension."
    ),
    steps=(
        Step(
            r"Gaussian data, $\alpha = 1$, $\sigma = t$: $DCD = \lambda/(\lambda + t^2)$.", intensity - variance / total
        ),
        Step(
            r"$dv/dt = 2tv/(\lambda + t^2) - \kappa DCD$ from $T$ down is solved by the stated variance,",
            sp.diff(generated, t) - 2 * t / total * generated + strength * variance / total,
        ),
        Step(r"which starts at the prior's $\lambda + T^2$", generated.subs(t, high) - (variance + high**2)),
        Step(r"and is $\Phi^2S_T + \kappa\Gamma$ at $\epsilon$.", joint_variance.subs(values) - generated.subs(t, low)),
        Step(
            r"The same from the path integral, $\int dx_Tp(x_T)e^{-S/\kappa}/\sqrt{2\pi\kappa\Gamma}$: completing the "
            r"square leaves the exponent $-x_0^2/2(\Phi^2S_T + \kappa\Gamma)$,",
            action / strength
            + x_T**2 / (2 * prior)
            - precision * (x_T - best) ** 2 / 2
            - x_0**2 / (2 * joint_variance),
        ),
        Step(
            r"and the prefactor $1/\sqrt{2\pi(\Phi^2S_T + \kappa\Gamma)}$.",
            1 / (prior * strength * gamma * precision) - 1 / joint_variance,
        ),
        Step(
            r"Laplace's method: $\sqrt{2\pi}$ times (Hessian)$^{-1/2}$ over $\sqrt{2\pi\kappa\Gamma}$ is $1/\Phi$, the "
            r"Jacobian that turns $p(x_T)$ into $p(x_0|\epsilon)$. Nothing is left over.",
            sp.sqrt(2 * sp.pi / hessian) / sp.sqrt(2 * sp.pi * strength * gamma) - 1 / phi,
        ),
        Step(r"$\kappa\to0$: $q\to p(x_0|\epsilon)$,", exact.subs(strength, 0) - normal(x_0, variance + low**2)),
        Step(r"while Eq. 18 tends to zero,", sp.limit(1 / sp.sqrt(hessian), strength, 0)),
        Step(r"like $\sqrt\kappa$.", sp.diff(sp.log(1 / sp.sqrt(hessian)), strength) * strength - sp.Rational(1, 2)),
    ),
    formula=generated.subs(t, low),
    domain={variance: (0.1, 3.0), strength: (0.001, 1.0), low: (0.01, 0.1), high: (1.0, 10.0)},
    misprint=Misprint(
        note=r"Eq. 18 at $\kappa = 10^{-3}$: Gaussian data of variance 1, naive V-kernel, $t$ from 10 to 0.01, at "
        r"$x_0 = 0$.",
        printed=printed,
        corrected=exact,
        at={variance: 1, strength: sp.Rational(1, 1000), low: sp.Rational(1, 100), high: 10, x_0: 0},
    ),
)
