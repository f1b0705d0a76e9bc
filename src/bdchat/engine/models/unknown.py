"""What to say to somebody who named a model that is not there: what is true, and the names that are near. Pure."""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from bdchat.engine.errors import UnknownModel

MAX_NEAREST = 3
NEAR = 0.6  # a ratio of equal letters; "llama3" and "mistral" have less


def unknown_model(name: str, *, here: Sequence[str], catalog: Mapping[str, int], is_path: bool) -> UnknownModel:
    """`catalog`: name → bytes to be downloaded. `is_path`: it is written as one, and no file is there."""
    if is_path:
        advice = f"A model is named by its file, or by a name: {_listed(here)}"
        return UnknownModel(name, tuple(here), f"{name}: there is no such file", advice)
    if name in catalog:
        size = f"{catalog[name] / 1e9:.1f} GB" if catalog[name] >= 1e9 else f"{catalog[name] / 1e6:.0f} MB"
        return UnknownModel(name, tuple(here), f"{name} is not here yet", f"`bdchat pull {name}` fetches it ({size})")
    near = nearest(name, [*here, *(each for each in catalog if each not in here)])
    found = (
        f"The nearest names: {', '.join(near)}" if near else f"There are: {', '.join([*here, *catalog][:MAX_NEAREST])}"
    )
    problem = f"there is no model {name}, neither here nor in the catalog"
    advice = f"{found}. `bdchat models` lists all; `bdchat pull NAME` fetches one of the catalog"
    return UnknownModel(name, tuple(here), problem, advice)


def nearest(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those that begin or go on like it first, whatever stands between their letters."""
    wanted = _letters(name)
    if not wanted:
        return ()
    scored = [(_likeness(wanted, _letters(each)), each) for each in names]
    best = sorted((pair for pair in scored if pair[0] >= NEAR), key=lambda pair: -pair[0])
    return tuple(each for _, each in best[:MAX_NEAREST])


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _likeness(wanted: str, name: str) -> float:
    if name.startswith(wanted):
        return 2.0
    if wanted in name:
        return 1.5
    return SequenceMatcher(None, wanted, name[: len(wanted) + 2]).ratio()


def _listed(here: Sequence[str]) -> str:
    return ", ".join(here[:5]) if here else "`bdchat models` lists those that can be fetched"
