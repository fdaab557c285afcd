"""`factory governance run`: resolve, judge, tell; with the brokers that its sandboxes need."""

from collections.abc import Callable

from control_plane.governance.targets import PathChange, resolve
from domain.governed import GovernanceReport
from resources.brokers import brokers
from resources.governance.checking import goes_out
from resources.governance.verdict import check_rules, govern
from resources.unowned import making
from resources.wiring import Factory


def run(
    factory: Factory, what: str, change: PathChange, rules: tuple[str, ...], tell: Callable[[str], None]
) -> GovernanceReport:
    """Judge a path or a pull request; raises as resolving and governing do."""
    check_rules(rules)
    target = resolve(factory, what, change, rules)
    for note in target.notes:
        tell(f"note: {note}")
    with brokers(factory, egress=goes_out(target.factory, target.subject)), making(factory.settings):
        return govern(target.factory, target.subject, tell)
