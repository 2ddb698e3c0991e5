"""The best noise levels of DDIM: why equal angles, which scale for a spectrum, and where to begin."""

import sympy as sp

from theory.derivations.derivation import Derivation, Step

first, second, third, turn = sp.symbols("theta_0 theta_1 theta_2 delta", real=True)
variance, other, scale, ratio, slope, low, high, s = sp.symbols(
    "lambda_1 lambda_2 gamma c t sigma_0 sigma_T s", positive=True
)
gain = sp.Function("psi")

# Noise levels are √λ tan θ; a step from θ_0 to θ_1 with the ideal gain.
level, later = (sp.sqrt(variance) * sp.tan(angle) for angle in (first, second))
step = 1 - (1 - later / level) * (1 - variance / (variance + level**2))

# θ = arctan(c tan u), c = γ/√λ, as a function of t = tan u: (dθ/du)² du.
squared_speed = (sp.diff(sp.atan(ratio * slope), slope) * (1 + slope**2)) ** 2 / (1 + slope**2)

lost = sum((scale / sp.sqrt(each) + sp.sqrt(each) / scale) ** 2 for each in (variance, other))
arithmetic, harmonic = (variance + other) / 2, 2 / (1 / variance + 1 / other)

# Nats of errors E(D - D*)² = c λσ²/(λ + σ²) between two levels, and those of the start N(0, σ_T²).
errors = ratio / 2 * sp.log((1 + variance / low**2) / (1 + variance / high**2))
mismatch = (variance / high**2 - sp.log(1 + variance / high**2)) / 2

log_variance = 2 * sp.log(high) - 2 * sp.Integral((1 - gain(s)) / s, (s, low, high))

DERIVATION = Derivation(
    name="tangent_schedules",
    title="The best noise levels of DDIM",
    source="this project",
    statement=(
        r"With $\tan\vartheta_i = \sigma_i/\alpha_i\sqrt\lambda$ DDIM generates $\tilde\lambda = \lambda\,\mathrm{Var}"
        r"(x_T)/(\alpha_T^2\lambda + \sigma_T^2)\prod\cos^2(\vartheta_i - \vartheta_{i+1})$. One mode wants equal "
        r"angles, and a start at $\pi N/2(N + 1)$; levels $\gamma\tan$ of equal angles lose $(\pi^2/8N)(\gamma/"
        r"\sqrt{\lambda_k} + \sqrt{\lambda_k}/\gamma)$ of mode $k$, in the mean square least for $\gamma^4$ the "
        r"product of arithmetic and harmonic mean. In fine steps "
        r"$\partial\ln\tilde\lambda/\partial\ln\sigma_T = 2\psi(\sigma_T)$."
    ),
    steps=(
        Step(
            r"One step multiplies by $\cos(\vartheta_0 - \vartheta_1)\cos\vartheta_0/\cos\vartheta_1$: the last "
            r"factors telescope to $\cos\vartheta_T$.",
            sp.simplify(step * sp.cos(second) - sp.cos(first - second) * sp.cos(first)),
        ),
        Step(
            r"$\cos^2\vartheta_T = \lambda/(\lambda + \sigma_T^2/\alpha_T^2)$.",
            sp.simplify(sp.cos(first) ** 2 - variance / (variance + level**2)),
        ),
        Step(
            r"Of three levels the middle one is best half-way,",
            sp.diff(sp.log(sp.cos(first - second) * sp.cos(second - third)), second)
            .subs(second, (first + third) / 2)
            .simplify(),
        ),
        Step(
            r"since $\ln\cos$ is concave.",
            sp.simplify(sp.diff(sp.log(sp.cos(turn)), turn, 2) + 1 / sp.cos(turn) ** 2),
        ),
        Step(
            r"In fine steps a mode loses $\sum(\Delta\vartheta)^2 = (\pi/2N)\int(d\vartheta/du)^2du$ over $u$ from 0 "
            r"to $\pi/2$, where $\int = (\pi/4)(c + 1/c)$, $c = \gamma/\sqrt\lambda$.",
            sp.simplify(sp.integrate(squared_speed.simplify(), (slope, 0, sp.oo)) - sp.pi / 4 * (ratio + 1 / ratio)),
        ),
        Step(
            r"KL is $\frac14\sum_k(\ldots)^2$ of that, stationary (of two modes) at $\gamma^4$ = arithmetic · harmonic "
            r"mean.",
            sp.simplify(sp.diff(lost, scale).subs(scale, (arithmetic * harmonic) ** sp.Rational(1, 4))),
        ),
        Step(
            r"A start $N(0, \sigma_T^2)$ costs $\sin^2\vartheta_T$; $\sin\vartheta\cos^N(\vartheta/N)$ is stationary "
            r"at $\vartheta = Nm = \pi/2 - m$.",
            sp.simplify(sp.cot(sp.pi / 2 - turn) - sp.tan(turn)),
        ),
        Step(
            r"Fine steps of any gain: $\sigma_T\,\partial\ln\tilde\lambda/\partial\sigma_T = 2\psi(\sigma_T)$.",
            sp.simplify(high * sp.diff(log_variance, high) - 2 * gain(high)),
        ),
        Step(
            r"Errors $\mathbb{E}(D - D^*)^2 = c\lambda\sigma^2/(\lambda + \sigma^2)$ of a fit cost "
            r"$(c/2)\ln[(1 + \lambda/\sigma_0^2)/(1 + \lambda/\sigma_T^2)]$ nats,",
            sp.simplify(sp.diff(errors, high) - ratio * variance / (high * (variance + high**2))),
        ),
        Step(
            r"with those of the start stationary at $\sigma_T^2 = \lambda/c$.",
            sp.simplify(sp.diff(errors + mismatch, high).subs(high, sp.sqrt(variance / ratio))),
        ),
    ),
)
