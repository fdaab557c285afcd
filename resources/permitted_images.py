"""What the container broker may make sandboxes from: the setting's image and the catalogue's as it stands now."""

import structlog

from domain.errors import PolicyInvalid
from resources.policy_files import load_images, rules_file
from resources.settings import Settings

log = structlog.get_logger()
Signature = tuple[str, int, int, int]


class Permitted:
    """Asked before each container. While the file is wrong, what it said when it was right holds.

    Raises:
        PolicyInvalid: it is wrong at the start.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.policy_dir
        self._own = settings.sandbox_image
        self._seen = self._signature()
        self._images = self._read()

    def __call__(self) -> frozenset[str]:
        found = self._signature()
        if found != self._seen:
            self._seen = found
            self._renew()
        return self._images

    def _renew(self) -> None:
        try:
            self._images = self._read()
        except PolicyInvalid as error:
            log.warning("images_not_renewed", reason=error.message[:500])

    def _read(self) -> frozenset[str]:
        return frozenset({self._own, *load_images(self._folder)})

    def _signature(self) -> Signature | None:
        path = rules_file("images", self._folder)
        try:
            found = path.stat()
        except OSError:
            return None
        return str(path), found.st_mtime_ns, found.st_ino, found.st_size
