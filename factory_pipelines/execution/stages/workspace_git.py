"""The git a workspace needs, as scripts that run inside its sandbox, never outside."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta

from adapters.sandbox.contract import Sandbox
from domain.errors import PatchUnreadable
from domain.execution import SandboxRef
from domain.harness import Command
from domain.model import Value
from domain.sandbox import Exit, Output, OutputLine

BUNDLE_FILE = "result.bundle"
TREE_FILE = "tree"
TIME_LIMIT = timedelta(minutes=10)
#: Of the workspace's own settings these would hide work from git or run something at the wrong time.
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.fileMode": "true",
    "core.symlinks": "true",
    "core.ignoreCase": "false",
    "core.sparseCheckout": "false",
    "core.splitIndex": "false",
    "index.sparse": "false",
    "gc.auto": "0",
}
_ENVIRONMENT = {
    "GIT_DIR": ".git",
    "GIT_WORK_TREE": ".",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_GRAFT_FILE": "/dev/null",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    **{f"GIT_{role}_NAME": "Software Factory" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "factory-bot@localhost" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_DATE": "@0 +0000" for role in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(_SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(_SETTINGS.values())},
}

_LITTER = r"__pycache__/\n.pytest_cache/\n"  #: what running tests leaves behind, unless the repository wants it
#: Everything in the workspace as one commit on the base ($1), commits of the agent included. The agent's index is only
#: asked for names, so that ignored files it added on purpose come along; its flags (skip-worktree …) hide nothing.
WRITE_BUNDLE = f"""set -e
chmod u+rwx "$FACTORY_OUT"
rm -rf -- "$FACTORY_OUT/{BUNDLE_FILE}" "$FACTORY_OUT/{BUNDLE_FILE}.lock" "$FACTORY_OUT"/result.index* \
 "$FACTORY_OUT/result.names" "$FACTORY_OUT/result.litter"
printf '{_LITTER}' > "$FACTORY_OUT/result.litter"
git ls-files -z > "$FACTORY_OUT/result.names"
export GIT_INDEX_FILE="$FACTORY_OUT/result.index"
git read-tree "$1"
git update-index -z --add --remove --replace --stdin < "$FACTORY_OUT/result.names" || :
git -c core.excludesFile="$FACTORY_OUT/result.litter" add -A
tip=$(git commit-tree -m result -p "$1" "$(git write-tree)")
git update-ref --no-deref refs/factory/result "$tip"
git bundle create -q "$FACTORY_OUT/{BUNDLE_FILE}" refs/factory/result "^$1"
"""
#: the tree that the index of a workspace no agent has touched stands for
WRITE_TREE = f"""git write-tree > "$FACTORY_OUT/{TREE_FILE}" """

Observe = Callable[[Output], None]


class Bench(Value):
    """A sandbox's workspace and how long one script may take there."""

    ref: SandboxRef
    limit: timedelta = TIME_LIMIT


def run_script(sandbox: Sandbox, bench: Bench, script: str, arguments: Sequence[str], observe: Observe) -> None:
    """Run one of our shell scripts in a workspace, under the sandbox's own limits.

    Raises:
        PatchUnreadable: it failed or ran out of time; its last words are in the message.
    """
    argv = ("sh", "-c", script, "collect", *arguments)
    command = Command(argv=argv, environment=_ENVIRONMENT, timeout=bench.limit, output_limit=1_000_000)
    words: list[str] = []
    end: Exit | None = None
    with closing(iter(sandbox.execute(bench.ref, command))) as outputs:  # type: ignore[type-var]
        for output in outputs:
            observe(output)
            match output:
                case OutputLine(text=text):
                    words = [*words[-9:], text[:500]]
                case Exit():
                    end = output
    if end is not None and end.timed_out:
        raise PatchUnreadable(f"reading the workspace took more than {bench.limit.total_seconds():.0f} s")
    if end is None or end.code != 0:
        raise PatchUnreadable(" | ".join(words) or "git ended without a word")


def read_text(sandbox: Sandbox, ref: SandboxRef, name: str, limit: int) -> str:
    content = sandbox.collect(ref, name, limit=limit)
    if content is None:
        raise PatchUnreadable(f"the workspace left no {name}")
    return content.decode("utf-8", "replace").strip()
