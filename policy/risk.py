"""What a ticket risks before anything is known of its patch."""

from domain.tickets import Manifest, Risk


def initial_risk(manifest: Manifest, trusted_harness: bool) -> Risk:
    """Return the ticket's own word, else low for a harness that runs only what an operator wrote, medium for agents."""
    return manifest.risk or (Risk.LOW if trusted_harness else Risk.MEDIUM)
