"""Which image the commands of a repository run in: named by digest in `policy/rules/images.yaml`."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from domain.model import Name, Value

Language = Literal["python", "node", "go", "rust", "java", "ruby", "php", "make"]

#: the files at a repository's top that tell of a language; any of them will do
TELLING: Final[Mapping[Language, tuple[str, ...]]] = {
    "python": ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt"),
    "node": ("package.json",),
    "go": ("go.mod",),
    "rust": ("Cargo.toml",),
    "java": ("pom.xml", "build.gradle", "build.gradle.kts"),
    "ruby": ("Gemfile",),
    "php": ("composer.json",),
    "make": ("GNUmakefile", "makefile", "Makefile"),
}

LONGEST: Final = 384  # of an image's name with its digest
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = rf"{_PART}(?::[0-9]{{1,5}}(?=/))?(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
_PINNED = re.compile(rf"(?:{_NAME}@)?sha256:[0-9a-f]{{64}}")
_UNPINNED = re.compile(_NAME)


def _pinned(image: str) -> str:
    """Return the name of an image with its digest, or its id alone.

    Raises:
        ValueError: it names another image tomorrow, or none; says how to get the digest.
    """
    shown = repr(image[:100])
    if len(image) > LONGEST:
        raise ValueError(f"images.yaml: {shown}... has more than {LONGEST} characters")
    if _PINNED.fullmatch(image):
        return image
    if _UNPINNED.fullmatch(image):
        raise ValueError(
            f"images.yaml: {shown} is not pinned by digest. "
            f"`docker image inspect --format '{{{{.RepoDigests}}}} {{{{.Id}}}}' {image}` tells NAME@sha256:... of an "
            f"image that was pulled, and sha256:..., the id of one that was built here"
        )
    raise ValueError(f"images.yaml: {shown} is no image: write NAME@sha256:<64 hex digits>, or an id sha256:<64>")


PinnedImage = Annotated[str, AfterValidator(_pinned)]


class ImagePolicy(Value):
    """The images of Docker sandboxes, by digest. The most specific line wins: a repository's over its language's over
    the default. A repository with a line runs in that image or not at all; without any, the setting `sandbox_image`
    says.
    """

    default: PinnedImage | None = None  #: of every repository without a line of its own
    languages: dict[Language, PinnedImage] = {}  #: the first that the repository's base commit shows counts
    repositories: dict[Name, PinnedImage] = {}  #: by name of the repository


def select_image(policy: ImagePolicy, repository: str, languages: Collection[str]) -> str | None:
    """Return the image that the catalogue names for a repository; None when it names none."""
    spoken = (image for language, image in policy.languages.items() if language in languages)
    return policy.repositories.get(repository) or next(spoken, None) or policy.default


def catalogue(policy: ImagePolicy) -> dict[str, str]:
    """Return every image by its place in the file, such as `languages.python`."""
    places = {"default": policy.default} if policy.default else {}
    return {
        **places,
        **{f"languages.{name}": image for name, image in policy.languages.items()},
        **{f"repositories.{name}": image for name, image in policy.repositories.items()},
    }
