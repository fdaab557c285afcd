"""What the factory stands on and does not find as it should be."""

from domain.taxonomy import FactoryError, FailureClass


class ForgeUnavailable(FactoryError):
    code = "forge.unavailable"
    failure_class = FailureClass.TRANSIENT
    cause = "forge"
    remedy = "Nothing to do at first: it is tried again; check the forge and the network if it repeats."


class ForgeRefused(FactoryError):
    code = "forge.refused"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "forge"
    remedy = "Read the reason; the forge will answer the same to the same request."


class ForgeFenced(FactoryError):
    code = "forge.fenced"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "conflict"
    remedy = "Nothing to do: a newer run owns this ticket's branch and pull request."


class StorageFull(FactoryError):
    code = "storage.full"
    failure_class = FailureClass.TRANSIENT
    cause = "storage"
    remedy = "Free disk space where FACTORY_HOME lies; the attempt is repeated."


class LedgerUnavailable(FactoryError):
    code = "ledger.unavailable"
    failure_class = FailureClass.TRANSIENT
    cause = "ledger"
    remedy = "Check that the database in FACTORY_DATABASE_URL answers; work goes on when it does."


class LedgerOutdated(FactoryError):
    code = "ledger.outdated"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Run `factory db migrate`."


class PolicyInvalid(FactoryError):
    code = "policy.invalid"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Correct the named policy field; nothing falls back to a permissive default."


class SettingsInvalid(FactoryError):
    code = "settings.invalid"
    failure_class = FailureClass.NON_RETRIABLE
    remedy = "Correct the named setting; `factory config show` prints what is in force."


class ServiceFailed(FactoryError):
    code = "service.failed"
    failure_class = FailureClass.TRANSIENT
    remedy = "Read the named log file; `factory doctor` checks what the services need."


class RepositoryInvalid(FactoryError):
    code = "repository.invalid"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "repository"
    remedy = "Give a git repository with a commit and an existing base branch (`git init`, `git commit`, `--base`)."


class RepositoryDiverged(FactoryError):
    code = "repository.diverged"
    failure_class = FailureClass.NON_RETRIABLE
    cause = "repository"
    remedy = "Merge the factory's base branch into yours: `git pull <remote from factory repo show>`, then requeue."
