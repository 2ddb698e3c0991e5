"""Every derivation proves, its formula is the package's function, and its misprint is one, by an outside oracle."""

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import sympy as sp

from theory.derivations import __main__
from theory.derivations.derivation import Derivation, Ein, Misprint, Step, is_zero, simplified
from theory.derivations.table import NAMES, get

x, y = sp.symbols("x y", positive=True)
TRUE_STEP = Step("Pythagoras.", sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1)
FALSE_STEP = Step("Wrong by a part in a thousand.", sp.sin(x) ** 2 + sp.Rational(1001, 1000) * sp.cos(x) ** 2 - 1)


def small_derivation(*steps: Step, **fields: object) -> Derivation:
    return dataclasses.replace(Derivation("small", "Small", "here", "$1 = 1$", steps), **fields)


@pytest.mark.parametrize("name", NAMES)
def test_proves(name: str) -> None:
    derivation = get(name)
    assert len(derivation.steps) >= 3
    assert derivation.failures() == ()


@pytest.mark.slow_cases("deep_linear", "error_propagation", "guidance", "likelihood_nats", "straightness")
@pytest.mark.parametrize("name", NAMES)
def test_formula_is_the_packages_function(name: str) -> None:
    discrepancy = get(name).discrepancy()
    assert (discrepancy is None) == (get(name).numeric is None)
    assert discrepancy is None or discrepancy <= 1e-8


def test_every_file_with_a_derivation_is_in_the_table() -> None:
    files = Path(__main__.__file__).parent.glob("*.py")
    assert {file.stem for file in files if "\nDERIVATION = " in file.read_text()} == set(NAMES)


def test_names_are_unique_and_formulas_have_only_their_arguments() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for derivation in map(get, NAMES):
        assert get(derivation.name) is derivation
        if derivation.formula is not None:
            assert derivation.formula.free_symbols == set(derivation.arguments), derivation.name


def test_a_wrong_residual_fails() -> None:
    assert small_derivation(TRUE_STEP).failures() == ()
    (failure,) = small_derivation(TRUE_STEP, FALSE_STEP).failures()
    assert failure.text == FALSE_STEP.text
    assert not is_zero(failure.residual)
    assert not is_zero(simplified(sp.Matrix([[0, x], [0, 0]])))


def test_wrong_solutions_do_not_solve_their_equations() -> None:
    """The residuals of the proofs themselves, with a rate or an exponent slightly off."""
    from theory.derivations import gradient_flow, overlap_growth, tied_two_layer, untied_two_layer

    slower = {gradient_flow.tau: sp.Rational(99, 100) * gradient_flow.tau}
    gain = gradient_flow.gain.subs(slower)
    flow = gradient_flow.eta * sp.diff(gradient_flow.loss, gradient_flow.psi).subs(gradient_flow.psi, gain)
    assert not is_zero(simplified(sp.diff(gain, gradient_flow.tau) + flow))

    eta, tau, gain = tied_two_layer.eta, tied_two_layer.tau, tied_two_layer.gain
    logistic = tied_two_layer.variance - tied_two_layer.total * gain
    assert not is_zero(simplified(sp.diff(gain, tau) - 4 * eta * gain * logistic))

    rate = overlap_growth.rate.subs(overlap_growth.s_m, 2 * overlap_growth.s_m)
    assert not is_zero(simplified(overlap_growth.first_order - rate * overlap_growth.overlap))

    wrong = untied_two_layer._polynomial(untied_two_layer.D**2 - untied_two_layer.N**2 + untied_two_layer.J)
    assert not is_zero(wrong)


def test_a_wrong_formula_is_seen_on_random_points() -> None:
    derivation = small_derivation(TRUE_STEP, formula=x * y, domain={x: (0.1, 1.0), y: (-1.0, 1.0)})
    assert derivation.discrepancy() is None
    for factor, low, high in [(1.0, 0.0, 1e-15), (1.001, 9e-4, 1.1e-3), (np.nan, np.nan, np.nan)]:
        discrepancy = dataclasses.replace(derivation, numeric=lambda a, b, f=factor: f * a * b).discrepancy()
        assert discrepancy is not None
        assert low <= discrepancy <= high or np.isnan(factor) and np.isnan(discrepancy)


