"""The table of precisions, and its page `docs/precision.md`.

python -m tests.theory.precision > docs/precision.md
"""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import equinox as eqx

import theory
from tests.theory.precision import (
    data,
    denoisers,
    exact_scores,
    finite_data,
    generation,
    numerics,
    path_integral,
    processes,
    target_noise,
    v_kernel,
)
from tests.theory.precision.rows import Refusal, Row, written
from theory import special

PAGE = Path(__file__).parents[3] / "docs" / "precision.md"

_NETWORKS = """*Networks* have variances λ 1e-8 to 1e4, initial gains Q of 0 and 1e-6 to 1.5, training times τ 0 to ∞
and noise levels σ 0.002 to 80, of the variance-exploding process where no other is named."""
_POINT_MASSES = """*Point masses* are three points on the line, some distance from each other, under the
variance-preserving process."""

# name: what its tables call by one word, and its rows
ROOMS: dict[str, tuple[str, list[ModuleType]]] = {
    "Numerics": ("", [numerics]),
    "Definitions": ("", [processes, data]),
    "Spectral law": (_NETWORKS, [denoisers, generation]),
    "Finite data": (_NETWORKS, [finite_data]),
    "Exact scores": ("", [exact_scores]),
    "V-kernel": (_POINT_MASSES, [v_kernel]),
    "Path integral": (_POINT_MASSES + " κ is 1e-3 to 0.1, in 8 steps from t = 1 to 1/64.", [path_integral]),
    "Target noise": ("", [target_noise]),
}
_MODULES = [module for _, modules in ROOMS.values() for module in modules]

ENTRIES: list[Row | Refusal] = [entry for module in _MODULES for entry in module.ROWS]
TABLE = [entry for entry in ENTRIES if isinstance(entry, Row)]
REFUSALS = [entry for entry in ENTRIES if isinstance(entry, Refusal)]


def public_questions() -> Iterator[str]:
    """Every public function, every public method of a class that is not abstract, and every class that has none."""
    yield from (f"special.{name}" for name in special.__all__)
    for name in theory.__all__:
        thing = getattr(theory, name)
        if not inspect.isclass(thing):
            yield name
        elif not inspect.isabstract(thing):
            yield from [f"{name}.{question}" for question in _of_class(thing)] or [name]


def _of_class(thing: type) -> set[str]:
    ours = [base for base in thing.__mro__ if base.__module__.startswith("theory.")]
    fields = set(getattr(thing, "__dataclass_fields__", getattr(thing, "_fields", ())))
    asked = {name for base in ours for name in vars(base) if not name.startswith("_")} - fields
    called = {"__call__" for base in ours if issubclass(base, eqx.Module) and "__call__" in vars(base)}
    return {name for name in asked | called if not isinstance(inspect.getattr_static(thing, name), float | int)}


def known_questions() -> list[str]:
    """What the table says something about."""
    exact = [questions for module in _MODULES for questions in _exact(module).values()]
    return [question for questions in (*(entry.questions for entry in ENTRIES), *exact) for question in questions]


def _exact(module: ModuleType) -> dict[str, Iterable[str]]:
    return getattr(module, "EXACT", {})


def page() -> str:
    """docs/precision.md."""
    lines = [_HEAD]
    for room, (words, modules) in ROOMS.items():
        lines += ["", f"## {room}", "", *([words, ""] if words else [])]
        lines += ["| function | domain | error | float32 | float64 |", "|---|---|---|---|---|"]
        lines += [_line(entry) for module in modules for entry in module.ROWS]
    lines += ["", "## Without arithmetic of their own", "", "| function | answers |", "|---|---|"]
    reasons: dict[str, list[str]] = {}
    for module in _MODULES:
        for reason, questions in _exact(module).items():
            reasons.setdefault(reason, []).extend(questions)
    lines += [f"| {_names(questions)} | {reason} |" for reason, questions in reasons.items()]
    return "\n".join([*lines, "", _TAIL, ""])


def _line(entry: Row | Refusal) -> str:
    if isinstance(entry, Refusal):
        return f"| {_names(entry.questions)} | {entry.reason} | | refused | |"
    single = written(entry.single) + (", or refused" if entry.refuses else "")
    double = "taken as right" if entry.double is None else f"{written(entry.double)}, against mpmath"
    return f"| {_names(entry.questions)} | {entry.domain} | {entry.measure.label} | {single} | {double} |"


def _names(questions: Iterable[str]) -> str:
    """`Class.method, method`: the name of a class once for all that it is asked."""
    by_class: dict[str, list[str]] = {}
    for question in questions:
        owner, _, name = question.rpartition(".")
        by_class.setdefault(owner, []).append(name)
    return ", ".join(
        f"`{owner}.{', '.join(names)}`" if owner else f"`{', '.join(names)}`" for owner, names in by_class.items()
    )


_HEAD = """# Precision

JAX computes in single precision unless told otherwise. The command line and the tests turn on 64-bit numbers; your own
script does with

```python
import jax

jax.config.update("jax_enable_x64", True)  # before any array is made
```

The tables say which error to expect at most, and against what it is held. A test measures every row over arguments that
are drawn from its domain, its ends included (`tests/theory/precision`, which also writes this page), and asserts that
every public function is here. Where mpmath can say what is right, it does; elsewhere double precision is taken as
right. What is refused raises ValueError, by a sentence that names `jax_enable_x64`."""

_TAIL = """## Rules that hold for all

- Integers become floating-point numbers of the default precision; complex numbers are refused.
- A value outside its domain (a negative or NaN training time, a noise level that the process does not have, a score
  where there is no noise) raises ValueError. Inside `jax.jit`, `vmap` and `grad` there is no value to look at: there
  the answer is NaN.
- Numbers below 1e-38 are zero in float32. τ = ∞ is a time of 1e15 there, 1e123 in float64: what falls like 1/τ for ever
  (a gain of several layers on a mode without data) ends at the inverse of that, not at zero.
- `Spectrum.from_samples` and `Spectrum.from_autocovariance` accumulate in float64 whatever the precision of the data.
- In float32 the odds of two point masses are wrong by about 1e-7 (distance/σ)². Between points, where they are near
  one, scores are right to one per cent as long as distances are below 500 σ.
- A quadrature that does not resolve a gain refines its panels (`generated_variance_by_quadrature`) or refuses."""
