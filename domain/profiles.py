"""A profile: how one role works, and what work of that kind demands unless its ticket says otherwise."""

import hashlib
import json
from typing import Annotated

from pydantic import BeforeValidator, Field

from domain.capabilities import Requirements
from domain.engines import Engine
from domain.handwriting import Commands, Handwritten, texts
from domain.model import Name, Record, Sha256
from domain.tickets import ReviewPolicy


class Profile(Handwritten):
    """One file of `policy/profiles/`, owned by people; `version` rises with each change of meaning."""

    name: Name
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    persona: Annotated[str, Field(min_length=200, max_length=20_000)]  #: put before the ticket's own text
    capabilities: Requirements = ()  #: demanded besides those of the ticket
    default_verify: Commands = ()  #: checks of a ticket that names none
    engine_class: Name | None = None  #: of a ticket that names no engine
    prefers_engine: Annotated[tuple[Engine, ...], BeforeValidator(texts)] = ()  #: best first; a wish, not a demand
    allowed_scope: Commands = ()  #: path patterns a change may touch, of a ticket that names none; empty means all
    review_policy: ReviewPolicy = "auto"  #: of a ticket that leaves `auto`


class ProfileSnapshot(Record):
    """A profile as it was when its run was assigned; later edits do not reach the run."""

    profile: Profile
    sha256: Sha256


def snapshot(profile: Profile) -> ProfileSnapshot:
    """Return the profile with the digest of its content, which no order of keys or default changes."""
    told = profile.model_dump(mode="json", exclude_defaults=True)
    content = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return ProfileSnapshot(profile=profile, sha256=hashlib.sha256(content.encode()).hexdigest())
