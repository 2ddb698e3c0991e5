"""Variance of a fitted linear model at a finite number of draws per feature: the factor 1/(1 - F/P)."""

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step

features, draws, share, target_variance, k, x = sp.symbols("F P r C k x", positive=True)
a_11, a_22, schur = sp.symbols("a_11 a_22 q", positive=True)
a_12 = sp.Symbol("a_12", real=True)

# χ² with 2k + 2 degrees of freedom: density x^k e^{-x/2}/[2^{k+1} Γ(k+1)].
inverse_mean = sp.integrate(x ** (k - 1) * sp.exp(-x / 2), (x, 0, sp.oo)) / (2 ** (k + 1) * sp.gamma(k + 1))
freedom = draws - features + 1
exact = target_variance / (draws - features - 1)
leading = target_variance / draws
ratio = sp.cancel(exact / leading)
gram = sp.Matrix([[a_11, a_12], [a_12, a_22]])

# Row of the design: one weight, P draws. Three stand for P.
phi = sp.Matrix(sp.symbols("phi_1:4", positive=True))
gain = phi / phi.dot(phi)

DERIVATION = Derivation(
    name="finite_feature_variance",
    title="Finite number of draws per feature",
    source="Vastola 2025, Prop. 5.1, Eq. 13 and App. F.5",
    statement=(
        r"Least squares with $F$ standard normal features, $P$ draws and targets of variance $C$: $\mathrm{Cov}\,w = "
        r"C\,E(\Phi\Phi^\top)^{-1} = C/(P - F - 1)$ exactly; Eq. 13 keeps $C/P$. The ratio tends to $1/(1 - F/P)$ at "
        r"fixed $F/P$."
    ),
    steps=(
        Step(
            r"One feature: $w = \sum_n\phi_ny_n/\sum_n\phi_n^2$ has the variance $C/\sum_n\phi_n^2$ at given $\phi$.",
            target_variance * gain.dot(gain) - target_variance / phi.dot(phi),
        ),
        Step(r"$E[1/\chi^2_\nu] = 1/(\nu - 2)$, here with $\nu = 2k + 2$.", sp.gammasimp(inverse_mean) - 1 / (2 * k)),
        Step(
            r"$F = 1$: $\sum_n\phi_n^2 = \chi^2_P$, so the variance is $C/(P - 2)$.",
            target_variance / ((2 * k + 2) - 2) - exact.subs({features: 1, draws: 2 * k + 2}),
        ),
        Step(
            r"More features: $[(\Phi\Phi^\top)^{-1}]_{11}$ is one over the Schur complement "
            r"$a_{11} - a_{12}^2/a_{22}$,",
            gram.inv()[0, 0] - 1 / (a_11 - a_12**2 / a_22),
        ),
        Step(
            r"the squared length of feature 1 off the $F - 1$ others, a $\chi^2$ of $P - F + 1$ degrees of freedom: "
            r"$C/(P - F - 1)$.",
            target_variance / (freedom - 2) - exact,
        ),
        Step(
            r"$F = rP$, $P\to\infty$: exact over leading order is $1/(1 - r)$.",
            sp.limit((exact / leading).subs(features, share * draws), draws, sp.oo) - 1 / (1 - share),
        ),
    ),
    formula=ratio,
    domain={features: range(1, 20), draws: range(30, 200)},
    misprint=Misprint(
        note=r"Eq. 13 replaces $\hat\Sigma_\phi$ by $\Sigma_\phi$, which holds to leading order in $F/P$ only; "
        r"variance of a weight, one Gaussian feature ($F = 1$), $P = 4$, $C = 1$.",
        printed=leading,
        corrected=exact,
        at={features: 1, draws: 4, target_variance: 1},
    ),
)
