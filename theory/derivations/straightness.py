"""Straightness of the rectified flow of Gaussian data, and what steps of Euler's method lose on it."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, t, later = sp.symbols("lambda t t_1", positive=True)
root = sp.sqrt(variance)
path = sp.Function("a")

g = (1 - t) ** 2 + t**2 * variance
gain = sp.diff(g, t) / (2 * g)
place = ((1 + variance) * t - 1) / root
angle = sp.atan(place) / root  # antiderivative of 1/g
bends = (place * root / g + (1 + variance) * sp.atan(place) / root) / 2  # of λ/g²

half_turn = sp.atan(root) + sp.atan(1 / root)
energy = 1 + variance - variance * (sp.pi / 2) / root
straight = (2 - sp.pi / 2) * root

cosine = (t * root * later * root + (1 - t) * (1 - later)) / sp.sqrt(g * g.subs(t, later))
second = 1 + t * (root - 1)


def numeric(lam: float) -> jax.Array:
    from theory.definitions.processes import FlowMatching
    from theory.definitions.spectra import Spectrum
    from theory.sampling_questions.straightness import straightness
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    spectrum = Spectrum.from_variances(jnp.array([lam]))
    return straightness(OneLayer(spectrum, FlowMatching(), 0.0, 1.0), jnp.inf)[0]


DERIVATION = Derivation(
    name="straightness",
    title="Straightness of rectified flow, and what Euler's steps lose",
    source="this project; straightness: Liu et al. 2022",
    statement=(
        r"$Z_t = \sqrt gZ_0$, $g = (1 - t)^2 + t^2\lambda$, has $\int\mathrm E(Z_1 - Z_0 - \dot Z_t)^2dt = "
        r"(2 - \pi/2)\sqrt\lambda$. A step of Euler's method from $t$ to $t_1$ multiplies by $\cos(\vartheta - "
        r"\vartheta_1)\sqrt{g_1/g}$ with $\tan\vartheta = (1 - t)/t\sqrt\lambda$, and $N$ equal ones lose "
        r"$\frac1N\int\ddot a/a\,dt = \frac1N[1 + \frac\pi4(\sqrt\lambda + 1/\sqrt\lambda)]$ of $\ln\tilde\lambda$, to "
        r"first order."
    ),
    steps=(
        Step(
            r"$(d\sqrt g/dt)^2 = 1 + \lambda - \lambda/g$.",
            sp.simplify(sp.diff(sp.sqrt(g), t) ** 2 - (1 + variance - variance / g)),
        ),
        Step(r"An antiderivative of $1/g$,", sp.simplify(sp.diff(angle, t) - 1 / g)),
        Step(
            r"between its ends $\frac\pi2/\sqrt\lambda$: at one place, and the same for all $\lambda$.",
            sp.Matrix([half_turn.subs(variance, 1) - sp.pi / 2, sp.simplify(sp.diff(half_turn, variance))]),
        ),
        Step(
            r"Less $(\sqrt\lambda - 1)^2$, the square of the mean speed.",
            sp.expand(energy - (root - 1) ** 2 - straight),
        ),
        Step(
            r"A step of Euler's method with the ideal gain.",
            sp.simplify(1 + (later - t) * gain - cosine * sp.sqrt(g.subs(t, later) / g)),
        ),
        Step(
            r"With $\psi = \dot a/a$ the first order is that of the bends, $\psi^2 + \dot\psi = \ddot a/a$.",
            sp.simplify(
                (path(t).diff(t) / path(t)) ** 2 + sp.diff(path(t).diff(t) / path(t), t) - path(t).diff(t, 2) / path(t)
            ),
        ),
        Step(r"Those of $\sqrt g$,", sp.simplify(sp.diff(sp.sqrt(g), t, 2) / sp.sqrt(g) - variance / g**2)),
        Step(r"their antiderivative,", sp.simplify(sp.diff(bends, t) - variance / g**2)),
        Step(
            r"and its ends, with $\arctan\sqrt\lambda + \arctan1/\sqrt\lambda = \frac\pi2$.",
            sp.simplify(bends.subs(t, 1) - bends.subs(t, 0) - 1 - (1 + variance) / (2 * root) * half_turn),
        ),
        Step(r"The second flow, of the pairs $(Z_0, \sqrt\lambda Z_0)$, has no bends.", sp.diff(second, t, 2)),
    ),
    formula=straight,
    domain={variance: (0.01, 20.0)},
    numeric=numeric,
)
