"""A stand-in for an agent program: speaks JSON lines and does what a script file says. No model, no network.

Usage: python agent_stand_in.py, with STAND_IN_SCRIPT naming a JSON list of steps; the prompt comes by standard input.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def tell(**told):
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def edit(path, content):
    tell(type="tool_start", tool="edit", text=path)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)
    tell(type="tool_end", tool="edit", text=path, status="0")


def flood(lines):
    for number in range(lines):
        tell(type="message", text=f"flood {number}")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def raw(text, times=1):
    sys.stdout.write(text * times + "\n")
    sys.stdout.flush()


STEPS = {
    "say": lambda text: tell(type="message", text=text),
    "edit": edit,
    "stall": time.sleep,
    "flood": flood,
    "raw": raw,
    "ignore_interrupt": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    "die": die,
    "usage": lambda **told: tell(type="usage", **told),
    "fail": lambda code, text: tell(type="end", ok=False, code=code, text=text),
    "done": lambda text="": tell(type="end", ok=True, text=text),
}


def main():
    prompt = sys.stdin.read()
    tell(type="start", session="stand-in-1", prompt_characters=len(prompt))
    for step in json.loads(Path(os.environ["STAND_IN_SCRIPT"]).read_text()):
        name, *arguments = step
        STEPS[name](**arguments[0]) if arguments and isinstance(arguments[0], dict) else STEPS[name](*arguments)


if __name__ == "__main__":
    main()
