"""One request from the socket to its answer: who asks, how often, is it GitHub's, may they, then the handler."""

import hashlib
import json
import socket
import threading
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from tests.support.github import description, git_http, routes
from tests.support.github.access import Actor, require
from tests.support.github.answers import Answer, Page, Refused
from tests.support.github.limits import Fault, Quota
from tests.support.github.routing import Call, Route, url_map
from tests.support.github.world import World

PREFIX, GRAPHQL = "/api/v3", "/api/graphql"
PAGE, LARGEST_PAGE = 30, 100
assert routes.__all__


@dataclass(frozen=True)
class Logged:
    """One request as the stand-in saw it."""

    method: str
    template: str  #: as in GitHub's description, `/repos/{owner}/{repo}/pulls`
    path: str
    actor: str
    status: int | None  #: as the client got it; None: nothing reached it
    fault: str = ""  #: what was done to it on demand

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD") and not self.template.endswith("upload-pack")


class Dropped(Exception):
    """The client shall get no answer."""


@dataclass
class Server:
    world: World
    log: list[Logged] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)  #: requests that GitHub does not describe
    stopping: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        try:
            response = self._api(request) if request.path.startswith("/api/") else self._git(request)
        except Dropped:
            _hang_up(environ)
            response = Response(status=500)
        return response(environ, start_response)

    def _api(self, request: Request) -> Response:
        route, values = self._match(request)
        exchange = Exchange(self, request, route.template, values)
        return exchange.run(lambda: self._answer(exchange, route))

    def _match(self, request: Request) -> tuple[Route, dict[str, Any]]:
        path = "/graphql" if request.path == GRAPHQL else request.path.removeprefix(PREFIX)
        try:
            found, values = url_map().bind("github").match(path, request.method)
        except HTTPException:
            return Route(request.method, path, _cannot, None, None, "core", True), {}
        return found, dict(values)

    def _answer(self, exchange: "Exchange", route: Route) -> Response:
        exchange.identify(route.resource)
        exchange.disturb(after=False)
        call = self._call(exchange, route)
        with self.world.lock:
            if route.needs:
                require(call.actor, call.repository, route.needs, route.role)
            found = route.handler(call)
            answer = (
                found
                if isinstance(found, Answer)
                else _page(call, found)
                if isinstance(found, Page)
                else Answer(200, found)
            )
            response = _response(answer)
        exchange.disturb(after=True)
        return exchange.finish(response)

    def _call(self, exchange: "Exchange", route: Route) -> Call:
        """Raises: Refused with 400 for what GitHub does not describe, 422 for what is over a limit of the description."""
        request, values = exchange.request, exchange.values
        try:
            if route.handler is _cannot:
                raise description.InvalidRequest(f"the stand-in cannot do {request.method} {request.path}")
            if route.described:
                description.check(request, route.template, values)
            body = json.loads(request.get_data() or b"null")
        except description.TooMuch as error:
            raise Refused(422, f"Invalid request.\n\n{error}") from None
        except (description.InvalidRequest, ValueError, RecursionError) as error:
            with self.world.lock:
                self.invalid.append(str(error))
            raise Refused(400, f"not described by GitHub: {error}") from None
        return Call(self.world, exchange.actor, request, route.template, values, body)

    def _git(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/", 2)
        tail = parts[2] if len(parts) == 3 else ""
        exchange = Exchange(self, request, f"/{{owner}}/{{repo}}.git/{tail}", {})

        def answer() -> Response:
            if (request.method, tail) not in GIT:
                raise Refused(404, "Not Found")
            exchange.identify("")
            exchange.disturb(after=False)
            with self.world.lock:
                home = self.world.find(parts[0], parts[1].removesuffix(".git"))
            response = git_http.serve(self.world, exchange.actor, home, request, tail)
            exchange.disturb(after=True)
            return response

        return exchange.run(answer)


GIT = {("GET", "info/refs"), ("POST", "git-upload-pack"), ("POST", "git-receive-pack")}


@dataclass
class Exchange:
    """What is known of one request while it is answered."""

    server: Server
    request: Request
    template: str
    values: dict[str, Any]
    actor: Actor = field(default_factory=Actor)
    quota: Quota | None = None
    resource: str = "core"
    fault: Fault | None = None

    def run(self, answer: Any) -> Response:
        try:
            response: Response = answer()
        except Refused as refused:
            response = _response(Answer(refused.status, refused.body, refused.headers))
        except Dropped:
            self._note(None)
            raise
        except Exception:
            with self.server.world.lock:
                self.server.invalid.append(f"the stand-in broke: {traceback.format_exc()}")
            response = _response(Answer(500, {"message": "the stand-in broke"}))
        self._headers(response)
        self._note(response.status_code)
        return response

    def identify(self, resource: str) -> None:
        """Raises: Refused with 401 or 403."""
        world = self.server.world
        with world.lock:
            self.fault = world.faults.pick(self.request.method, self.template)
            self.actor = world.tokens.actor(self.request.headers.get("Authorization"), world.apps, world.now())
            self.resource = resource
            if resource:
                self.quota = world.limits.quota(self.actor.quota, resource, world.now())
                self.quota = world.limits.spend(self.actor.quota, resource, world.now())

    def disturb(self, *, after: bool) -> None:
        """Raises: Refused or Dropped when a fault says so."""
        fault = self.fault
        if not fault or fault.after_effect != after:
            return
        if fault.stall:
            self.server.stopping.wait(fault.stall)
        if fault.status is None:
            raise Dropped
        raise Refused(fault.status, fault.message, **dict(fault.headers))

    def finish(self, response: Response) -> Response:
        """Add the ETag; what the client has already is not sent again and costs nothing."""
        if self.request.method != "GET" or response.status_code != 200:
            return response
        tag = hashlib.sha256(response.get_data()).hexdigest()
        response.headers["ETag"] = f'W/"{tag}"'
        if tag not in self.request.headers.get("If-None-Match", ""):
            return response
        world = self.server.world
        if self.quota:
            with world.lock:
                self.quota = world.limits.give_back(self.actor.quota, self.resource, world.now())
        return Response(
            status=304, headers={name: value for name, value in response.headers if name in ("ETag", "Link")}
        )

    def _headers(self, response: Response) -> None:
        response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex.upper()
        response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        token = self.actor.token
        if token and token.grants is None:
            response.headers["X-OAuth-Scopes"] = "repo"
        if token and token.expires_at and not token.installation:
            response.headers["github-authentication-token-expiration"] = token.expires_at.strftime(
                "%Y-%m-%d %H:%M:%S UTC"
            )
        if self.quota:
            response.headers.update(self.quota.headers(self.resource))

    def _note(self, status: int | None) -> None:
        words = self.fault.word if self.fault else ""
        one = Logged(self.request.method, self.template, self.request.path, self.actor.name, status, words)
        with self.server.world.lock:
            self.server.log.append(one)


def _cannot(call: Call) -> Any:
    raise NotImplementedError(call.template)


def _response(answer: Answer) -> Response:
    if answer.status == 204 or answer.body is None:
        return Response(status=answer.status, headers=answer.headers)
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, answer.headers, content_type="application/vnd.github.raw")
    text = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, answer.status, answer.headers, content_type="application/json; charset=utf-8")


def _page(call: Call, page: Page) -> Answer:
    size = min(LARGEST_PAGE, max(1, _number(call.request.args, "per_page", PAGE)))
    number, last = max(1, _number(call.request.args, "page", 1)), max(1, -(-len(page.items) // size))
    items = [page.render(one) for one in page.items[(number - 1) * size : number * size]]
    body = {"total_count": len(page.items), **page.extra, page.wrap: items} if page.wrap else items
    return Answer(200, body, _links(call, number, last))


def _number(given: Mapping[str, str], name: str, usual: int) -> int:
    text = given.get(name, "")
    return int(text) if text.isdigit() else usual


def _links(call: Call, number: int, last: int) -> dict[str, str]:
    wanted = {"prev": number - 1, "first": 1} if number > 1 else {}
    wanted |= {"next": number + 1, "last": last} if number < last else {}
    given = call.request.args.to_dict()
    found = [
        f'<{call.world.host}{call.request.path}?{urlencode({**given, "page": page})}>; rel="{name}"'
        for name, page in wanted.items()
    ]
    return {"Link": ", ".join(found)} if found else {}


def _hang_up(environ: dict[str, Any]) -> None:
    """Close the connection under the answer; the server finds it gone when it writes."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
