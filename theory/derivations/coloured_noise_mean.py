"""Noise that is correlated in time shifts the mean of the generated samples."""

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step

t, strength = sp.symbols("t kappa", positive=True)
z = sp.Symbol("z", real=True)

path: sp.Expr = 2 * (sp.exp(z * t / 2) - 1)
density = sp.exp(-(z**2) / (2 * strength)) / sp.sqrt(2 * sp.pi * strength)
shifted = sp.exp(-((z - strength * t / 2) ** 2) / (2 * strength)) / sp.sqrt(2 * sp.pi * strength)
factor = sp.exp(strength * t**2 / 8)
mean = 2 * (factor - 1)

DERIVATION = Derivation(
    name="coloured_noise_mean",
    title="Coloured noise has a mean",
    source="Vastola 2025, Prop. 3.1 and App. J.4",
    statement=(
        r"$\dot x = (1 + x/2)z$, $x(0) = 0$, one $z\sim\mathcal N(0,\kappa)$ per path: noise of covariance "
        r"$\kappa(1 + x/2)(1 + x'/2)$ about the flow $\dot x = 0$. Its mean is $2(e^{\kappa t^2/8} - 1)$, not 0: paths "
        r"follow the probability-flow ODE on average only if the noise is white ($V\propto\delta(t - t')$) or does not "
        r"depend on $x$."
    ),
    steps=(
        Step(r"$x(t) = 2(e^{zt/2} - 1)$ solves the equation.", sp.diff(path, t) - (1 + path / 2) * z),
        Step(r"It starts at 0.", path.subs(t, 0)),
        Step(
            r"$e^{zt/2}$ times the density of $z$ is $e^{\kappa t^2/8}$ times the density about $\kappa t/2$,",
            sp.exp(z * t / 2) * density / (factor * shifted) - 1,
        ),
        Step(r"which integrates to one.", sp.integrate(density, (z, -sp.oo, sp.oo)) - 1),
        Step(
            r"So $E x = 2(e^{\kappa t^2/8} - 1)$, which grows like $\kappa t^2/4$.",
            sp.limit(mean / strength, strength, 0) - t**2 / 4,
        ),
    ),
    formula=mean,
    domain={strength: (0.01, 1.0), t: (0.1, 3.0)},
    misprint=Misprint(
        note=r"Prop. 3.1 calls the noise of mean zero and the probability-flow ODE the average path; $\kappa = 1$, "
        r"$t = 2$.",
        printed=sp.S.Zero,
        corrected=mean,
        at={strength: 1, t: 2},
    ),
)
