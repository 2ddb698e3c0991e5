"""How the bias enters the flow of the weights, Eq. 13 of App. C.1.1, with its factor and order as they should be."""

import sympy as sp

from theory.derivations.derivation import Derivation, Misprint, Step, gradient

eta = sp.Symbol("eta", positive=True)
W = sp.symbols("W_11 W_12 W_21 W_22", real=True)
b = sp.symbols("b_1 b_2", real=True)
m_1, m_2, n_1, n_2 = sp.symbols("m_1 m_2 n_1 n_2", real=True)
A_11, A_12, A_22, B_11, B_12, B_21, B_22 = sp.symbols("A_11 A_12 A_22 B_11 B_12 B_21 B_22", real=True)
weights, bias = sp.Matrix(2, 2, W), sp.Matrix(b)
mean_x, mean_y = sp.Matrix([m_1, m_2]), sp.Matrix([n_1, n_2])
inputs = sp.Matrix([[A_11, A_12], [A_12, A_22]])  # Σ_xx
cross = sp.Matrix([[B_11, B_12], [B_21, B_22]])  # Σ_yx

mismatch = weights * mean_x + bias - mean_y
loss = (weights * inputs * weights.T - 2 * weights * cross.T).trace() + mismatch.dot(mismatch)
gradient_w, gradient_b = gradient(loss, weights), gradient(loss, bias)
flow = -2 * eta * (weights - cross * inputs.inv()) * inputs - eta * gradient_b * mean_x.T
printed = -2 * eta * (weights - inputs.inv() * cross) * inputs - 2 * eta * gradient_b * mean_x.T

ones, twos = dict.fromkeys([eta, m_1, n_1, B_11, B_22], 1), dict.fromkeys([A_11, A_22], 2)
POINT = {**ones, **twos, **dict.fromkeys([*W, *b, m_2, n_2, A_12, B_12, B_21], 0)}

DERIVATION = Derivation(
    name="bias_gradient",
    title="The bias in the flow of the weights",
    source="Wang & Pehlevan 2025, App. C.1.1, Eq. 13",
    statement=(
        r"$\dot W = -2\eta(W - \Sigma_{yx}\Sigma_{xx}^{-1})\Sigma_{xx} - \eta\nabla_bL\,\mu_x^\top$ with "
        r"$\nabla_bL = 2(W\mu_x + b - \mu_y)$."
    ),
    steps=(
        Step(r"$\nabla_bL = 2(W\mu_x + b - \mu_y)$.", gradient_b - 2 * mismatch),
        Step(
            r"$-\eta\nabla_WL$ is the stated flow, for two dimensions and any second moments.", -eta * gradient_w - flow
        ),
        Step(
            r"The printed factor 2 counts the bias twice: apart from the order of the matrices the two differ by "
            r"$-\eta\nabla_bL\,\mu_x^\top$.",
            printed
            - flow
            - 2 * eta * (inputs.inv() * cross - cross * inputs.inv()) * inputs
            + eta * gradient_b * mean_x.T,
        ),
    ),
    misprint=Misprint(
        note=r"Eq. 13 prints $-2\eta\nabla_bL\,\mu^\top$ for $-\eta\nabla_bL\,\mu^\top$, and $\Sigma_{xx}^{-1}"
        r"\Sigma_{yx}$ for $\Sigma_{yx}\Sigma_{xx}^{-1}$; $\dot W_{11}$ at $W = b = 0$, $\Sigma = I$, $\sigma = 1$, "
        r"$\mu = (1, 0)$, where only the factor matters.",
        printed=printed[0, 0],
        corrected=flow[0, 0],
        at=POINT,
    ),
)
