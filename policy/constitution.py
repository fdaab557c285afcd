"""The four rules every harness prompt begins with, in this order."""

from typing import Final

from domain.tickets import Manifest

CONSTITUTION: Final = (
    "Never commit a secret.",
    "Run the tests before you commit.",
    "Get secrets only from the provider you were given.",
    "Edit what is there rather than rewriting it.",
)


def prompt_for(manifest: Manifest) -> str:
    """Return the prompt of a ticket: the constitution, then what is wanted, then how it will be judged."""
    rules = "\n".join(f"{number}. {rule}" for number, rule in enumerate(CONSTITUTION, 1))
    criteria = "\n".join(f"- {item.text}" for item in manifest.acceptance)
    parts = [rules, f"# {manifest.title}", manifest.body.strip()]
    if criteria:
        parts.append(f"It is done when:\n{criteria}")
    return "\n\n".join(part for part in parts if part) + "\n"
