"""What a container may be: a request's document -> what is sent on, and every field that is refused. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from adapters.sandbox.broker import fields
from adapters.sandbox.broker.binds import NAME, Bind, judge_binds
from adapters.sandbox.broker.config import HOME_LABEL, ROLE_LABEL, SANDBOX_LABEL, BrokerConfig, Role
from adapters.sandbox.broker.documents import Document, Known, Malformed, parse, sift

MOST_LABELS = 16
NO_NEW_PRIVILEGES = ("no-new-privileges", "no-new-privileges:true")
SMALLEST_MEMORY = 64 * 1024**2
MOST_PROCESSES = 4096
TMPFS_FILES = 1_000_000
SHARED_MEMORY = 1024**3

STREAMS: Known = dict.fromkeys(
    ("Tty", "OpenStdin", "StdinOnce", "AttachStdin", "AttachStdout", "AttachStderr", "NetworkDisabled"), fields.flag
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`document` holds known fields only and is what the engine may be sent, when there are no offences."""

    document: Document
    offences: tuple[str, ...]
    binds: tuple[Bind, ...] = ()
    sandbox: str = ""


def judge_sandbox(document: Document, config: BrokerConfig, images: frozenset[str], profile: Document) -> Judgement:
    """Judge what a run worker asks for. `images` are the configured ones by name and by id."""
    host = document.get("HostConfig")
    host = host if isinstance(host, dict) else {}
    labels = document.get("Labels")
    sandbox = label(labels, SANDBOX_LABEL)
    kept, offences = sift(document, _body_fields(config, images))
    kept_host, host_offences = sift(host, _host_fields(config, profile), "HostConfig.")
    if host.get("MemorySwap") != host.get("Memory"):
        host_offences.append("HostConfig.MemorySwap")
    binds, bind_offences = judge_binds(host.get("Binds") or [], sandbox, config.roots)
    kept_host["SecurityOpt"] = ["no-new-privileges", "seccomp=" + json.dumps(profile)]
    kept["HostConfig"] = kept_host
    kept.pop("NetworkingConfig", None)
    return Judgement(kept, (*offences, *host_offences, *bind_offences), tuple(binds), sandbox)


def _body_fields(config: BrokerConfig, images: frozenset[str]) -> Known:
    return {
        "Image": lambda value: isinstance(value, str) and value in images,
        "Cmd": lambda value: fields.texts(value) and bool(value),
        "User": fields.exactly(config.user),
        "Env": fields.absent_or(fields.assignments),
        "WorkingDir": fields.absent_or(_inside),
        "Hostname": fields.absent_or(fields.matching(r"[a-z0-9-]{0,63}")),
        "Labels": _sandbox_labels(config.home),
        "HostConfig": lambda value: isinstance(value, dict),
        "NetworkingConfig": lambda value: networks(value) <= {"none"},
        **STREAMS,
    }


def _host_fields(config: BrokerConfig, profile: Document) -> Known:
    limits = config.limits
    return {
        "Binds": fields.absent_or(fields.texts),
        "ReadonlyRootfs": fields.exactly(True),
        "CapDrop": fields.exactly(["ALL"]),
        "SecurityOpt": _secured_by(profile),
        "PidsLimit": fields.within(1, MOST_PROCESSES),
        "Memory": fields.within(SMALLEST_MEMORY, limits.memory_bytes),
        "MemorySwap": fields.within(SMALLEST_MEMORY, limits.memory_bytes),
        "MemorySwappiness": fields.absent_or(fields.within(-1, 100)),
        "NanoCpus": fields.within(1, limits.nano_cpus),
        "ShmSize": fields.absent_or(fields.within(0, SHARED_MEMORY)),
        "NetworkMode": fields.exactly("none"),
        "IpcMode": fields.among("private", "none"),
        "CgroupnsMode": fields.exactly("private"),
        "Init": fields.exactly(True),
        "LogConfig": fields.no_logging,
        "Dns": fields.exactly(["127.0.0.1"]),
        "Ulimits": fields.ulimits("core"),
        "Tmpfs": fields.absent_or(fields.tmpfs(limits.memory_bytes, TMPFS_FILES)),
        "RestartPolicy": fields.no_restart,
    }


def _inside(value: object) -> bool:
    if not isinstance(value, str) or "\0" in value or ".." in value.split("/"):
        return False
    return value in ("", "/sandbox") or value.startswith("/sandbox/")


def _sandbox_labels(home: str) -> fields.Fits:
    def fits(value: object) -> bool:
        if not are_labels(value) or not all(key.startswith("factory.") for key in value):
            return False
        return owned_by(value, home, Role.SANDBOX) and re.fullmatch(NAME, value.get(SANDBOX_LABEL, "")) is not None

    return fits


def are_labels(value: object) -> TypeGuard[dict[str, str]]:
    """Return whether a value is a small set of labels."""
    if not isinstance(value, dict) or len(value) > MOST_LABELS:
        return False
    return all(isinstance(text, str) and len(text) <= 256 for text in value.values())


def owned_by(labels: object, home: str, role: Role) -> bool:
    """Return whether labels say that a container is this factory's and may be touched in this role."""
    return label(labels, HOME_LABEL) == home and label(labels, ROLE_LABEL) == role.value


def label(labels: object, name: str) -> str:
    """Return one label; an empty text when there is none."""
    value = labels.get(name) if isinstance(labels, Mapping) else None
    return value if isinstance(value, str) else ""


def networks(value: object) -> set[str]:
    """Return the networks a request names; one that nobody may have for a malformed one."""
    if value is None or value == {}:
        return set()
    endpoints = value.get("EndpointsConfig", {}) if isinstance(value, Mapping) and len(value) == 1 else "?"
    return {"?"} if not isinstance(endpoints, Mapping | None) else set(endpoints or ())


def _secured_by(profile: Document) -> fields.Fits:
    """Exactly two options: no new privileges, and the strict profile, equal as a document."""

    def fits(value: object) -> bool:
        if not fields.texts(value) or len(value) != 2:  # type: ignore[arg-type]
            return False
        told = sorted(value, key=lambda option: option not in NO_NEW_PRIVILEGES)  # type: ignore[call-overload]
        return told[0] in NO_NEW_PRIVILEGES and is_profile(told[1], profile)

    return fits


def is_profile(option: str, profile: Document) -> bool:
    kind, _, text = option.partition("=")
    try:
        return kind == "seccomp" and parse(text.encode(errors="replace")) == profile
    except Malformed:
        return False
