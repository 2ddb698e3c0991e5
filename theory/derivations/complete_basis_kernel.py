"""V-kernel of a lazy network with a complete basis: local, with the density of draws in the denominator."""

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step

draws, width = sp.symbols("P Delta", positive=True)
n_1, n_2, n_3 = sp.symbols("n_1:4", positive=True)
variances = sp.diag(*sp.symbols("C_1:4", positive=True))

# Three cells of probability p_i = n_i/Σn carry a complete basis that is orthonormal under p: rows are the functions.
total = n_1 + n_2 + n_3
p_1 = n_1 / total
probabilities = sp.diag(n_1, n_2, n_3) / total
first = sp.Matrix([[1, 1, 1]])
second = sp.Matrix([[(n_2 + n_3) / n_1, -1, -1]]) * sp.sqrt(n_1) / sp.sqrt(n_2 + n_3)
third = sp.Matrix([[0, n_3, -n_2]]) * sp.sqrt(total) / sp.sqrt(n_2 * n_3 * (n_2 + n_3))
basis = sp.Matrix.vstack(first, second, third)
kernel = basis.T * basis
V = kernel * probabilities * variances * kernel / draws
local = variances * probabilities.inv() / draws
count = sp.Integer(3)

DERIVATION = Derivation(
    name="complete_basis_kernel",
    title="Complete basis",
    source="Vastola 2025, Prop. 5.2, Eq. 17",
    statement=(
        r"With a complete basis, orthonormal under the density $p(z)$ of the draws, $V(z;z') = D\,C(z)\,D\,"
        r"\delta(z - z')/(P\,p(z))$. The printed prefactor $\kappa(\Delta z) = F\Delta z/P$ is its average over $p$."
    ),
    steps=(
        Step(r"Three cells: the basis is orthonormal under $p$.", basis * probabilities * basis.T - sp.eye(3)),
        Step(r"Completeness: $\sum_k\phi_k(z_i)\phi_k(z_j) = \delta_{ij}/p_i$.", kernel - probabilities.inv()),
        Step(r"Eq. 16 at $\tau\to\infty$ is $V_{ij} = C_i\delta_{ij}/(Pp_i)$.", V - local),
        Step(
            r"In cells of size $\Delta$, $\delta_{ij}/\Delta\to\delta(z - z')$ and $p_i = p(z)\Delta$.",
            1 / (draws * p_1) - (1 / width) / (draws * (p_1 / width)),
        ),
        Step(
            r"Average of the prefactor over $p$: $F/P$, the printed constant.",
            (probabilities * probabilities.inv()).trace() / draws - count / draws,
        ),
    ),
    misprint=Misprint(
        note=r"Eq. 17 prints the constant $F\Delta z/P$ for $1/(P\,p(z))$; variance in a cell that receives a share "
        r"0.05 of $P = 100$ draws, $C = 1$, three cells.",
        printed=count / draws,
        corrected=1 / (draws * p_1),
        at={n_1: 1, n_2: 9, n_3: 10, draws: 100},
    ),
)
