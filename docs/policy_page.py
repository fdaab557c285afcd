"""The page of policy files: each file's shape, from the models that check it."""

from collections.abc import Iterable
from enum import Enum

from pydantic import BaseModel
from tables import docstring, enum_comments, fields_table

from domain.governance import Verdict
from domain.profiles import Profile
from policy import action_rules, pull_requests
from policy.breakers import BreakerPolicy, BreakerRule
from policy.egress import EgressPolicy
from policy.gates import GATES
from policy.governance import model as governance
from policy.governance import refinement_model as refinement
from policy.images import TELLING, ImagePolicy
from policy.merging import MergePolicy
from policy.prices import Price, PricePolicy
from policy.results import Allowance, ArtifactBounds, PathRule, ResultPolicy
from policy.rules_model import (
    LIMITS,
    ApprovalPolicy,
    ApprovalRule,
    Ceilings,
    GatePolicy,
    LimitPolicy,
    Match,
    OnBreach,
    RetryPolicy,
    RiskRule,
)
from policy.scoring import RoutingPolicy, Weights
from policy.stages import ConstrainedStage, StagePolicy
from policy.tracker_hints import TrackingPolicy

MEANINGS = {
    "actions": "By name, below.",
    "leave": "What the factory may do without asking, below.",
    "hints": "Labels that are heeded: `priority:high` or `P1`, `risk:high`, `engine:codex`, `lock:NAME` …",
    "rules": "Each rule by its name, below.",
    "exclusions": "What a rule lets through, below.",
    "dependencies": "Below.",
    "licenses": "Below.",
    "paths": "Below.",
    "size": "Below.",
    "provenance": "Below.",
    "draft": "Below.",
    "reviewers": "Below.",
    "rework": "Below.",
    "merge": "From when on a change counts as fit to be merged without a person, below.",
    "raise_risk": "Rules that raise the risk.",
}
ACTION_RULE = {"leave": "Whether the factory may, below.", "mechanism": "Of whatever is not allowed, below."}
BOUNDS = {
    "max_files": "A change may touch.",
    "max_lines": "Added and taken away together.",
    "max_file_bytes": "Of one file.",
    "new_binary": "What a new file that no reviewer can read does.",
}
EXCLUSION = {"rule": "Whose failures it lets through.", "reason": "Ten characters or more; the report shows it."}
LICENSES = {
    "allow": "Identifiers that pass.",
    "deny": "Identifiers that fail.",
    "unknown": "What a licence does that nobody tells, or that is in neither list.",
}
SWITCHED = {"enabled": "One that is switched off is shown as skipped.", "mandatory": "To true, never back."}
STRICTER = {
    "enabled": "To true, never back.",
    "mandatory": "To true, never back.",
    "lookalikes": "To true, never back.",
    "new_needs_person": "To true, never back.",
    "scope": "To `enforce`, never back.",
    "rules": "By name; stricter ones.",
    "exclusions": "More of them.",
    **dict.fromkeys(("dependencies", "licenses", "paths", "size"), "Below."),
}


def policies_page() -> str:
    return "".join((HEAD, _first(), _governance(), _middle(), _last()))


HEAD = """# Policy files

The files in `policy/rules/` are validated at load; a wrong one stops the process with the field named. A file of the
same name in the folder that the setting `policy_dir` names replaces the shipped one whole.
"""


def _first() -> str:
    approvals = {"raise_risk": "Rules that raise the risk.", "rules": "The first match decides."}
    gates = ", ".join(f"`{gate.__name__}`" for gate in GATES)
    verdicts = " < ".join(f"`{verdict}`" for verdict in Verdict)
    return f"""
## `actions.yaml`

{docstring(action_rules.ActionPolicy)}

{fields_table(action_rules.ActionPolicy, MEANINGS)}
### `ActionRule`

{fields_table(action_rules.ActionRule, ACTION_RULE)}
{_choices("leave", action_rules.Leave)}
{_choices("mechanism", action_rules.Mechanism)}
## `approvals.yaml`

{docstring(ApprovalPolicy)}

{fields_table(ApprovalPolicy, approvals)}
{_models((RiskRule, ApprovalRule, Match))}
## `breakers.yaml`

{_model(BreakerPolicy)}
### `BreakerRule`

{_model(BreakerRule)}
## `egress.yaml`

{docstring(EgressPolicy)}

{fields_table(EgressPolicy)}
## `gates.yaml`

Gates, always all of them: {gates}. Verdicts, from harmless to blocking: {verdicts}.

{_model(GatePolicy)}"""


