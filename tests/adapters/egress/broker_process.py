"""A broker as its own process: `python -m tests.adapters.egress.broker_process ROOT SETTINGS` (a JSON file)."""

import asyncio
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from adapters.egress.broker import serve
from adapters.egress.limits import Limits
from domain.egress import Network, Upstream


async def main(root: Path, settings: dict[str, Any]) -> None:
    """Serve until SIGTERM."""
    upstreams = [Upstream.model_validate(one) for one in settings["upstreams"]]
    network = Network.model_validate(settings.get("network", {}))
    serving = asyncio.ensure_future(
        serve(root, upstreams, settings["secrets"].get, Limits(**settings["limits"]), network=network)
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))
