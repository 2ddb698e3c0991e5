"""The seeds that a command line names: `7`, or `0-4` for five of them."""

from collections.abc import Sequence

from paper_repro.errors import UserError

LARGEST_SEED = 2**63 - 1
MOST_SEEDS = 100


def parse_seed(text: str) -> int:
    """A whole number. Raises UserError for anything else."""
    is_short = text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_SEED))
    if not is_short or int(text) > LARGEST_SEED:
        raise UserError(f"seed {text!r} is not a whole number from 0 to {LARGEST_SEED}")
    return int(text)


def parse_seeds(seed: str | None, seeds: str | None) -> tuple[int, ...] | None:
    """What `--seed` or `--seeds` asks for; None where neither is given. Raises UserError for both, or bad ones."""
    if seeds is None:
        return None if seed is None else (parse_seed(seed),)
    if seed is not None:
        raise UserError("--seed and --seeds exclude each other")
    first, dash, last = seeds.partition("-")
    if not dash:
        raise UserError(f"seeds {seeds!r} is no range; expected A-B, for example 0-4")
    low, high = parse_seed(first), parse_seed(last)
    if not low < high:
        raise UserError(f"seeds {seeds!r} is no range; expected A-B with A smaller than B")
    if high - low >= MOST_SEEDS:
        raise UserError(f"seeds {seeds!r} are {high - low + 1} seeds; expected at most {MOST_SEEDS}")
    return tuple(range(low, high + 1))


def named(seeds: Sequence[int]) -> str:
    """`seed 0`, `seeds 0-4`, `seeds 0, 2, 5`."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]}-{seeds[-1]}"
    return f"seeds {', '.join(map(str, seeds))}"