def _governance() -> str:
    rules = ", ".join(f"`{rule}`" for rule in governance.RULES)
    return f"""
## `governance.yaml`

What every pull request of an enrolled repository is judged by; [Governance](../governance.md) tells it in words. Rules,
in the order of the report: {rules}.

{fields_table(governance.GovernancePolicy, MEANINGS)}
### `RulePolicy`

{fields_table(governance.RulePolicy, {"enabled": SWITCHED["enabled"]})}
### `Exclusion`

{docstring(governance.Exclusion)}

{fields_table(governance.Exclusion, EXCLUSION)}
### `DependencyPolicy`

{_model(governance.DependencyPolicy)}
### `LicensePolicy`

{docstring(governance.LicensePolicy)}

{fields_table(governance.LicensePolicy, LICENSES)}
### `PathPolicy`

{_model(governance.PathPolicy)}
### `SizePolicy`

{fields_table(governance.SizePolicy, BOUNDS)}
### `ProvenancePolicy`

{_model(governance.ProvenancePolicy)}
### `.factory/governance.yaml`

A repository's own. {docstring(refinement.Refinement).split(". ", 1)[1]}
It is read at the merge base, never from the pull request.

{fields_table(refinement.Refinement, STRICTER)}
{_models(REFINEMENTS, STRICTER)}"""


REFINEMENTS = (
    refinement.RuleRefinement,
    refinement.DependencyRefinement,
    refinement.LicenseRefinement,
    refinement.PathRefinement,
    refinement.SizeRefinement,
)


def _languages() -> str:
    """Return the languages that images.yaml may name, as a table."""
    rows = [f"| `{language}` | {', '.join(f'`{name}`' for name in names)} |" for language, names in TELLING.items()]
    return "\n".join(["| language | any of |", "|---|---|", *rows]) + "\n"


def _middle() -> str:
    limits = ", ".join(f"`{limit}`" for limit in LIMITS)
    return f"""
## `images.yaml`

{docstring(ImagePolicy)} [Images of sandboxes](../sandbox-images.md) says what an image must hold.

{fields_table(ImagePolicy)}
An image is `NAME@sha256:...`, `NAME:TAG@sha256:...` or an id, `sha256:...`. A language is told by a file at the
repository's top:

{_languages()}
## `limits.yaml`

{_model(LimitPolicy)}
Limits: {limits}.

{_choices("on_breach", OnBreach)}
### `Ceilings`

{_model(Ceilings)}
## `prices.yaml`

{_model(PricePolicy)}
### `Price`

{_model(Price)}
## `pull_requests.yaml`

How the factory's own pull requests open, whom they ask, and how often they are worked on again.

{fields_table(pull_requests.PullRequestPolicy, MEANINGS)}
{_models(PULLS, DRAFT)}"""


PULLS = (pull_requests.DraftPolicy, pull_requests.ReviewerPolicy, pull_requests.ReworkPolicy, MergePolicy)


DRAFT = {
    "verdict": "Of the gates: as a draft with one of these.",
    "risk": "Of the ticket: as a draft with one of these.",
    "enabled": "Whether there are any.",
}


def _last() -> str:
    return f"""
## `results.yaml`

{_model(ResultPolicy)}
{_models((PathRule, Allowance, ArtifactBounds))}
## `retry.yaml`

{_model(RetryPolicy)}
## `routing.yaml`

{_model(RoutingPolicy)}
### `Weights`

How much each term of the [score](../routing.md) counts.

{fields_table(Weights)}
## `stages.yaml`

{_model(StagePolicy)}
### `ConstrainedStage`

{_model(ConstrainedStage)}
## `tracking.yaml`

{docstring(TrackingPolicy)}

{fields_table(TrackingPolicy, MEANINGS)}
## `profiles/`

{docstring(Profile)} A file is named as its profile. Those in `profiles/` of the folder that `policy_dir` names are
added; one of a shipped name replaces it whole. Schema: [profile.json](../schemas/profile.json).

{fields_table(Profile)}"""


def _choices(head: str, kind: type[Enum]) -> str:
    told = enum_comments(kind)
    rows = [f"| `{one.value}` | {told.get(one.value, '')} |" for one in kind]
    return "\n".join([f"| `{head}` | meaning |", "|---|---|", *rows]) + "\n"


def _models(models: Iterable[type[BaseModel]], meanings: dict[str, str] | None = None) -> str:
    return "\n".join(f"### `{one.__name__}`\n\n{_model(one, meanings)}" for one in models)


def _model(model: type[BaseModel], meanings: dict[str, str] | None = None) -> str:
    own = docstring(model)
    return (f"{own}\n\n" if own else "") + fields_table(model, meanings)
