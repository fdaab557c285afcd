"""A script's calls become the tools that the request offers."""

import pytest

from tests.model.talk import Claude, Codex, Dialect, GeminiCli, Heard, Talk, each_dialect
from tests.support.model import Edit, Flood, Raw, Read, Script, Sh, Turn, Write, scripted_model
from tests.support.model.script import Call

EDIT = Edit(edit="calc.py", old="    a - b\n    c", new="    a + b")
PATCH = "*** Begin Patch\n*** Update File: calc.py\n@@\n-    a - b\n-    c\n+    a + b\n*** End Patch"
ADD = "*** Begin Patch\n*** Add File: new.txt\n+one\n+\n+two\n*** End Patch"


def ask(dialect: Dialect, *calls: Call, tools: object = None, prompt: str = "go") -> Heard:
    with scripted_model([Script(name="one", turns=(Turn(calls=calls),))]) as model:
        return Talk(dialect, model.url, tools=tools).ask(prompt)


def used(dialect: Dialect, call: Call, **more: object) -> tuple[str, object]:
    heard = ask(dialect, call, **more)  # type: ignore[arg-type]
    assert heard.status == 200, heard.raw
    return heard.calls[0]["name"], heard.calls[0]["arguments"]


def test_codex_gets_commands_and_patches():
    assert used(Codex(), Sh(sh="ls -l")) == ("exec_command", {"cmd": "ls -l"})
    assert used(Codex(), Read(read="it's here")) == ("exec_command", {"cmd": "cat 'it'\"'\"'s here'"})
    assert used(Codex(), EDIT) == ("apply_patch", PATCH)
    assert used(Codex(), Write(write="new.txt", content="one\n\ntwo\n")) == ("apply_patch", ADD)


def test_codex_without_its_patch_tool_gets_the_patch_by_the_shell():
    tools = [Codex.tools[0]]
    name, arguments = used(Codex(), EDIT, tools=tools)
    assert name == "exec_command"
    assert arguments == {"cmd": f"apply_patch <<'END_OF_PATCH'\n{PATCH}\nEND_OF_PATCH"}


def test_a_patch_tool_that_is_a_function_gets_json():
    tools = [{"type": "function", "name": "apply_patch", "parameters": {"properties": {"input": {}}}}]
    assert used(Codex(), EDIT, tools=tools) == ("apply_patch", {"input": PATCH})


def test_claude_gets_its_own_tools():
    edit = {"file_path": "calc.py", "old_string": EDIT.old, "new_string": EDIT.new}
    assert used(Claude(), Sh(sh="ls")) == ("Bash", {"command": "ls", "description": "Run a command"})
    assert used(Claude(), EDIT) == ("Edit", edit)
    assert used(Claude(), Write(write="a", content="b")) == ("Write", {"file_path": "a", "content": "b"})
    assert used(Claude(), Read(read="a")) == ("Read", {"file_path": "a"})


def test_a_part_of_a_file_is_asked_for_as_the_tool_wants_it():
    assert used(Codex(), Read(read="a", lines=5)) == ("exec_command", {"cmd": "head -n 5 a"})
    for name, arguments in (("limit", {"limit": 5}), ("end_line", {"end_line": 5})):
        tools = [{"name": "Read", "input_schema": {"properties": {"file_path": {}, name: {}}}}]
        assert used(Claude(), Read(read="a", lines=5), tools=tools) == ("Read", {"file_path": "a", **arguments})


def test_gemini_gets_its_own_tools():
    edit = {"file_path": "calc.py", "old_string": EDIT.old, "new_string": EDIT.new}
    assert used(GeminiCli(), Sh(sh="ls")) == ("run_shell_command", {"command": "ls"})
    assert used(GeminiCli(), EDIT) == ("replace", {**edit, "instruction": "Replace these lines."})
    assert used(GeminiCli(), Write(write="a", content="b")) == ("write_file", {"file_path": "a", "content": "b"})
    assert used(GeminiCli(), Read(read="a")) == ("read_file", {"file_path": "a"})


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        (Codex(), "<environment_context>\n  <cwd>/work place</cwd>"),
        (GeminiCli(), "- **Workspace Directories:**\n  - /place\n- more"),
    ],
)
def test_paths_lie_in_the_folder_that_the_program_told_of(dialect: Dialect, told: str):
    _, arguments = used(dialect, Read(read="src/a.py"), prompt=told)
    assert arguments in ({"cmd": "cat '/work place/src/a.py'"}, {"file_path": "/place/src/a.py"})


def test_claude_tells_its_folder_in_the_system_prompt():
    with scripted_model([Script(name="one", turns=(Turn(calls=(Read(read="a"), Read(read="/b"))),))]) as model:
        talk = Talk(Claude(), model.url)
        plain = talk.dialect.request
        talk.dialect.request = lambda *a, **k: (  # type: ignore[method-assign]
            plain(*a, **k)[0],
            plain(*a, **k)[1] | {"system": [{"type": "text", "text": " - Primary working directory: /place\n - x"}]},
        )
        calls = talk.ask("go").calls
    assert [one["arguments"]["file_path"] for one in calls] == ["/place/a", "/b"]


@each_dialect
def test_a_flood_is_a_command_that_prints_as_much(dialect: Dialect):
    _, arguments = used(dialect, Flood(flood=30_000_000))
    assert "head -c 30000000" in str(arguments)


@each_dialect
def test_a_tool_nobody_offers_can_be_called_by_its_name(dialect: Dialect):
    assert used(dialect, Raw(raw="no_such_tool", arguments={"a": [1]})) == ("no_such_tool", {"a": [1]})


def test_a_freeform_tool_gets_the_text_as_it_is():
    assert used(Codex(), Raw(raw="apply_patch", arguments="not a patch")) == ("apply_patch", "not a patch")


@each_dialect
@pytest.mark.parametrize("call", [Sh(sh="ls"), EDIT, Raw(raw="x", arguments="a text for no freeform tool")])
def test_a_call_that_the_request_has_no_tool_for_is_refused(dialect: Dialect, call: Call):
    heard = ask(dialect, call, tools=[])
    assert heard.status == 400
    assert heard.json["error"]["message"]
