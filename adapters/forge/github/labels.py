"""The labels that the factory sets: which lack, and made."""

from collections.abc import Mapping, Sequence
from typing import Final

from github.GithubException import GithubException
from github.Label import Label

from adapters._vendor.github_limits import ensured
from adapters.forge.github.needs import MADE, MISSING, Need, met
from adapters.forge.github.permissions import needing
from adapters.forge.github.site import Site, hub_failures

COLOUR: Final = "5319e7"


def labels(site: Site, wanted: Sequence[str]) -> list[Need]:
    known = {label.name.lower() for label in site.hub.get_labels()} if wanted else set()
    remedy = f"run `factory repo check {site.name} --fix`; GitHub also makes it when first used"
    return [met(_what(name), name.lower() in known, remedy) for name in wanted]


def with_labels_made(site: Site, needs: Sequence[Need], wanted: Mapping[str, str]) -> list[Need]:
    """Make the labels that lack, and return the needs with what was made; nobody's label is changed.

    Args:
        needs: As inspect() found them.
        wanted: Label → its description.

    Raises:
        ForgeRefused: the credential may not make labels. ForgeUnavailable.
    """
    missing = {one.what for one in needs if one.state == MISSING}
    lacking = {_what(name): name for name in wanted if _what(name) in missing}
    with hub_failures(site.manners), needing("issues: write"):
        for name in lacking.values():
            _make(site, name, wanted[name])
    return [Need(one.what, MADE) if one.what in lacking else one for one in needs]


def _make(site: Site, name: str, description: str) -> None:
    def there() -> Label | None:
        return next((label for label in site.hub.get_labels() if label.name.lower() == name.lower()), None)

    def create() -> Label:
        return site.hub.create_label(name, COLOUR, description)

    try:
        ensured(there, create, site.manners)
    except GithubException as error:
        if error.status != 422 or there() is None:  # 422: somebody made it meanwhile
            raise


def _what(name: str) -> str:
    return f"label {name}"
