"""What is beyond second moments: nats of the ideal denoiser over the Wiener filter, and of one in training."""

from typing import Any

import sympy as sp

from theory.derivations.derivation import Derivation, Step

x, v, sigma = sp.symbols("x v sigma", positive=True)
p, q = (sp.Function(name)(x, v) for name in ("p", "q"))


def heated(expression: sp.Expr) -> sp.Expr:
    """∂/∂v with ∂p/∂v = ½ ∂²p/∂x², and the same of q: noise of the variance v = σ²."""
    rate = sp.diff(expression, v)
    return rate.subs({sp.diff(each, v): sp.diff(each, x, 2) / 2 for each in (p, q)})


apart = sp.diff(sp.log(p), x) - sp.diff(sp.log(q), x)
flux = (sp.diff(p, x) * sp.log(p / q) + sp.diff(p, x) - p * sp.diff(q, x) / q) / 2

# Three points of any masses: x_0 and a noisy x of three values, from a joint table.
clean = sp.symbols("a_1:4", real=True)
seen = sp.symbols("x_1:4", real=True)
table: Any = sp.Matrix(3, 3, sp.symbols("m_1:10", positive=True))
ideal = [sum(table[i, j] * clean[i] for i in range(3)) / sum(table[i, j] for i in range(3)) for j in range(3)]

# Errors of a denoiser as a linear part and a rest that is uncorrelated with x and 1.
part, constant, first, second, third = sp.symbols("w b n_1 n_2 n_3", real=True)
weights = sp.symbols("p_1:4", positive=True)
uncorrelated = sp.solve(
    [
        sp.Add(*(w * n for w, n in zip(weights, (first, second, third), strict=True))),
        sp.Add(*(w * n * at for w, n, at in zip(weights, (first, second, third), seen, strict=True))),
    ],
    [first, second],
)
rest = [first.subs(uncorrelated), second.subs(uncorrelated), third]
linear = [part * at + constant for at in seen]


def mean(values: list[sp.Expr]) -> sp.Expr:
    return sp.Add(*(w * value for w, value in zip(weights, values, strict=True)))


DERIVATION = Derivation(
    name="hidden_gaussian",
    title="The Gaussian that is hidden in a denoiser, and the nats beyond it",
    source="this project; linear distillation: Li, Dai & Qu 2024",
    statement=(
        r"The best affine approximation of $D^* = \mathrm E[x_0|x]$ is the Wiener filter $D_G$, of any data; "
        r"$\int_\sigma^\infty\mathrm E|D^* - D_G|^2s^{-3}ds = \mathrm{KL}(p_\sigma\|\mathcal N(\mu, \Sigma + "
        r"\sigma^2))$; and a denoiser misses the nats of its affine part and of its rest, added."
    ),
    steps=(
        Step(
            r"$\mathrm E[D^*x] = \mathrm E[x_0x]$, so that both regress on $x$ alike.",
            sp.simplify(
                sp.Add(
                    *(table[i, j] * (ideal[j] - clean[i]) * seen[j] for i in range(3) for j in range(3)),
                )
            ),
        ),
        Step(
            r"Under noise of variance $v$, $\partial_v(p\ln(p/q)) = -\frac12p|\partial_x\ln(p/q)|^2 + \partial_xF$.",
            sp.expand(sp.simplify(heated(p * sp.log(p / q)) + p * apart**2 / 2 - sp.diff(flux, x))),
        ),
        Step(
            r"$D = x + \sigma^2\partial_x\ln p$ and $dv = 2\sigma d\sigma$: $-d\mathrm{KL}/d\sigma = \sigma^{-3}"
            r"\mathrm E|D^* - D_G|^2$.",
            sp.simplify(sp.Rational(1, 2) * apart**2 * 2 * sigma - (sigma**2 * apart) ** 2 / sigma**3),
        ),
        Step(
            r"A rest that is uncorrelated with $x$ and with 1 adds to an affine error in the mean square.",
            sp.simplify(
                mean([(one + other) ** 2 for one, other in zip(linear, rest, strict=True)])
                - mean([one**2 for one in linear])
                - mean([other**2 for other in rest])
            ),
        ),
    ),
)
