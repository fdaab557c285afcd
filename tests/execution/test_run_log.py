"""Every event of a run is a line of JSON that says whose it is."""

import json
from pathlib import Path

from tests.support.factory import make_world


def test_each_line_names_run_ticket_harness_and_state(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    ticket = world.file(commands=["printf 'run_id: \\033[2J\\n'", "sed -i 's/x \\* 2/2 * x/' calc.py"])
    assert world.run(ticket) is None
    (file,) = (world.factory.settings.logs_dir / "runs").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    names = {line["event"] for line in lines}
    assert {"step_started", "patch_collected", "policy_judged"} <= names
    for line in lines:
        assert line["run_id"] == "T-1-r1"
        assert (line["ticket_id"], line["harness"], line["state"]) == ("T-1", "command", "running")
        assert line["timestamp"]
