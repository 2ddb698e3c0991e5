"""The state of training: all that one gradient step hands to the next, as arrays to be saved, sharded and resumed."""

import abc
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from theory.definitions.checks import whole_arguments

Network = TypeVar("Network")


class TrainingState(eqx.Module, Generic[Network]):
    """Where training has got to. A run that goes on from a saved state does what it would have done without the stop.

    Arrays of networks that are trained together have leading axes of members; members that share their random numbers
    share the key, and all share the count of steps.
    """

    parameters: Network  # of which the floating-point arrays are trained
    optimiser: optax.OptState
    key: PRNGKeyArray | None  # None where nothing is random
    step: Int[Array, ""]  # how many steps have been taken


def member_axes(state: TrainingState, *, key: int | None = None) -> Any:
    """The axes of a state over members, for `jax.vmap`; members share the random key unless its axis is given.

    They also share the integers of the optimiser, which count steps that all members take together: an optimiser whose
    integers depend on the gradient (`optax.apply_if_finite`) is for single networks.
    """
    axes: tuple[Any, ...] = (0, _floating_axes(state.optimiser), key, None)
    return TrainingState(*axes)


def _floating_axes(tree: PyTree) -> PyTree[int | None]:
    return jax.tree.map(lambda leaf: 0 if jnp.issubdtype(leaf.dtype, jnp.inexact) else None, tree)


class AbstractTraining(eqx.Module):
    """Data, a loss on them and the optimiser that lowers it, as two functions of an explicit state."""

    @abc.abstractmethod
    def init(self, network: Any, key: PRNGKeyArray | None = None) -> TrainingState:
        """The state before the first step; the key is that of all random numbers to come."""

    @abc.abstractmethod
    def step(self, state: TrainingState) -> TrainingState:
        """The state after one step of the optimiser."""


@whole_arguments(steps=0)
@eqx.filter_jit
def advance(training: AbstractTraining, state: TrainingState[Network], steps: int) -> TrainingState[Network]:
    """The state after `steps` = 0, 1, … steps, in one compiled loop. Raises ValueError for other numbers."""
    arrays, rest = eqx.partition(state, eqx.is_array)

    def step(arrays: PyTree, _) -> tuple[PyTree, None]:
        return eqx.filter(training.step(eqx.combine(arrays, rest)), eqx.is_array), None

    return eqx.combine(jax.lax.scan(step, arrays, None, length=steps)[0], rest)


def initial_state(
    network: Network, optimiser: optax.GradientTransformation, key: PRNGKeyArray | None, *, axes: int = 0
) -> TrainingState[Network]:
    """Zero steps done, and an optimiser that has seen no gradient; the network has so many leading axes of members."""
    trained, init = eqx.filter(network, eqx.is_inexact_array), optimiser.init
    floating = _floating_axes(jax.eval_shape(init, trained))
    for _ in range(axes):
        init = jax.vmap(init, out_axes=floating)
    return TrainingState(network, init(trained), key, jnp.zeros((), jnp.int32))


def descended(
    state: TrainingState,
    gradient: PyTree,
    optimiser: optax.GradientTransformation,
    *,
    step_size: Float[Array, ""] | None = None,
) -> TrainingState:
    """One step along what the optimiser makes of the gradient, times the step size where one is given."""
    trained, rest = eqx.partition(state.parameters, eqx.is_inexact_array)
    updates, optimiser_state = optimiser.update(gradient, state.optimiser, trained)
    if step_size is not None:
        updates = jax.tree.map(lambda update: step_size * update, updates)
    network = eqx.combine(optax.apply_updates(trained, updates), rest)
    return TrainingState(network, optimiser_state, state.key, state.step + 1)


def to_arrays(state: TrainingState) -> dict[str, np.ndarray]:
    """The arrays of a state under their names, for `numpy.savez`; random keys as the integers they consist of."""
    return {name: np.asarray(_as_numbers(leaf)) for name, leaf in _named_arrays(state).items()}


def from_arrays(arrays: Mapping[str, np.ndarray], like: TrainingState) -> TrainingState:
    """The state that `to_arrays` wrote, with the structure of `like` and placed on its devices.

    `like` is a state of the same training, a fresh one for example. Raises ValueError unless names, shapes and types of
    the arrays are those of `like`.
    """
    expected = _named_arrays(like)
    if set(arrays) != set(expected):
        raise ValueError(f"a saved state must have the arrays {sorted(expected)}; got {sorted(arrays)}")

    def restored(name: str, leaf: Array) -> Array:
        saved, place = jnp.asarray(arrays[name]), _as_numbers(leaf)
        if (saved.shape, saved.dtype) != (place.shape, place.dtype):
            raise ValueError(
                f"{name} must have the shape {place.shape} and the type {place.dtype}; got {saved.shape} and "
                f"{saved.dtype}"
            )
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.device_put(
                jax.random.wrap_key_data(jnp.asarray(saved), impl=jax.random.key_impl(leaf)), leaf.sharding
            )
        return jax.device_put(saved, leaf.sharding)

    leaves = [restored(name, leaf) for name, leaf in expected.items()]
    places, rest = eqx.partition(like, eqx.is_array)
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(places), leaves), rest)


def _named_arrays(state: TrainingState) -> dict[str, Array]:
    """Every array by its path, such as `.parameters.weight`."""
    with_paths = jax.tree_util.tree_leaves_with_path(eqx.filter(state, eqx.is_array))
    return {jax.tree_util.keystr(path): leaf for path, leaf in with_paths}


def _as_numbers(leaf: Array) -> Array:
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
