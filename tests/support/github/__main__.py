"""The stand-in as a program: `python -m tests.support.github --port 4000 --folder DIR`; ends on SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
from pathlib import Path

from tests.support.github.stand_in import make_stand_in


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.github", description="A stand-in for github.com.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--folder", type=Path, required=True, help="where the bare repositories go")
    parser.add_argument("--repository", default="acme/app", help="a repository to begin with")
    parser.add_argument("--login", default="ann", help="an administrator of it")
    given = parser.parse_args()
    stand_in, listener = make_stand_in(given.folder, given.port)
    stand_in.repository(given.repository, {"README.md": f"# {given.repository}\n"})
    stand_in.grant(given.repository, given.login, "admin")
    told = {
        "base URL": stand_in.base_url,
        "git": stand_in.git_url(given.repository),
        f"token of {given.login}": stand_in.token(given.login),
    }
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.stdout.writelines(f"{name}: {value}\n" for name, value in told.items())
        sys.stdout.flush()
        listener.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        stand_in.webhooks.stop()
        listener.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
