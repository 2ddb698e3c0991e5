"""Eigenfunctions of a kernel function as features, by Nyström's formula."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.definitions.checks import check_coordinates
from theory.definitions.features import Z

KernelFunction = Callable[[Z, Z], Float[Array, "n m"]]


class NystromFeatures(eqx.Module):
    """φ_k(z) = Σ_n K(z, z_n) √m_n u_nk/l_k: the eigenfunctions of a kernel on N points, continued to every z.

    `kernel` takes (x, t) of n and of m points and gives (n, m); `root_mass` is √m_n, `vectors` and `values` are the
    eigenvectors u and eigenvalues l of √m_n K(z_n, z_n') √m_n'. On the points Σ_n m_n φ_k φ_l = δ_kl, and
    K = Σ_k l_k φ_k φ_k'. Raises ValueError at positions with another number of coordinates.
    """

    kernel: KernelFunction
    points: Z
    root_mass: Float[Array, " N"]
    vectors: Float[Array, "N F"]
    values: Float[Array, " F"]

    @property
    def number(self) -> int:
        return self.values.shape[0]

    def __call__(self, x: Float[Array, "*batch dim"], time: Float[Array, "*batch"]) -> Float[Array, "*batch F"]:
        check_coordinates(x, self.points[0].shape[-1])
        flat = x.reshape(-1, x.shape[-1]), jnp.broadcast_to(time, x.shape[:-1]).reshape(-1)
        values = (self.kernel(flat, self.points) * self.root_mass[None]) @ (self.vectors / self.values[None])
        return values.reshape(*x.shape[:-1], self.number)


def nystrom_features(
    kernel: KernelFunction, points: Z, mass: Float[Array, " N"], *, relative_cutoff: float = 1e-12
) -> NystromFeatures:
    """The eigenfunctions of a kernel on N points of the given masses, largest eigenvalue first.

    Modes below `relative_cutoff` times the largest eigenvalue are round-off and left out: in gradient flow they would
    begin to learn that much later. Raises ValueError for a kernel that is not symmetric or has no positive eigenvalue.
    """
    gram = kernel(points, points)
    if not jnp.allclose(gram, gram.T, rtol=1e-8, atol=1e-10 * float(jnp.abs(gram).max())):
        raise ValueError("the kernel must be symmetric on its points; got a Gram matrix that is not")
    root = jnp.sqrt(mass)
    values, vectors = jnp.linalg.eigh(root[:, None] * gram * root[None])
    kept = int(jnp.sum(values > relative_cutoff * values[-1]))
    if not values[-1] > 0:
        raise ValueError("the kernel must have a positive eigenvalue on its points; got none")
    return NystromFeatures(kernel, points, root, vectors[:, ::-1][:, :kept], values[::-1][:kept])
