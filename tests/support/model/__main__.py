"""Serve scripts by hand: a line of JSON for each request, until interrupted."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.support.model import Seen, load, scripted_model


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.model", description=__doc__)
    parser.add_argument("--script", type=Path, required=True, help="a JSON file: one script, or a list of them")
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one")
    options = parser.parse_args()
    try:
        scripts = load(options.script)
    except (OSError, ValueError) as wrong:
        parser.error(str(wrong))
    told = 0

    def is_new(seen: list[Seen]) -> bool:
        return len(seen) > told and seen[told].over

    with scripted_model(scripts, options.port) as model:
        sys.stdout.write(f"{json.dumps({'url': model.url, 'scripts': [one.name for one in scripts]})}\n")
        sys.stdout.flush()
        while True:
            try:
                seen = model.wait_for(is_new, 1)
            except TimeoutError:
                continue
            except KeyboardInterrupt:
                break
            line = asdict(seen[told]) | {"sent": seen[told].sent.model_dump()}
            sys.stdout.write(f"{json.dumps(line)}\n")
            sys.stdout.flush()
            told += 1


if __name__ == "__main__":
    main()