def test_special_functions_reach_jax() -> None:
    formula = Ein(x) + sp.Ei(-x) + sp.erf(x) + sp.hyper((1, y), (y + 1,), x / 2)
    function = small_derivation(TRUE_STEP, formula=formula, domain={x: (0.1, 1.0), y: (0.1, 1.0)}).as_function()
    expected = sp.N(formula.rewrite(sp.Ei).subs({x: sp.Rational(3, 4), y: sp.Rational(1, 3)}))
    np.testing.assert_allclose(function(0.75, 1 / 3), float(expected), rtol=1e-13)
    assert sp.diff(Ein(x), x) == (1 - sp.exp(-x)) / x
    assert Ein(sp.S.Zero) == 0
    with pytest.raises(ValueError, match="no formula"):
        small_derivation(TRUE_STEP).as_function()


@pytest.mark.parametrize("name", NAMES)
def test_printed_and_corrected_part(name: str) -> None:
    misprint = get(name).misprint
    assert misprint is None or misprint.values()[2] > 0.1


def corrected_value(name: str, **at: float) -> float:
    """The corrected side at its point, some coordinates changed (by name)."""
    misprint = get(name).misprint
    assert isinstance(misprint, Misprint)
    point = {symbol: at.get(symbol.name, value) for symbol, value in misprint.at.items()}
    return dataclasses.replace(misprint, at=point).values()[1]


def integrate(slope, start: float, begin: float, end: float) -> float:
    return scipy.integrate.solve_ivp(slope, (begin, end), [start], rtol=1e-11, atol=1e-13, method="LSODA").y[0, -1]


def test_forward_variance_against_its_equation() -> None:
    expected = integrate(lambda t, s: -2 * (0.2 + 3 * t) * s + 2, 0.0, 0.0, 0.8)
    np.testing.assert_allclose(corrected_value("forward_variance"), expected, rtol=1e-8)


def test_propagator_against_its_equation() -> None:
    expected = integrate(lambda s, v: (1 - 1 / (1 + s**2)) / s * v, 1.0, 80.0, 0.002)
    np.testing.assert_allclose(corrected_value("sampling_propagator"), expected, rtol=1e-7)


def test_full_width_convolution_against_its_gradient() -> None:
    """Gradient flow of the filter of an 8-pixel ring through its whole matrix; white data and noise of variance 1."""
    ring = (np.arange(8)[None, :] - np.arange(8)[:, None]) % 8

    def slope(_: float, filters: np.ndarray) -> np.ndarray:
        per_entry = 2 * filters[ring] * 2 - 2 * np.eye(8)  # of Σ_pixels E|W(x + ε) - x|²
        return -np.bincount(ring.ravel(), per_entry.ravel())

    end = scipy.integrate.solve_ivp(slope, (0, 0.01), np.zeros(8), rtol=1e-11, atol=1e-13).y[:, -1]
    np.testing.assert_allclose(corrected_value("full_width_convolution"), np.sum(end), rtol=1e-9)


def test_bias_gradient_against_differences() -> None:
    """W₁₁ velocity from finite differences of the mean square error of a sample with exactly those moments."""
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((1000, 4))
    draws -= draws.mean(axis=0)
    draws = draws @ np.linalg.inv(np.linalg.cholesky(draws.T @ draws / 1000)).T
    target = draws[:, :2] + np.array([1.0, 0.0])
    inputs = target + draws[:, 2:]

    def loss(w: float) -> float:
        return float(np.mean(np.sum((inputs @ np.array([[w, 0.0], [0.0, 0.0]]) - target) ** 2, axis=1)))

    np.testing.assert_allclose(corrected_value("bias_gradient"), -(loss(1e-4) - loss(-1e-4)) / 2e-4, rtol=1e-6)


def test_coloured_noise_mean_against_quadrature() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    paths = [integrate(lambda t, s, z=z: (1 + s / 2) * z, 0.0, 0.0, 2.0) for z in nodes]
    expected = np.dot(weights, paths) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(corrected_value("coloured_noise_mean"), expected, rtol=1e-6)


def test_finite_feature_variance_against_draws() -> None:
    features, draws, repeats = 3, 20, 20_000
    design = np.random.default_rng(2).standard_normal((repeats, draws, features))
    inverse = np.linalg.inv(np.einsum("rpi,rpj->rij", design, design))
    sample = inverse[:, 0, 0]
    error = sample.std() / np.sqrt(repeats)
    assert abs(sample.mean() - corrected_value("finite_feature_variance", F=features, P=draws)) < 4 * error


