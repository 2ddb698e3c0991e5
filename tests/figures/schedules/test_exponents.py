"""How often schedules visit noise levels, against drawn times, and statements on made-up emergence times."""

import jax.numpy as jnp
import numpy as np
import pytest

from figures.schedules.exponents.claims import claims
from figures.schedules.exponents.experiment import SETTINGS, visits
from figures.schedules.exponents.statistics import exponents, mean_exponent

VARIANCE = {"gaussian": np.geomspace(1e3, 1e-3, 7)[None], "photographs": np.array([[23.0, 0.3, 0.1, 0.05, 0.01]])}
SCATTER = 1e-3 * np.random.default_rng(0).normal(size=(6, 1))


@pytest.mark.parametrize("name", ["cosine", "EDM"])
def test_visits_are_counted(name):
    """Shares of 10⁵ drawn noise levels between bounds against the sum of visits."""
    generator = np.random.default_rng(1)
    drawn = {
        "cosine": lambda: np.tan(np.pi / 2 * generator.uniform(size=100_000)),  # σ/α of α = cos(πt/2)
        "EDM": lambda: np.exp(-1.2 + 1.2 * generator.normal(size=100_000)),
    }[name]()
    for low, high in ((0.01, 0.1), (0.1, 1.0), (1.0, 20.0)):
        edges = np.linspace(-2 * np.log(high), -2 * np.log(low), 401)
        middles = (edges[1:] + edges[:-1]) / 2
        expected = np.sum(visits(name, jnp.exp(-jnp.asarray(middles) / 2))) * (edges[1] - edges[0])
        assert abs(np.mean((drawn > low) & (drawn < high)) - expected) < 4 * 0.5 / np.sqrt(drawn.size)


def made_up(turned=1.0, late=0.0):
    """ln τ* a parabola in ln λ, lowest at λ = .5 (of unit weight falling throughout); trained networks have it
    `turned` by a factor and `late`."""
    data = {"settings": np.arange(len(SETTINGS)), "line_variance": VARIANCE["gaussian"][0]}
    for where, variance in VARIANCE.items():
        logs = np.log(variance)
        rows = [0.1 * (logs - np.log(0.5)) ** 2 if power else -logs for _, power in SETTINGS.values()]
        theory = np.stack(rows)
        data |= {
            f"variance_{where}": variance,
            f"theory_{where}": np.exp(theory),
            f"trained_{where}": np.exp(turned * theory + late + SCATTER * np.linspace(-1, 1, logs.size)),
        }
    return data


def test_statistics():
    data = made_up()
    expected = -0.1 * (np.log(1e3 / 0.5) ** 2 - np.log(1e2 / 0.5) ** 2) / np.log(10)
    np.testing.assert_allclose(exponents(data, "theory", "gaussian")[0, 0, 0], expected)
    alone = exponents(data, "trained", "gaussian")[0, :, 5]
    np.testing.assert_allclose(mean_exponent(data, "gaussian", 0, 0.0, 0.011), alone, rtol=1e-12)


def test_what_would_be_found_out():
    assert {claim.verdict for claim in claims(made_up())} == {"holds"}
    for claim in claims(made_up(turned=-1.0, late=0.1)):
        assert claim.verdict == "differs", claim.name
