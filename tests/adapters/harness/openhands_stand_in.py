"""A stand-in for OpenHands: takes the same files and flags, and does what its task says, a JSON object.

Keys: `events` (objects to print), `prose` (lines), `answers` (written down as its model's), `status`, `code`, `spoil`.
"""

import json
import os
import sys
import uuid
from pathlib import Path


def main() -> None:
    flags = dict(zip(sys.argv[1:], [*sys.argv[2:], ""], strict=True))
    own = Path(os.environ["OPENHANDS_PERSISTENCE_DIR"])
    llm = json.loads((own / "agent_settings.json").read_text())["llm"]
    task = json.loads(Path(flags["--file"]).read_text())
    resumed = next((one.partition("=")[2] for one in sys.argv if one.startswith("--resume=")), "")
    conversation = Path(os.environ["OPENHANDS_CONVERSATIONS_DIR"]) / (resumed or uuid.uuid4().hex).replace("-", "")
    conversation.mkdir(exist_ok=True)
    for number, answer in enumerate(task.get("answers", [])):
        (Path(llm["log_completions_folder"]) / f"m-{number}.json").write_text(json.dumps(answer))
    for line in [*task.get("prose", []), *map(json.dumps, task.get("events", []))]:
        sys.stdout.write(f"{line}\n")
    if not task.get("spoil"):
        (conversation / "base_state.json").write_text(json.dumps({"execution_status": task.get("status")}))
    sys.stdout.flush()
    if task.get("code", 0) < 0:
        os.kill(os.getpid(), -task["code"])
    sys.exit(task.get("code", 0))


main()
