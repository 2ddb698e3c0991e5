"""Errors of the gain multiply; what is added on the way of a perfect sampler is left at its end in part."""

import jax
import jax.numpy as jnp
import sympy as sp

from theory.derivations.derivation import Derivation, Step

variance, rho, least, alpha, sigma = sp.symbols("lambda rho rho_0 alpha sigma", positive=True)
gain, error, shrink = sp.symbols("g delta h", real=True)

factor = 1 - shrink * (1 - gain)
left = sp.sqrt((variance + least**2) / (variance + rho**2))
deviation = sp.sqrt(variance / (alpha**2 * variance + sigma**2))


def numeric(lam: float, low: float, share: float) -> jax.Array:
    from theory.definitions.processes import EDM
    from theory.definitions.spectra import Spectrum
    from theory.sampling_questions.error_propagation import transmission
    from theory.spectral_law.parametrisations.one_layer import OneLayer

    process = EDM(low, 80.0)
    denoiser = OneLayer(Spectrum.from_variances(jnp.array([lam])), process, 0.0, 1.0)
    return transmission(denoiser, jnp.inf, share)[0]


DERIVATION = Derivation(
    name="error_propagation",
    title="Errors of gains, and errors on the way of a sampler",
    source="this project",
    statement=(
        r"A DDIM step multiplies $x/\alpha$ by $f = 1 - h(1 - g)$; an error $\delta$ of $g$ multiplies that by "
        r"$1 + h\delta/f$. Of an error of $x/\alpha$ at $\rho = \sigma/\alpha$ a perfect denoiser leaves "
        r"$\sqrt{(\lambda + \rho_0^2)/(\lambda + \rho^2)}$."
    ),
    steps=(
        Step(
            r"The step with the wrong gain.",
            sp.expand(factor.subs(gain, gain + error) - factor * (1 + shrink * error / factor)),
        ),
        Step(
            r"$d\ln T/d\ln\rho = -(1 - g)$ for $g = \lambda/(\lambda + \rho^2)$.",
            rho * sp.diff(sp.log(left), rho) + 1 - variance / (variance + rho**2),
        ),
        Step(r"All is left at the end.", left.subs(rho, least) - 1),
        Step(
            r"In $x$, $\rho_0\to0$: $\sqrt{\lambda/(\alpha^2\lambda + \sigma^2)}$,",
            sp.simplify(left.subs({least: 0, rho: sigma / alpha}) ** 2 / alpha**2 - deviation**2),
        ),
        Step(
            r"which where $\sigma^2 = 1 - \alpha^2$ is above one for $\lambda > 1$ alone: $1/T^2 - 1 = (1 - \alpha^2)"
            r"(1 - \lambda)/\lambda$.",
            sp.expand((1 / deviation**2 - 1).subs(sigma, sp.sqrt(1 - alpha**2)))
            - sp.expand((1 - alpha**2) * (1 - variance) / variance),
        ),
    ),
    formula=left,
    domain={variance: (0.01, 10.0), least: (0.002, 0.1), rho: (0.2, 60.0)},
    numeric=numeric,
)
