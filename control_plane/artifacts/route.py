"""GET /v1/artifacts/DIGEST?kind=KIND&key=CAPABILITY: the bytes of one artifact, as nothing that a browser would run."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import FactoryError, NotFound
from domain.execution import ArtifactRef
from resources.artifact_links import PATH, link_key, opens
from resources.artifacts import open_artifacts
from resources.settings import Settings

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KIND: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
HARMLESS: Final = {
    "cache-control": "private, no-store",
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}
GONE: Final = Response("there is no such artifact, or the link does not open it\n", 404, HARMLESS)


class Artifacts:
    """A wrong capability and a missing artifact look the same."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = open_artifacts(settings)

    def answer(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        kind, given = (request.query_params.get(name, "") for name in ("kind", "key"))
        if not _DIGEST.fullmatch(digest) or not _KIND.fullmatch(kind):
            return GONE
        try:
            if not opens(link_key(self._settings), digest, kind, given):
                return GONE
            content = self._store.get(ArtifactRef(sha256=digest, kind=kind, size=0, name="artifact"))
        except NotFound:
            return GONE
        except (FactoryError, OSError):
            return Response("artifacts cannot be read now\n", 503, HARMLESS)
        return Response(content, 200, HARMLESS, media_type="text/plain; charset=utf-8")


def artifacts_route(settings: Settings) -> Route:
    return Route(PATH + "{digest}", Artifacts(settings).answer, methods=["GET"])
