"""Started inside by `python3 -c`: takes its modules and its orders from standard input, tells what it got."""

import json
import sys
import types


def main() -> None:
    orders = json.load(sys.stdin)
    for name, source in orders["modules"]:
        module = types.ModuleType(name)
        sys.modules[name] = module
        exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - the hostile programs themselves
    theme = sys.modules[orders["theme"]]
    loot = getattr(theme, orders["function"])(orders["canaries"])
    loot.tell()


if __name__ == "__main__":
    main()
