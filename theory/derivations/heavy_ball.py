"""One linear layer trained with momentum: a damped oscillator per mode."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, sigma, eta, damping, time, step = sp.symbols("lambda sigma eta gamma tau h", positive=True)
start, momentum, fraction = sp.symbols("Q mu f", positive=True)
motion = sp.Function("psi")

total = variance + sigma**2
optimum = variance / total
root = sp.sqrt(damping**2 / 4 - 2 * eta * total)  # imaginary above critical damping of the mode
kept = sp.exp(-damping * time / 2) * (sp.cosh(root * time) + damping / (2 * root) * sp.sinh(root * time))
gain = optimum + (start - optimum) * kept
slow, fast = damping / 2 - root, damping / 2 + root

# v ← μv + g, θ ← θ - εv: θ_{n+1} - θ_n = μ(θ_n - θ_{n-1}) - εg, with θ_n = ψ(nh), to fourth order in h.
ahead, behind = (
    sp.Add(*((sign * step) ** n / sp.factorial(n) * sp.diff(motion(time), (time, n)) for n in range(4)))
    for sign in (1, -1)
)
recursion = (ahead - motion(time)) - momentum * (motion(time) - behind)
friction = 2 * (1 - momentum) / ((1 + momentum) * step)
second = (1 + momentum) / 2 * step**2 * (sp.diff(motion(time), time, 2) + friction * sp.diff(motion(time), time))


def numeric(
    lam: float, noise_level: float, learning_rate: float, friction: float, initial: float, at: float
) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.spectral_law.parametrisations.heavy_ball import HeavyBall

    spectrum = Spectrum.from_variances(jnp.array([lam]))
    return HeavyBall(spectrum, EDM(), initial, learning_rate, damping=friction).gain(
        jnp.asarray(at), jnp.asarray(noise_level)
    )[0]


DERIVATION = Derivation(
    name="heavy_ball",
    title="One layer trained with momentum",
    source="this project, for Polyak 1964's heavy ball",
    statement=(
        r"$\ddot\psi + \gamma\dot\psi = -2\eta(s\psi - h)$ from rest at $Q$, $s = \lambda + \sigma^2$, has $\psi = "
        r"\psi^* + (Q - \psi^*)e^{-\gamma\tau/2}[\cosh r\tau + \frac\gamma{2r}\sinh r\tau]$, $r^2 = \gamma^2/4 - "
        r"2\eta s$. Steps with momentum $\mu$ and learning rate $\epsilon$ follow it with "
        r"$\eta = 2\epsilon/(1+\mu)h^2$ and $\gamma = 2(1-\mu)/(1+\mu)h$ up to $O(h^2)$."
    ),
    steps=(
        Step(
            r"It solves the equation of motion,",
            sp.simplify(
                (sp.diff(gain, time, 2) + damping * sp.diff(gain, time) + 2 * eta * (total * gain - variance)).rewrite(
                    sp.exp
                )
            ),
        ),
        Step(r"starts at $Q$,", gain.subs(time, 0) - start),
        Step(r"and at rest.", sp.diff(gain, time).subs(time, 0)),
        Step(
            r"At critical damping it is $\psi^* + (Q - \psi^*)(1 + \gamma\tau/2)e^{-\gamma\tau/2}$.",
            sp.limit((kept * sp.exp(damping * time / 2)).subs(root, fraction), fraction, 0) - 1 - damping * time / 2,
        ),
        Step(
            r"For $\gamma\to\infty$ the slow rate is $2\eta s/\gamma$: gradient flow at the time $\tau/\gamma$.",
            sp.limit(slow * damping, damping, sp.oo) - 2 * eta * total,
        ),
        Step(r"The fast one is $\gamma$.", sp.limit(fast / damping, damping, sp.oo) - 1),
        Step(
            r"For $\gamma\to0$ a mode is at the part $f$ of its way at $\sqrt{2\eta s}\,\tau = \arccos(1-f)$: the time "
            r"falls off as $s^{-1/2}$.",
            variance * sp.diff(sp.log(sp.acos(1 - fraction) / sp.sqrt(2 * eta * variance)), variance)
            + sp.Rational(1, 2),
        ),
        Step(
            r"Steps: $\theta_{n+1} - \theta_n - \mu(\theta_n - \theta_{n-1})$ is $\frac{1+\mu}2h^2(\ddot\psi + "
            r"\gamma\dot\psi)$ up to $h^3(1-\mu) = O(h^4)$ at fixed $\gamma$, and equal to $-\epsilon g$.",
            sp.expand(recursion - second) - (1 - momentum) * step**3 / 6 * sp.diff(motion(time), time, 3),
        ),
    ),
    formula=gain,
    domain={
        variance: (0.01, 1.0),
        sigma: (0.01, 1.0),
        eta: (0.1, 1.0),
        damping: (5.0, 50.0),
        start: (0.01, 2.0),
        time: (0.01, 10.0),
    },
    numeric=numeric,
)
