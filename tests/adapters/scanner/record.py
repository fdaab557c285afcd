"""Writes `recorded/` anew: what each program says of one small tree. Run `python -m tests.adapters.scanner.record`."""

import json
import tempfile
from pathlib import Path

from adapters.sandbox.bubblewrap import BubblewrapSandbox
from adapters.scanner.catalogue import SCANNERS
from tests.adapters.scanner.at_work import bench

RECORDED = Path(__file__).parent / "recorded"
TREE = {
    "broken.py": "def (:\n",
    "empty.py": "",
    "pkg/a file.py": "import os, pickle, subprocess, tempfile\n\n\n"
    "def f(word):\n    subprocess.run('ls %s' % word, shell=True)  # nosec\n    pickle.loads(word)\n"
    "    return tempfile.mktemp(), undefined_name\n",
    "web.js": "document.body.innerHTML = name; // nosemgrep\n",
}


def main() -> None:
    """Secrets are no part of the tree: a recording holds the lines it is about."""
    RECORDED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, bench(BubblewrapSandbox(Path(folder))) as found:
        for name, scanner in SCANNERS.items():
            found.clear()
            found.lay_out({path: text.encode() for path, text in TREE.items()})
            given = [path for path in TREE if path.endswith(scanner.traits.suffixes or "")]
            written = found.run(scanner.command(scanner.traits.program, given, found.rules))
            told = {"code": written.end.code, "stdout": written.stdout, "stderr": written.stderr}
            (RECORDED / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
