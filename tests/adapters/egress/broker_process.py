"""A broker as its own process: `python -m tests.adapters.egress.broker_process ROOT SETTINGS` (a JSON file)."""

import asyncio
import json
import sys
from pathlib import Path

from adapters.egress.broker import serve
from adapters.egress.limits import Limits
from domain.egress import Upstream

if __name__ == "__main__":
    settings = json.loads(Path(sys.argv[2]).read_text())
    upstreams = [Upstream.model_validate(one) for one in settings["upstreams"]]
    asyncio.run(serve(Path(sys.argv[1]), upstreams, settings["secrets"].get, Limits(**settings["limits"])))
