"""GET /v1/dead-letter: what `factory dead-letter list --json` tells, behind the front door's guard."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.desk import Desk, open_desk
from control_plane.tickets.dead_letters import dead_letters
from domain.errors import FactoryError, InvalidInput
from resources.settings import Settings

PATH = "/v1/dead-letter"
NOT_STORED = {"cache-control": "no-store"}
YES_NO = {"true": True, "false": False}


class Letters:
    """The ledger is opened at the first request that finds it; `?all=true` lists closed ones too."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._desk: Desk | None = None

    def answer(self, request: Request) -> Response:
        try:
            wanted = YES_NO.get(request.query_params.get("all", "false"))
            if wanted is None:
                raise InvalidInput("all is true or false")
            if self._desk is None:
                self._desk = open_desk(self._settings)
            return _json(dead_letters(self._desk, closed=wanted), 200)
        except FactoryError as error:
            told = {"error": {"code": error.code, "remedy": error.remedy}}  # a message may name the database
            return _json(told, 400 if isinstance(error, InvalidInput) else 503)


def _json(document: dict[str, Any], status: int) -> Response:
    """In ASCII: what agents and people wrote need not be encodable."""
    return Response(json.dumps(document), status, NOT_STORED, media_type="application/json")


def letters_route(settings: Settings) -> Route:
    return Route(PATH, Letters(settings).answer, methods=["GET"])
