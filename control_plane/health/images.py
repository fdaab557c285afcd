"""Is every image that policy names on this machine?"""

from adapters.sandbox.contract import Imaged
from control_plane.health.machine import Check
from domain.errors import FactoryError, ImageUnavailable
from policy.images import ImagePolicy, catalogue


def image_checks(policy: ImagePolicy, sandbox: object) -> list[Check]:
    """Report on each line of the catalogue; none for a catalogue without lines."""
    if not isinstance(sandbox, Imaged):
        return []
    return [_check(place, image, sandbox) for place, image in catalogue(policy).items()]


def _check(place: str, image: str, sandbox: Imaged) -> Check:
    name = f"image of {place}"
    try:
        return Check(name=name, ok=True, detail=f"{image} is here as {sandbox.image(image)[7:19]}")
    except ImageUnavailable:
        return Check(name=name, ok=False, detail=f"{image} is not on this machine", remedy=_how_to_get(image))
    except FactoryError as error:
        return Check(name=name, ok=False, detail=f"{image}: {error.message}", remedy="See the line of sandbox docker.")


def _how_to_get(image: str) -> str:
    """Return the one command; an id alone can only be brought or built, and then named anew."""
    if "@" in image:
        return f"docker pull {image}"
    return "docker load --input FILE (of the machine that built it), or build it and write its new id into images.yaml"