def test_complete_basis_kernel_against_draws() -> None:
    """Least squares on indicator functions of the cells: the fit in a cell is the mean of the targets there."""
    repeats, draws = 20_000, 1000
    counts = np.random.default_rng(3).multinomial(draws, [0.05, 0.45, 0.5], size=repeats)[:, 0]
    expected = np.mean(1 / counts)  # variance of the mean of unit-variance targets, larger by 1 + 19/1000
    assert counts.min() > 0
    np.testing.assert_allclose(corrected_value("complete_basis_kernel", P=draws), expected, rtol=0.03)


def test_design_variance_against_trained_ensemble() -> None:
    """Variance of W₁₁ over training sets of one mode, trained by exact gradient flow, P → ∞ (here 1000)."""
    draws, repeats, c = 1000, 8000, 0.2
    rng = np.random.default_rng(4)
    data = rng.standard_normal((repeats, draws))
    noisy = data + 0.5 * rng.standard_normal((repeats, draws))
    moment, cross = np.mean(noisy**2, axis=1), np.mean(noisy * data, axis=1)
    trained = cross / moment * (1 - np.exp(-c * moment))
    error = np.sqrt(2 / repeats)
    assert abs(draws * trained.var() / corrected_value("design_variance") - 1) < 4 * error


def test_semiclassical_against_the_effective_equation() -> None:
    """Variance of dx = x t/(1+t²) dt + noise of covariance κ DCD, Eq. 9, integrated from t = 10 down to 0.01."""
    variance = integrate(lambda t, v: 2 * t * v / (1 + t**2) - 1e-3 / (1 + t**2), 101.0, 10.0, 0.01)
    np.testing.assert_allclose(corrected_value("semiclassical"), 1 / np.sqrt(2 * np.pi * variance), rtol=1e-8)


@pytest.mark.parametrize("imbalance", [-1.5, 0.0, 1e-9, 0.7])
@pytest.mark.parametrize("start", [-0.3, 0.05, 1.4])
def test_untied_gain_against_its_equation(imbalance: float, start: float) -> None:
    """h = 1, s = 2, η = 0.5: also from below zero, which balanced layers never leave."""
    function = get("untied_two_layer").as_function()
    expected = integrate(lambda t, p: np.sqrt(imbalance**2 + 4 * p**2) * (1 - 2 * p), start, 0.0, 1.7)
    np.testing.assert_allclose(function(1.0, 1.0, 0.5, start, imbalance, 1.7), expected, rtol=1e-7)


@pytest.mark.parametrize("depth", [3, 4, 6])
def test_deep_linear_time_against_its_equation(depth: int) -> None:
    """λ = 1, σ = 1, η = 0.5: the network is at 0.8 of its optimum after the time that the formula gives."""
    time = float(get("deep_linear").as_function()(1.0, 1.0, 0.5, depth, 0.1, 0.8))
    end = integrate(lambda t, p: depth * p ** (2 - 2 / depth) * (1 - 2 * p), 0.05, 0.0, time)
    np.testing.assert_allclose(end, 0.4, rtol=1e-8)


def test_command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert __main__.main(["forward_variance"]) == 0
    shown = capsys.readouterr().out
    assert "[zero]" in shown
    assert "[FAILS]" not in shown
    assert r"\begin{enumerate}" in shown
    assert "0.48007" in shown

    assert __main__.main(["no_such_thing"]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.count("\n") == 1
    assert "no_such_thing" in streams.err

    monkeypatch.setattr(__main__, "NAMES", ("gradient_flow", "coloured_noise_mean"))
    assert __main__.main([]) == 0
    table = capsys.readouterr().out
    assert "2 of 2 hold" in table
    assert "1.2974" in table

    both = {"gradient_flow": get("gradient_flow"), "small": small_derivation(FALSE_STEP)}
    monkeypatch.setattr(__main__, "NAMES", tuple(both))
    monkeypatch.setattr(__main__, "get", both.get)
    assert __main__.main([]) == 1
    table = capsys.readouterr().out
    assert "1 of 2 hold" in table
    assert FALSE_STEP.text in table


def test_a_disagreeing_number_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = small_derivation(TRUE_STEP, formula=x, domain={x: (0.1, 1.0)}, numeric=lambda a: jnp.asarray(1.01 * a))
    monkeypatch.setattr(__main__, "NAMES", ("small",))
    monkeypatch.setattr(__main__, "get", lambda name: wrong)
    assert __main__.main([]) == 1
    assert __main__.main(["small"]) == 1
