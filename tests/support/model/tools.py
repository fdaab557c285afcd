"""Calls in words of no program, turned into the tools that a request offers."""

import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

from tests.support.model.script import Call, Edit, Flood, Raw, Read, Sh, Turn, Write
from tests.support.model.wire import Answer, Asked, Body, Refused, Tool, Used

SHELLS = {
    "exec_command": "cmd", "Bash": "command", "run_shell_command": "command", "shell": "command", "terminal": "command"
}  # fmt: skip
EDITORS = ("Edit", "replace")
WRITERS = ("Write", "write_file")
READERS = ("Read", "read_file")
PATCH = "apply_patch"
FILES = "file_editor"  #: one tool for all that is done to files


def answer(asked: Asked, turn: Turn) -> Answer:
    """Make a turn fit for a request. Raises: Refused: it offers no tool for a call."""
    number = asked.turn
    used = (
        Used(f"call_t{number}_{place}", *_one(call, asked.tools, asked.folder)) for place, call in enumerate(turn.calls)
    )
    return Answer(asked, turn, tuple(used))


def _one(call: Call, tools: Mapping[str, Tool], folder: str | None) -> tuple[str, Body | str]:
    match call:
        case Sh(sh=command):
            return _shell(tools, command)
        case Flood(flood=size):
            return _shell(tools, f"yes {'flood ' * 13} | head -c {size}")
        case Edit(edit=path):
            return _edit(call, tools, _absolute(path, folder))
        case Write(write=path):
            return _write(call, tools, _absolute(path, folder))
        case Read(read=path):
            return _read(call, tools, _absolute(path, folder))
        case Raw(raw=name, arguments=arguments):
            return _raw(tools, name, arguments)


def _absolute(path: str, folder: str | None) -> str:
    return str(PurePosixPath(folder) / path) if folder else path


def _offered(tools: Mapping[str, Tool], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in tools), None)


def _shell(tools: Mapping[str, Tool], command: str) -> tuple[str, Body]:
    name = _offered(tools, tuple(SHELLS))
    if name is None:
        raise Refused(f"the script wants a shell; the request offers {sorted(tools)}")
    arguments: Body = {SHELLS[name]: ["bash", "-lc", command] if name == "shell" else command}
    if "description" in tools[name].arguments:
        arguments["description"] = "Run a command"
    return name, arguments | _risk(tools[name])


def _risk(tool: Tool) -> Body:
    """What a program wants to be told of each call's danger."""
    return {"security_risk": "LOW"} if "security_risk" in tool.arguments else {}


def _file(tools: Mapping[str, Tool], command: str, path: str, **told: object) -> tuple[str, Body]:
    return FILES, {"command": command, "path": path, **told, **_risk(tools[FILES])}


def _edit(call: Edit, tools: Mapping[str, Tool], path: str) -> tuple[str, Body | str]:
    name = _offered(tools, EDITORS)
    if name is None and FILES in tools:
        return _file(tools, "str_replace", path, old_str=call.old, new_str=call.new)
    if name is None:
        return _patch(tools, f"*** Update File: {path}\n@@\n{_lines('-', call.old)}{_lines('+', call.new)}")
    arguments: Body = {"file_path": path, "old_string": call.old, "new_string": call.new}
    if "instruction" in tools[name].arguments:
        arguments["instruction"] = "Replace these lines."
    return name, arguments


def _write(call: Write, tools: Mapping[str, Tool], path: str) -> tuple[str, Body | str]:
    name = _offered(tools, WRITERS)
    if name is None and FILES in tools:
        return _file(tools, "create", path, file_text=call.content)
    if name is None:
        return _patch(tools, f"*** Add File: {path}\n{_lines('+', call.content)}")
    return name, {"file_path": path, "content": call.content}


def _read(call: Read, tools: Mapping[str, Tool], path: str) -> tuple[str, Body]:
    name = _offered(tools, READERS)
    if name is None and FILES in tools:
        return _file(tools, "view", path, **({"view_range": [1, call.lines]} if call.lines else {}))
    if name is None:
        return _shell(tools, f"{f'head -n {call.lines}' if call.lines else 'cat'} {shlex.quote(path)}")
    part = {"limit": call.lines, "start_line": 1, "end_line": call.lines} if call.lines else {}
    return name, {"file_path": path} | {key: value for key, value in part.items() if key in tools[name].arguments}


def _raw(tools: Mapping[str, Tool], name: str, arguments: Body | str) -> tuple[str, Body | str]:
    """Call whatever the script says, offered or not: programs must survive a model's invention."""
    if isinstance(arguments, str) and not (name in tools and tools[name].freeform):
        raise Refused(f"{name} is not offered as a freeform tool; the script gives it a text")
    return name, arguments


def _patch(tools: Mapping[str, Tool], hunks: str) -> tuple[str, Body | str]:
    """Patch by the tool for that, or by the shell, where the program looks for it."""
    patch = f"*** Begin Patch\n{hunks}*** End Patch"
    if PATCH not in tools:
        return _shell(tools, f"apply_patch <<'END_OF_PATCH'\n{patch}\nEND_OF_PATCH")
    return PATCH, patch if tools[PATCH].freeform else {"input": patch}


def _lines(sign: str, text: str) -> str:
    return "".join(f"{sign}{line}\n" for line in text.splitlines())
