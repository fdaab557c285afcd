"""A ticket and its profile → what is asked in all: the profile fills what the ticket leaves out."""

from collections.abc import Mapping

from domain.assignments import WorkOrder
from domain.errors import InvalidInput
from domain.profiles import Profile, snapshot
from domain.tickets import Manifest


def profile_of(manifest: Manifest, profiles: Mapping[str, Profile]) -> Profile | None:
    """Return the profile a ticket names, None when it names none.

    Raises:
        InvalidInput: there is no such profile; the known ones are named.
    """
    if manifest.profile is None:
        return None
    if manifest.profile not in profiles:
        raise InvalidInput(f"no profile {manifest.profile!r}; known are {', '.join(sorted(profiles)) or 'none'}")
    return profiles[manifest.profile]


def work_order(manifest: Manifest, profile: Profile | None) -> WorkOrder:
    """Fill what the ticket leaves out. Demands add up; wishes of the ticket come first; checks and scope are the
    ticket's own when it names any; a profile's review is never waived by leaving `auto`."""
    order = WorkOrder(
        engine=manifest.engine,
        engine_class=manifest.engine_class,
        capabilities=manifest.capabilities,
        prefers=manifest.prefers,
        verify=manifest.verify,
        allowed_scope=manifest.allowed_scope,
        review_policy=manifest.review_policy,
        persona="",
        profile=None,
    )
    if profile is None:
        return order
    names_checks = manifest.verify or manifest.verify_only is not None
    filled = {
        "engine_class": manifest.engine_class or profile.engine_class,
        "capabilities": tuple(dict.fromkeys((*manifest.capabilities, *profile.capabilities))),
        "prefers": (*manifest.prefers, *(f"engine:{name}" for name in profile.prefers_engine)),
        "verify": manifest.verify if names_checks else profile.default_verify,
        "allowed_scope": manifest.allowed_scope or profile.allowed_scope,
        "review_policy": profile.review_policy if manifest.review_policy == "auto" else manifest.review_policy,
        "persona": profile.persona,
        "profile": snapshot(profile),
    }
    return order.model_copy(update=filled)


def manifest_as_assigned(manifest: Manifest, order: WorkOrder, engine: str) -> Manifest:
    """Return what the run works by: the ticket's manifest with the profile's share and the engine the router chose."""
    filled = ("verify", "allowed_scope", "review_policy")
    return manifest.model_copy(update={"engine": engine, **{name: getattr(order, name) for name in filled}})
