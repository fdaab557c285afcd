"""Which requests there are at all, for whom, and with what questions. Pure.

A request line becomes a Route with its path taken apart, and with a query of ours; anything else is refused.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

from adapters.sandbox.broker.binds import NAME
from adapters.sandbox.broker.config import HOME_LABEL, ROLE_LABEL, Role
from adapters.sandbox.broker.documents import Malformed, parse

LONGEST_TARGET: Final = 4096
OLDEST_API: Final = 41  #: of version 1; older ones ignore limits that we count on

REFERENCE: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
IMAGE: Final = r"[a-z0-9][A-Za-z0-9_./:@-]{0,383}"
FILE: Final = r"[A-Za-z0-9._-]{1,200}"
NO: Final = "0|false|False"
BOOLEAN: Final = f"{NO}|1|true|True"

Questions = Mapping[str, str]  #: name -> pattern of its value


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of request. A `reference` names a container, image, network or disk."""

    action: str
    methods: tuple[str, ...]
    path: str
    roles: frozenset[Role] = frozenset({Role.SANDBOX})
    questions: Questions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    action: str
    method: str
    version: str = ""  #: `/v1.41`, or nothing
    reference: str = ""
    file: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: str) -> str:
        """Return the target at the engine: the client's API version, that path, our own writing of the query."""
        return f"{self.version}{path}" + (f"?{urlencode(self.query)}" if self.query else "")


BOTH: Final = frozenset(Role)
LAUNCHER: Final = frozenset({Role.LAUNCHER})
_CONTAINER: Final = f"/containers/(?P<reference>{REFERENCE})"
_ATTACHED: Final = dict.fromkeys(("stream", "stdin", "stdout", "stderr", "logs"), BOOLEAN)
_LISTED: Final = {"all": BOOLEAN, "limit": "-?[0-9]{1,6}", "size": NO, "trunc_cmd": BOOLEAN, "filters": ".*"}

RULES: Final = (
    Rule("ping", ("GET", "HEAD"), "/_ping", BOTH),
    Rule("version", ("GET",), "/version", BOTH),
    Rule("image", ("GET",), f"/images/(?P<reference>{IMAGE})/json", BOTH),
    Rule("create", ("POST",), "/containers/create", BOTH, {"name": rf"factory-{REFERENCE}"}),
    Rule("list", ("GET",), "/containers/json", questions=_LISTED),
    Rule("inspect", ("GET",), f"{_CONTAINER}/json", BOTH),
    Rule("start", ("POST",), f"{_CONTAINER}/start", BOTH),
    Rule("kill", ("POST",), f"{_CONTAINER}/kill", BOTH, {"signal": "[A-Z0-9+-]{1,16}"}),
    Rule("stop", ("POST",), f"{_CONTAINER}/stop", BOTH, {"t": r"-?[0-9]{1,6}"}),
    Rule("wait", ("POST",), f"{_CONTAINER}/wait", BOTH, {"condition": "not-running|next-exit|removed"}),
    Rule("attach", ("POST",), f"{_CONTAINER}/attach", questions=_ATTACHED),
    Rule("resize", ("POST",), f"{_CONTAINER}/resize", questions={"h": "[0-9]{1,5}", "w": "[0-9]{1,5}"}),
    Rule("remove", ("DELETE",), _CONTAINER, questions={"v": BOOLEAN, "force": BOOLEAN, "link": NO}),
    Rule("network", ("GET",), f"/networks/(?P<reference>{REFERENCE})", LAUNCHER),
    Rule("connect", ("POST",), f"/networks/(?P<reference>{REFERENCE})/connect", LAUNCHER),
)
#: the broker's own; without a version before them
OWN_RULES: Final = (
    Rule("disks", ("GET",), "/factory/disks"),
    Rule("make disk", ("POST",), f"/factory/disks/(?P<reference>{NAME})"),
    Rule("remove disk", ("DELETE",), f"/factory/disks/(?P<reference>{NAME})"),
    Rule("collect", ("GET",), f"/factory/disks/(?P<reference>{NAME})/out/(?P<file>{FILE})", questions={"limit": "[0-9]{1,15}"}),  # noqa: E501
    Rule("lend", ("PUT",), f"/factory/disks/(?P<reference>{NAME})/out/(?P<file>{FILE})"),
    Rule("catch", ("POST",), f"/factory/containers/(?P<reference>{REFERENCE})/catch"),
    Rule("usage", ("GET",), f"/factory/containers/(?P<reference>{REFERENCE})/usage"),
)  # fmt: skip


def route(method: str, target: str, role: Role) -> Route | str:
    """Return what is asked for, or words on why nobody in this role may ask it."""
    path, _, query = target.partition("?")
    if len(target) > LONGEST_TARGET or not target.isascii() or not target.isprintable():
        return "the target is too long or not plain"
    if any(odd in path for odd in ("%", "//", "..", "/./", "\\", "#")) or not path.startswith("/"):
        return "the path is not plain"
    version, path = _without_version(path)
    if version and int(version.rpartition(".")[2]) < OLDEST_API:
        return f"API versions before 1.{OLDEST_API} are not spoken"
    for rule in RULES if version else (*RULES, *OWN_RULES):
        if (found := re.fullmatch(rule.path, path)) and method in rule.methods and role in rule.roles:
            return _asked(rule, method, version, found.groupdict(), query)
    return "no such endpoint for this role"


def _without_version(path: str) -> tuple[str, str]:
    found = re.match(r"/v1\.[0-9]{1,3}(?=/)", path)
    return (found[0], path[found.end() :]) if found else ("", path)


def _asked(rule: Rule, method: str, version: str, named: dict[str, str], query: str) -> Route | str:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=20)
    except ValueError:
        return "the query is not plain"
    told = {name: value for name, value in pairs if value}
    if len({name for name, _ in pairs}) != len(pairs):
        return "a question stands twice in the query"
    wrong = [name for name, value in told.items() if not re.fullmatch(rule.questions.get(name, "(?!)"), value)]
    if wrong:
        return "not in this query: " + ", ".join(sorted(wrong))
    return Route(rule.action, method, version, named.get("reference", ""), named.get("file", ""), told)


def own_list(query: Mapping[str, str], home: str, role: Role) -> dict[str, str] | str:
    """Return the query of a list that shows containers of this factory and role only, narrowed as asked."""
    try:
        asked = parse(query.get("filters", "").encode())
    except Malformed as error:
        return f"filters: {error}"
    if set(asked) - {"label", "status"}:
        return "filters: only label and status"
    labels, status = (_chosen(asked.get(name)) for name in ("label", "status"))
    if labels is None or status is None or not all(label.startswith("factory.") for label in labels):
        return "filters: labels begin with factory."
    ours = [f"{HOME_LABEL}={home}", f"{ROLE_LABEL}={role.value}", *labels]
    filters = {"label": ours, **({"status": status} if status else {})}
    return {**query, "filters": json.dumps(filters)}


def _chosen(value: object) -> list[str] | None:
    """Read both ways a client may write a set: as a list, or as an object of true values."""
    chosen = list(value) if isinstance(value, dict | list) else [] if value is None else None
    return chosen if chosen is not None and all(isinstance(one, str) for one in chosen) else None
