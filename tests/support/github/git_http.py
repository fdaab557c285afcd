"""Git over smart HTTP: git's own http-backend as CGI behind the same tokens."""

import os
import subprocess
import tempfile
from pathlib import Path

from werkzeug.wrappers import Request, Response

from tests.support.github.access import Actor, may, sees
from tests.support.github.answers import Refused
from tests.support.github.bare import ENVIRONMENT, NOTHING
from tests.support.github.merging import closed_to_pushes, linear_only
from tests.support.github.moves import may_change_workflows, moved
from tests.support.github.state import Repository
from tests.support.github.world import World

CHALLENGE = {"WWW_Authenticate": 'Basic realm="GitHub"'}


def serve(world: World, actor: Actor, home: Repository, request: Request, tail: str) -> Response:
    """Answer one git request; `tail` is what follows the repository in its path.

    Raises: Refused.
    """
    pushes = "git-receive-pack" in (tail, request.args.get("service", ""))
    _refuse(actor, home, pushes=pushes)
    if tail != "git-receive-pack":
        return _run(home, actor, request, tail, {})
    with world.lock, tempfile.NamedTemporaryFile() as pushed:
        answer = _run(home, actor, request, tail, _rules(home, actor) | {"STAND_IN_PUSHED": pushed.name})
        for line in Path(pushed.name).read_text().splitlines():
            old, new, ref = line.split(" ", 2)
            moved(world, home, actor, ref, old if old.strip("0") else NOTHING, new)
        return answer


def _refuse(actor: Actor, home: Repository, *, pushes: bool) -> None:
    if actor.token is None and (pushes or home.private):
        raise Refused(401, "Authentication required", **CHALLENGE)
    if not sees(actor, home):
        raise Refused(404, "Repository not found.")
    if not may(actor, home, "contents", "write" if pushes else "read"):
        word = "Write access to repository not granted." if pushes else "Repository not found."
        raise Refused(403 if pushes else 404, word)


def _rules(home: Repository, actor: Actor) -> dict[str, str]:
    closed = [f"refs/heads/{name}" for name in home.protections if closed_to_pushes(home, name, actor)]
    linear = [f"refs/heads/{name}" for name in home.protections if linear_only(home, name, actor)]
    kind = "a GitHub App" if actor.acting_app else "a Personal Access Token"
    return {
        "STAND_IN_CLOSED": "\n".join(closed),
        "STAND_IN_LINEAR": "\n".join(linear),
        "STAND_IN_WORKFLOWS": "" if may_change_workflows(home, actor) else kind,
    }


def _run(home: Repository, actor: Actor, request: Request, tail: str, more: dict[str, str]) -> Response:
    body = request.get_data()
    environment = {
        **ENVIRONMENT,
        "GIT_PROJECT_ROOT": str(home.git.folder.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{home.git.folder.name}/{tail}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string.decode(),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REMOTE_USER": actor.name,
        "REMOTE_ADDR": request.remote_addr or "",
        "TMPDIR": os.environ.get("TMPDIR", tempfile.gettempdir()),
        **more,
    }
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = [line.split(": ", 1) for line in head.decode().splitlines() if ": " in line]
    status = next(
        (int(value.split()[0]) for name, value in headers if name == "Status"), 200 if done.returncode == 0 else 500
    )
    return Response(content, status, [(name, value) for name, value in headers if name != "Status"])
