"""What one field of a container may say. Each function returns a question to ask of a value. Pure."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

Fits = Callable[[Any], bool]

ULIMITS: Final = {"nofile": 1_048_576, "core": 0, "fsize": 1024**4, "cpu": 7 * 86_400, "nproc": 65_536}
SIZES: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
TMPFS_WORDS: Final = frozenset({"rw", "nosuid", "nodev", "noexec"})


def exactly(expected: object) -> Fits:
    return lambda value: type(value) is type(expected) and value == expected


def absent_or(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


def among(*expected: str) -> Fits:
    return lambda value: isinstance(value, str) and value in expected


def within(least: int, most: int) -> Fits:
    """A whole number; True is none."""
    return lambda value: type(value) is int and least <= value <= most


def anything(_: object) -> bool:
    return True


def flag(value: object) -> bool:
    return value is None or type(value) is bool


def texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and "\0" not in one for one in value)


def assignments(value: object) -> bool:
    return texts(value) and all("=" in one[1:] for one in value)  # type: ignore[attr-defined]


def matching(pattern: str) -> Fits:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def ulimits(*required: str) -> Fits:
    """Known kinds, each once, soft not above hard; core dumps never."""

    def fits(value: object) -> bool:
        if not isinstance(value, list) or not all(_is_ulimit(one) for one in value):
            return False
        names = [one["Name"] for one in value]
        return len(set(names)) == len(names) and set(required) <= set(names)

    return fits


def _is_ulimit(value: object) -> bool:
    if not isinstance(value, Mapping) or set(value) != {"Name", "Soft", "Hard"}:
        return False
    name, soft, hard = value["Name"], value["Soft"], value["Hard"]
    if not isinstance(name, str) or name not in ULIMITS:
        return False
    return type(soft) is int and type(hard) is int and 0 <= soft <= hard <= ULIMITS[name]


def tmpfs(most_bytes: int, most_files: int, targets: Collection[str] = ("/tmp",)) -> Fits:  # noqa: S108 - inside
    """Memory file systems at the targets only, bounded in size and files, without setuid and devices."""

    def fits(value: object) -> bool:
        if not isinstance(value, Mapping) or not set(value) <= set(targets):
            return False
        return all(isinstance(told, str) and _bounded(told, most_bytes, most_files) for told in value.values())

    return fits


def _bounded(told: str, most_bytes: int, most_files: int) -> bool:
    words = told.split(",")
    named = [word.partition("=")[::2] for word in words if "=" in word]
    values = dict(named)
    flags = {word for word in words if "=" not in word}
    if len(values) != len(named) or not set(values) <= {"size", "nr_inodes", "mode", "uid", "gid"}:
        return False
    if not {"nosuid", "nodev"} <= flags <= TMPFS_WORDS:
        return False
    sized = 0 < _amount(values.get("size", "")) <= most_bytes and 0 < _amount(values.get("nr_inodes", "")) <= most_files
    return sized and all(re.fullmatch(r"[0-9]{1,10}", values.get(name, "0")) for name in ("mode", "uid", "gid"))


def _amount(text: str) -> int:
    """Return a size with a suffix as a number; 0, which means no limit to the kernel, for what is none."""
    found = re.fullmatch(r"([0-9]{1,15})([kmg]?)", text)
    return int(found[1]) * SIZES[found[2]] if found else 0


def no_restart(value: object) -> bool:
    return value is None or (
        isinstance(value, Mapping)
        and set(value) <= {"Name", "MaximumRetryCount"}
        and value.get("Name") in (None, "", "no")
        and not value.get("MaximumRetryCount")
    )


def no_logging(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) <= {"Type", "Config"}
        and value.get("Type") == "none"
        and not value.get("Config")
    )
