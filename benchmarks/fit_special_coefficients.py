"""Where do the numbers in `theory/numerics/special_coefficients.py` come from?

Run `python -m benchmarks.fit_special_coefficients` to print that file; it is committed exactly as printed.
Nothing is fitted to data: each set follows from a mathematical definition and is computed with 60 digits.

**Series part**, 0 <= x <= 1. Ein(x)/x is entire, so its Chebyshev interpolant on [0, 1] converges faster
than geometrically.

**Tail part**, 1 <= x <= 750. e^x E1(x) = int_0^inf e^-s/(x+s) ds is a Stieltjes function: singular on the
negative axis only, and ~1/x. It is interpolated by p(x)/(x q(x)) with p and q of equal degree n. The 2n+1
nodes are Chebyshev points in the variable x^(-1/2), the best of x^(-1), x^(-1/2), x^(-1/3), x^(-1/4): the
error is within a factor of ten of the minimax one, and a single linear solve gives it. As for a Padé
approximant of a Stieltjes function, p and q come out with positive coefficients only, so Horner's rule has no
cancellation.
"""

from typing import Any, TypeAlias

import mpmath as mp

# An mpmath real number: the library declares no types.
Real: TypeAlias = Any

DIGITS = 60
TAIL_START, TAIL_END = 1, 750
# Degrees: the first that bring the truncation error well below half an ulp of the dtype.
DEGREES = {"FLOAT32": (6, 5), "FLOAT64": (12, 11)}


def ein(x: Real) -> Real:
    """Ein(x) = gamma + ln x + E1(x); the digits it loses near zero are covered by `DIGITS`."""
    return mp.euler + mp.log(x) + mp.e1(x)


def series(degree: int) -> tuple[list[Real], Real]:
    """Coefficients of Ein(x)/x on [0, 1], highest power first, and the largest relative error."""

    def slope(x: Real) -> Real:
        return ein(x) / x if x else mp.mpf(1)

    coefficients, error = mp.chebyfit(slope, [0, 1], degree + 1, error=True)
    return coefficients, error / ein(mp.mpf(1))


def tail(degree: int) -> tuple[list[Real], list[Real], Real]:
    """p and q (monic) of e^x E1(x) = p(x)/(x q(x)), highest power first, and the largest relative error."""
    count = 2 * degree + 1
    ends = mp.mpf(TAIL_START) ** -0.5, mp.mpf(TAIL_END) ** -0.5
    middle, half = (ends[0] + ends[1]) / 2, (ends[0] - ends[1]) / 2
    nodes = [(middle + half * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / count)) ** -2 for i in range(count)]
    matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
    for row, x in enumerate(nodes):
        value = x * mp.exp(x) * mp.e1(x)
        # p(x) - value*q(x) = 0 divided by x^degree, the monic term of q on the right-hand side
        for power in range(degree + 1):
            matrix[row, power] = x ** (power - degree)
        for power in range(degree):
            matrix[row, degree + 1 + power] = -value * x ** (power - degree)
        right[row] = value
    solution = list(mp.lu_solve(matrix, right))
    p, q = solution[degree::-1], [mp.mpf(1), *solution[:degree:-1]]
    if min(*p, *q) <= 0:
        raise ArithmeticError("a coefficient is not positive: the interpolant is not of Stieltjes type")
    grid = [mp.mpf(TAIL_START) * mp.mpf(TAIL_END) ** (mp.mpf(i) / 300) for i in range(301)]
    error = max(abs(mp.polyval(p, x) / (x * mp.polyval(q, x) * mp.exp(x) * mp.e1(x)) - 1) for x in grid)
    return p, q, error


def source() -> str:
    """The text of `theory/numerics/special_coefficients.py`."""
    lines = [
        '"""Coefficients of Ein and E1, highest power first.',
        "",
        "Printed, not written, by `python -m benchmarks.fit_special_coefficients`, which says what they are.",
        '"""',
    ]
    with mp.workdps(DIGITS):
        for name, (series_degree, tail_degree) in DEGREES.items():
            s, series_error = series(series_degree)
            p, q, tail_error = tail(tail_degree)
            series_note = f"Ein(x)/x on [0, 1]: relative error {mp.nstr(series_error, 2)}"
            tail_note = f"p of e^x E1(x) = p(x)/(x q(x)) on [1, 750]: relative error {mp.nstr(tail_error, 2)}"
            for label, numbers, comment in (
                ("SERIES", s, series_note),
                ("NUMERATOR", p, tail_note),
                ("DENOMINATOR", q, "q of the same"),
            ):
                lines += ["", f"# {comment}", f"{label}_{name} = ("]
                lines += [f"    {float(number)!r}," for number in numbers]
                lines += [")"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(source(), end="")
