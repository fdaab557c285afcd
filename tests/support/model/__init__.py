"""A stand-in for the model APIs that agent programs talk to: it says what a script says, on loopback, for tests only.

    fix = Script(name="fix", turns=(Turn(calls=(Edit(edit="a.py", old="x", new="y"),)), Turn(say="Done.")))
    with scripted_model([fix]) as model:
        ...  # point a program at model.url; its prompt holds `script:fix#1`
        assert model.sent("fix#1").output_tokens == 80

A program's request brings all of the conversation's history, so which turn is next is read from there; only how often
a fault has happened is counted here. By hand: `python -m tests.support.model --script FILE.json --port N`.
"""

from tests.support.model.book import Seen
from tests.support.model.script import (
    Edit,
    Fault,
    FaultKind,
    Flood,
    Raw,
    Read,
    Script,
    Sh,
    Tokens,
    Turn,
    Write,
    load,
)  # fmt: skip
from tests.support.model.server import Model, scripted_model

__all__ = [
    "Edit", "Fault", "FaultKind", "Flood", "Model", "Raw", "Read", "Script", "Seen", "Sh", "Tokens", "Turn", "Write",
    "load", "scripted_model",
]  # fmt: skip
