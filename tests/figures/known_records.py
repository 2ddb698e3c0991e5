"""Records of training whose modes emerge at known powers of their variance."""

import numpy as np

import figures

STEPS = np.append(0.0, np.geomspace(1, 1e6, 400))
SPREAD = 0.02 * np.random.default_rng(0).normal(size=8)  # of the exponents of eight models


def verdicts(name, arrays):
    """What a figure says of arrays, by the names of its claims."""
    return {claim.name: claim.verdict for claim in figures.load(name).claims(arrays)}


def known(exponents, initial=0.3):
    """Models with ln λ̃ = (1 - g) ln v + g ln λ, g = x/(1 + x) and x = τ/(1000 λ^-α): half-way at x = 1."""
    exponents = np.asarray(exponents, dtype=float)
    variance = np.broadcast_to(np.geomspace(30, 3e-3, 25), (len(exponents), 25))
    place = STEPS[:, None] / (1000 * variance[:, None] ** -exponents[:, None, None])
    share = place / (1 + place)
    curves = initial ** (1 - share) * variance[:, None] ** share
    return {"steps": STEPS, "variance": variance, "solver": variance, "generated": curves}


def beside_closed_form(exponents, closed, initial=0.3):
    """The same with aligned samples, and a closed form of one exponent."""
    arrays = known(exponents, initial)
    models = len(arrays["variance"])
    chi = np.full((models, len(STEPS)), 0.98)
    theory = known(np.full(models, closed), initial)["generated"]
    times = np.broadcast_to(STEPS / 50, (models, len(STEPS)))
    return arrays | {"alignment": chi, "alignment_unbiased": chi, "closed_times": times, "closed": theory}
