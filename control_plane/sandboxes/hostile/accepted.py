"""The behaviours that are not contained today and are harmless: the documented list, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    name: str
    backend: str
    reason: str


ACCEPTED = (
    *(
        Accepted(
            name="setuid_bit",
            backend=backend,
            reason=(
                "A file of the sandbox's own may carry the setuid bit. It gives nothing: the sandbox runs with no new"
                " privileges and not as root, its disk is mounted nosuid, and results are collected as bytes without"
                " modes."
            ),
        )
        for backend in ("bubblewrap", "docker")
    ),
)


def reason_for(name: str, backend: str) -> str | None:
    return next((one.reason for one in ACCEPTED if (one.name, one.backend) == (name, backend)), None)
