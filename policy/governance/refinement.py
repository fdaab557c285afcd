"""A repository's own `.factory/governance.yaml` over the operator's policy: it may be stricter, and name exclusions."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from domain.errors import PolicyInvalid
from policy.governance.model import GovernancePolicy, RulePolicy
from policy.governance.refinement_model import (
    DependencyRefinement,
    PathRefinement,
    Refinement,
    RuleRefinement,
    SizeRefinement,
)

COMMITTED = ".factory/governance.yaml"  #: where it lies at the merge base


def refined(
    policy: GovernancePolicy, committed: Any, line_of: Callable[[tuple[str | int, ...]], int] = lambda _: 1
) -> GovernancePolicy:
    """Lay a loaded file over the policy; what would loosen it changes nothing.

    Args:
        policy: The operator's.
        committed: The file's content as loaded; None: an empty one.
        line_of: Gives the line of a key's path in the file.

    Raises:
        PolicyInvalid: each wrong key with its line; `details["errors"]` has one entry a key.
    """
    try:
        told = Refinement.model_validate({} if committed is None else committed)
    except ValidationError as error:
        raise _invalid([(line_of(one["loc"]), one["loc"], one["msg"]) for one in error.errors()]) from error
    strangers = sorted({*told.rules, *(one.rule for one in told.exclusions)} - set(policy.rules))
    if strangers:
        known = f"no such rule; known are {', '.join(policy.rules)}"
        raise _invalid([(line_of(_place(name, told)), _place(name, told), known) for name in strangers])
    return _lay_over(policy, told)


def _invalid(wrong: list[tuple[int, tuple[str | int, ...], str]]) -> PolicyInvalid:
    lines = [
        f"{COMMITTED}:{line}: {'.'.join(map(str, path))}: {message}"
        for line, path, message in sorted(wrong, key=lambda one: (one[0], str(one)))
    ]
    return PolicyInvalid("; ".join(lines[:20]), errors=lines[:200])


def _place(rule: str, told: Refinement) -> tuple[str | int, ...]:
    if rule in told.rules:
        return "rules", rule
    return "exclusions", next(at for at, one in enumerate(told.exclusions) if one.rule == rule), "rule"


def _lay_over(policy: GovernancePolicy, told: Refinement) -> GovernancePolicy:
    rules = {name: _rule(rule, told.rules[name]) if name in told.rules else rule for name, rule in policy.rules.items()}
    licenses = policy.licenses.model_copy(update={"deny": _both(policy.licenses.deny, told.licenses.deny)})
    dependencies = policy.dependencies.model_copy(update=_dependencies(policy, told.dependencies))
    return policy.model_copy(
        update={
            "rules": rules,
            "exclusions": (*policy.exclusions, *told.exclusions),
            "dependencies": dependencies,
            "licenses": licenses,
            "paths": policy.paths.model_copy(update=_paths(policy, told.paths)),
            "size": policy.size.model_copy(update=_size(policy, told.size)),
        }
    )


def _rule(rule: RulePolicy, told: RuleRefinement) -> RulePolicy:
    severity = max([rule.severity, told.severity or rule.severity], key=lambda one: one.rank)
    fails_from = min([rule.fails_from, told.fails_from or rule.fails_from], key=lambda one: one.rank)
    return rule.model_copy(
        update={
            "severity": severity,
            "fails_from": fails_from,
            "mandatory": rule.mandatory or told.mandatory is True,
            "enabled": rule.enabled or told.enabled is True,
            "scanners": _both(rule.scanners, told.scanners),
            "reads": _both(rule.reads, told.reads),
        }
    )


def _dependencies(policy: GovernancePolicy, told: DependencyRefinement) -> Mapping[str, Any]:
    ours = policy.dependencies
    everything = {name: "*" for name, versions in told.denied.items() if versions == "*"}
    return {
        "youngest": max(ours.youngest, told.youngest or ours.youngest),
        "youngest_package": max(ours.youngest_package, told.youngest_package or ours.youngest_package),
        "oldest_advisories": min(ours.oldest_advisories, told.oldest_advisories or ours.oldest_advisories),
        "denied": {**told.denied, **ours.denied, **everything},
        "pins": _stricter(("any", "exact", "hashed"), ours.pins, told.pins),
        "lookalikes": ours.lookalikes or told.lookalikes is True,
        "new_needs_person": ours.new_needs_person or told.new_needs_person is True,
    }


def _paths(policy: GovernancePolicy, told: PathRefinement) -> Mapping[str, Any]:
    return {
        "protected": _both(policy.paths.protected, told.protected),
        "locks": {**told.locks, **policy.paths.locks},
        "shared": _both(policy.paths.shared, told.shared),
        "scope": told.scope or policy.paths.scope,
    }


def _size(policy: GovernancePolicy, told: SizeRefinement) -> Mapping[str, Any]:
    ours = policy.size
    return {
        "max_files": min(ours.max_files, told.max_files or ours.max_files),
        "max_lines": min(ours.max_lines, told.max_lines or ours.max_lines),
        "max_file_bytes": min(ours.max_file_bytes, told.max_file_bytes or ours.max_file_bytes),
        "new_binary": _stricter(("pass", "warn", "fail"), ours.new_binary, told.new_binary),
    }


def _both(ours: tuple[str, ...], told: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*ours, *told)))


def _stricter(order: tuple[str, ...], ours: str, told: str | None) -> str:
    return max([ours, told or ours], key=order.index)
