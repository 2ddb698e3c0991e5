"""What a derivation is: a statement, the steps that prove it, and the closed form it leaves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import sympy as sp

from theory.numerics.special import ein, exp1

Interval = tuple[float, float] | range


class Ein(sp.Function):
    """The entire exponential integral Ein(x) = ∫_0^x (1 - e^-t)/t dt = γ + ln x - Ei(-x)."""

    nargs = 1

    def __new__(cls, x: sp.Expr | complex) -> Any:
        return super().__new__(cls, x)

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.S.Zero if x.is_zero else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x: Any = self.args[0]
        return (1 - sp.exp(-x)) / x

    def _eval_rewrite_as_Ei(self, x: sp.Expr, **hints: object) -> sp.Expr:
        return sp.EulerGamma + sp.log(x) - sp.Ei(-x)


@dataclass(frozen=True)
class Step:
    """One step of a proof: what it says (text with LaTeX between dollars) and an expression that has to be zero.

    The residual is an expression or a matrix of them: an equation with the solution put in, right side subtracted.
    """

    text: str
    residual: sp.Basic | sp.MatrixBase


@dataclass(frozen=True)
class Misprint:
    """A formula as printed and as it should be, and a point where the two part."""

    note: str
    printed: sp.Expr
    corrected: sp.Expr
    at: Mapping[sp.Symbol, float | int | sp.Expr]

    def values(self) -> tuple[float, float, float]:
        """Printed value, corrected value and |printed - corrected|/max(|printed|, |corrected|) at the point."""
        printed, corrected = (float(sp.N(side.subs(list(self.at.items())))) for side in (self.printed, self.corrected))
        return printed, corrected, abs(printed - corrected) / max(abs(printed), abs(corrected))


@dataclass(frozen=True)
class Derivation:
    """One proposition: statement, proof, closed form, and where a paper misprints it.

    `statement` is text with LaTeX between dollars. `formula` is the closed form that the steps prove, None where the
    proposition is an equation only; `domain` gives, in the order in which its arguments are passed, an interval for
    each argument, or a range for an integer. `numeric` is the package's own function of the same arguments, numbers
    in and number out.
    """

    name: str
    title: str
    source: str
    statement: str
    steps: tuple[Step, ...]
    formula: sp.Expr | None = None
    domain: Mapping[sp.Symbol, Interval] = field(default_factory=dict)
    numeric: Callable[..., jax.Array] | None = None
    misprint: Misprint | None = None

    @property
    def arguments(self) -> tuple[sp.Symbol, ...]:
        """Arguments of the formula, in the order of `domain`."""
        return tuple(self.domain)

    def prove(self) -> tuple[sp.Basic | sp.MatrixBase, ...]:
        """The simplified residual of every step. The proposition is proved when all of them are zero."""
        return tuple(simplified(step.residual) for step in self.steps)

    def failures(self) -> tuple[Step, ...]:
        """The steps whose residual does not simplify to zero, with the simplified residual."""
        residuals = zip(self.steps, self.prove(), strict=True)
        return tuple(Step(step.text, residual) for step, residual in residuals if not is_zero(residual))

    def as_function(self) -> Callable[..., jax.Array]:
        """The formula as a JAX function of `arguments`. Raises ValueError if the derivation has no formula."""
        if self.formula is None:
            raise ValueError(f"the derivation {self.name} proves an equation and has no formula to evaluate")
        return sp.lambdify(self.arguments, self.formula, [_SPECIAL_FUNCTIONS, "jax"])

    def discrepancy(self, points: int = 8, seed: int = 0) -> float | None:
        """Largest relative difference between formula and `numeric` on random points, None without a `numeric`.

        Points are uniform in each interval, and uniform in the logarithm where the interval is positive.
        """
        if self.numeric is None:
            return None
        function, numeric = self.as_function(), self.numeric
        generator = np.random.default_rng(seed)
        samples = [[_draw(interval, generator) for interval in self.domain.values()] for _ in range(points)]
        return float(np.max([_relative_difference(float(function(*x)), float(numeric(*x))) for x in samples]))

    def latex(self) -> str:
        """The derivation as LaTeX: a paragraph for the statement, an enumeration of the steps, the closed form."""
        source = self.source.replace("&", r"\&")
        items = "\n".join(rf"  \item {step.text}" for step in self.steps)
        lines = [
            rf"\paragraph{{{self.title}}} ({source}) {self.statement}",
            rf"\begin{{enumerate}}{chr(10)}{items}{chr(10)}\end{{enumerate}}",
        ]
        if self.formula is not None:
            lines.append(rf"\[ {sp.latex(self.formula)} \]")
        if self.misprint is not None:
            printed, corrected = sp.latex(self.misprint.printed), sp.latex(self.misprint.corrected)
            lines.append(rf"Misprint: {self.misprint.note} \[ {printed} \quad\to\quad {corrected} \]")
        return "\n".join(lines)


def simplified(residual: sp.Basic | sp.MatrixBase) -> sp.Basic | sp.MatrixBase:
    """The residual brought to zero by the cheapest rule that does it, else as `sympy.simplify` leaves it."""
    if isinstance(residual, sp.MatrixBase):
        return residual.applyfunc(simplified)
    for rule in (sp.expand, lambda e: sp.powsimp(sp.expand(sp.numer(sp.together(e))))):
        if is_zero(rule(residual)):
            return sp.S.Zero
    return sp.simplify(residual)


def gradient(loss: sp.Expr, entries: sp.MatrixBase) -> sp.MatrixBase:
    """Derivative of the loss with respect to each entry, in the shape of the entries."""
    return entries.applyfunc(lambda entry: sp.diff(loss, entry))


def is_zero(residual: sp.Basic | sp.MatrixBase) -> bool:
    """Whether the expression, or every entry of the matrix, is literally zero."""
    return residual.is_zero_matrix is True if isinstance(residual, sp.MatrixBase) else residual == 0


def _draw(interval: Interval, generator: np.random.Generator) -> float | int:
    if isinstance(interval, range):
        return int(generator.choice(np.asarray(interval)))
    low, high = interval
    if low > 0:
        return float(np.exp(generator.uniform(np.log(low), np.log(high))))
    return float(generator.uniform(low, high))


def _relative_difference(x: float, y: float) -> float:
    return abs(x - y) / max(abs(x), abs(y), float(np.finfo(float).tiny))


# What SymPy's JAX printer leaves open. The closed forms need Ei at negative arguments only; elsewhere this is NaN.
_SPECIAL_FUNCTIONS = {
    "Ein": ein,
    "Ei": lambda x: -exp1(-x),
    "erf": jax.scipy.special.erf,
    "hyper": lambda upper, lower, x: jax.scipy.special.hyp2f1(*upper, *lower, x),
}
