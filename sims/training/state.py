"""The state of training: all that one gradient step hands to the next, as arrays to be saved, sharded and resumed."""

import abc
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.experimental import multihost_utils
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from sims.training.compilation import jit_with_fused_loops
from theory.definitions.checks import whole_arguments

Network = TypeVar("Network")
Saved = TypeVar("Saved", bound=eqx.Module)


class Divergence(NamedTuple):
    """The first step whose loss was not finite, and the smallest and largest noise level of its batch."""

    step: Int[Array, "*members"]  # as counted from one; 0 as long as there is none
    smallest: Float[Array, "*members"]
    largest: Float[Array, "*members"]


class TrainingState(eqx.Module, Generic[Network]):
    """Where training has got to. A run that goes on from a saved state does what it would have done without the stop.

    Arrays of networks that are trained together have leading axes of members; members that share their random numbers
    share the key, and all share the count of steps.
    """

    parameters: Network  # of which the floating-point arrays are trained
    optimiser: optax.OptState
    key: PRNGKeyArray | None  # None where nothing is random
    step: Int[Array, ""]  # how many steps have been taken
    divergence: Divergence | None = None  # None where the loss is not watched


def member_axes(state: TrainingState, *, key: int | None = None) -> Any:
    """The axes of a state over members, for `jax.vmap`; members share the random key unless its axis is given.

    They also share the integers of the optimiser, which count steps that all members take together: an optimiser whose
    integers depend on the gradient (`optax.apply_if_finite`) is for single networks.
    """
    watched = None if state.divergence is None else 0
    axes: tuple[Any, ...] = (0, _floating_axes(state.optimiser), key, None, watched)
    return TrainingState(*axes)


def some_members(state: TrainingState, some: slice, *, axis: int) -> TrainingState:
    """Of a state whose arrays have members along `axis`, and whose keys have no axis before, those that `some` takes.

    What members share, see `member_axes`, stays shared.
    """
    index = (slice(None),) * axis + (some,)
    own = jax.tree.map(lambda leaf: leaf[index] if eqx.is_inexact_array(leaf) else leaf, state)
    return own if state.key is None else eqx.tree_at(lambda each: each.key, own, state.key[some])


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

    @property
    def fused(self) -> bool:
        """Whether its steps are compiled by `jit_with_fused_loops`: those that take longer than their compilation."""
        return False


@whole_arguments(steps=0)
def advance(training: AbstractTraining, state: TrainingState[Network], steps: int) -> TrainingState[Network]:
    """The state after `steps` = 0, 1, … steps, in one compiled loop, which is the same for every number of steps.

    The memory of the given state is used for the new one: where a compiled program runs, the given one is gone
    afterwards. Raises ValueError for other numbers of steps.
    """
    compiled = _advance_fused if training.fused else _advance_plain
    return compiled((training, jnp.asarray(steps, jnp.int32)), state)


def _advance(fixed: tuple[AbstractTraining, Array], state: TrainingState[Network]) -> TrainingState[Network]:
    training, steps = fixed
    arrays, rest = eqx.partition(state, eqx.is_array)

    def step(_, arrays: PyTree) -> PyTree:
        return eqx.filter(training.step(eqx.combine(arrays, rest)), eqx.is_array)

    return eqx.combine(jax.lax.fori_loop(0, steps, step, arrays), rest)


# Of the pair nothing is donated: data are there for the next call as well.
_advance_plain = eqx.filter_jit(_advance, donate="all-except-first")
_advance_fused = jit_with_fused_loops(_advance, donate="all-except-first")


def initial_state(
    network: Network, optimiser: optax.GradientTransformation, key: PRNGKeyArray | None, *, axes: int = 0
) -> TrainingState[Network]:
    """Zero steps done, and an optimiser that has seen no gradient; the network has so many leading axes of members.

    Network and key are copied, since `advance` uses up what it is given.
    """
    network, key = jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, (network, key))
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


def to_arrays(state: eqx.Module) -> dict[str, np.ndarray]:
    """The arrays of a state, or of a network alone, under their names, for `numpy.savez`.

    Random keys are there as the integers they consist of. Raises ValueError for types that NumPy's files do not keep,
    such as bfloat16. Where members are spread over several hosts, every host gets
    the arrays of all, and all have to ask for them.
    """
    arrays = {name: _fetched(_as_numbers(leaf)) for name, leaf in _named_arrays(state).items()}
    for name, array in arrays.items():
        if array.dtype.kind == "V":
            raise ValueError(f"arrays to be saved must be of NumPy's own types; got {array.dtype} as {name}")
    return arrays


def from_arrays(arrays: Mapping[str, np.ndarray], like: Saved) -> Saved:
    """The state or network that `to_arrays` wrote, with the structure of `like` and placed on its devices.

    `like` is a state of the same training, a fresh one for example. Raises ValueError unless names, shapes and types of
    the arrays are those of `like`.
    """
    expected = _named_arrays(like)
    if set(arrays) != set(expected):
        raise ValueError(f"a saved state must have the arrays {sorted(expected)}; got {sorted(arrays)}")

    def restored(name: str, leaf: Array) -> Array:
        saved, place = arrays[name], _as_numbers(leaf)
        if (saved.shape, saved.dtype) != (place.shape, place.dtype):
            raise ValueError(
                f"{name} must have the shape {place.shape} and the type {place.dtype}; got {saved.shape} and "
                f"{saved.dtype}"
            )
        return _as_key(jax.device_put(jnp.asarray(saved), place.sharding), leaf)

    leaves = [restored(name, leaf) for name, leaf in expected.items()]
    places, rest = eqx.partition(like, eqx.is_array)
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(places), leaves), rest)


def _named_arrays(state: eqx.Module) -> dict[str, Array]:
    """Every array by its path, such as `.parameters.weight`."""
    with_paths = jax.tree_util.tree_leaves_with_path(eqx.filter(state, eqx.is_array))
    return {jax.tree_util.keystr(path): leaf for path, leaf in with_paths}


def on_devices(state: TrainingState, shardings: PyTree) -> TrainingState:
    """The state with its arrays where a tree of shardings says, which has one for each array."""
    arrays, rest = eqx.partition(state, eqx.is_array)

    def placed(leaf: Array, sharding: jax.sharding.Sharding) -> Array:
        return _as_key(jax.device_put(_as_numbers(leaf), sharding), leaf)

    return eqx.combine(jax.tree.map(placed, arrays, shardings), rest)


def _as_numbers(leaf: Array) -> Array:
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _as_key(numbers: Array, like: Array) -> Array:
    """The random key that consists of these integers, if `like` is a key."""
    if not jnp.issubdtype(like.dtype, jax.dtypes.prng_key):
        return numbers
    return jax.random.wrap_key_data(numbers, impl=jax.random.key_impl(like))


def _fetched(leaf: Array) -> np.ndarray:
    if not (leaf.is_fully_addressable or leaf.is_fully_replicated):
        return multihost_utils.process_allgather(leaf, tiled=True)
    return np.asarray(leaf)
