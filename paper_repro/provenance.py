"""What a provenance must say before anything is made of the result beside it."""

from typing import Any

# By key, the types of JSON that are expected; what else a provenance holds is shown or left alone.
_EXPECTED: dict[str, tuple[type, ...]] = {
    "figure": (str,),
    "preset": (str,),
    "seed": (int,),
    "config": (dict,),
    "data_sha256": (str, type(None)),
    "code_version": (str,),
    "wall_seconds": (int, float),
    "created": (str,),
    "stages_from_checkpoints": (list,),
    "versions": (dict,),
    "digest": (str,),
    "arrays_sha256": (str,),
}


def fault_of(provenance: Any, figure: str) -> str | None:
    """What is wrong with what was read from the provenance of a figure's result, in a few words; None for nothing."""
    if not isinstance(provenance, dict):
        return "no JSON object"
    lacking = [key for key in _EXPECTED if key not in provenance]
    if lacking:
        return f"it lacks {' and '.join(map(repr, lacking))}"
    wrong = [key for key, types in _EXPECTED.items() if type(provenance[key]) not in types]
    if not isinstance(provenance.get("environment", {}), dict):
        wrong.append("environment")
    if provenance["data_sha256"] is not None and "config" not in wrong and "data" not in provenance["config"]:
        wrong.append("config")
    if wrong:
        return f"{' and '.join(map(repr, wrong))} cannot be what a run has written"
    return None if provenance["figure"] == figure else f"it is of {provenance['figure']!r}"
