"""Proves from evaluated graphs that pull requests reach neither production nor anything secret.

Each claim follows from documents that the stacks declare, and names them. It says nothing of what
AWS and GitHub hold in fact, where somebody may have changed it by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from components.aws.ci_roles import PREVIEW_ENVIRONMENT
from planning.access.actions import LEVELS, ActionSet, said
from planning.access.dangers import GITHUB
from planning.access.decisions import Call, allows, holds
from planning.access.documents import EVERYONE, TOKENS_OF
from planning.access.proof_secrets import READS_SECRETS, opens_only_named_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planning.access.proof_parts import Door, Environment, Granted, Part

_SUB, _AUD, _ARN = f"{GITHUB}:sub", f"{GITHUB}:aud", "aws:principalarn"
_AUDIENCE = "sts.amazonaws.com"
_READING = re.compile(r"[\w-]+:(Get|List|Describe|BatchGet)\w*|kms:Decrypt")
"""By the verb: IAM counts kms:Decrypt and some lists among what changes things."""
_CHANGES = LEVELS[:3]
REVIEWED = ("prod", PREVIEW_ENVIRONMENT)
"""Environments that are of no use without somebody who looks at what enters."""


_TAKING = ("sts:AssumeRole", "ecr:GetAuthorizationToken")
"""What IAM counts among what changes things, and is judged by where it leads."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is to hold, what it follows from, and what speaks against it."""

    text: str
    evidence: tuple[str, ...]
    against: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it, and something for it."""
        return not self.against and bool(self.evidence)

    def to_json(self) -> dict[str, Any]:
        """The claim as JSON can hold it."""
        return {
            "claim": self.text,
            "holds": self.holds,
            "evidence": list(self.evidence),
            "against": list(self.against),
        }


def prove(parts: Sequence[Part]) -> list[Claim]:
    """The claims, each with what it follows from."""
    doors = [door for part in parts for door in part.doors]
    environments = {each.name: each for part in parts for each in part.environments}
    granted = [each for part in parts for each in part.granted]
    repository = next((part.repository for part in parts if part.repository), None)
    reached = _reached(doors, repository, environments)
    nobody = (
        f"none of {len(doors):,} roles lets in repo:{repository}:pull_request, or an environment "
        "that other branches enter",
    )
    none = nobody if doors and repository and not reached else ()
    unread = tuple(each for part in parts for each in part.not_understood)
    return [
        _pinned(doors, repository),
        _protected(doors, environments),
        _reviewed(environments),
        _with(_changes_nothing(reached), none),
        _with(_reads_no_secret(reached), none),
        _with(_goes_no_further(reached, doors), none),
        _with(_not_let_in(reached, granted), none),
        _previews(doors, repository),
        Claim(
            "Every policy document of every stack could be read",
            () if unread else (f"{len(parts)} stacks",),
            unread,
        ),
    ]


def _with(claim: Claim, evidence: tuple[str, ...]) -> Claim:
    return replace(claim, evidence=(*claim.evidence, *evidence))


def _reached(
    doors: Sequence[Door], repository: str | None, environments: dict[str, Environment]
) -> list[Door]:
    """The roles that a pull request's job may take, also by naming an environment that is open."""
    subjects = [f"repo:{repository}:pull_request"]
    subjects += [
        f"repo:{repository}:environment:{name}"
        for name, each in environments.items()
        if not _only_main(each)
    ]
    context = ((_SUB, tuple(subjects)), (_AUD, (_AUDIENCE,)))
    call = Call("sts:AssumeRoleWithWebIdentity", context=context)
    return [door for door in doors if _admits(door, call, f"{TOKENS_OF}{GITHUB}")]


def _admits(door: Door, call: Call, *principals: str) -> bool:
    """Whether a role's trust lets one of some principals take it by a call."""
    admitted = False
    for statement, named in zip(door.trust, door.issuers, strict=True):
        if not ({EVERYONE, *principals} & set(named)):
            continue
        if any(holds(each, call, statement.allows) for each in statement.conditions):
            if not statement.allows:
                return False
            admitted = True
    return admitted


def _of_github(door: Door) -> Iterator[dict[str, tuple[str, tuple[str, ...]]]]:
    """The conditions under which a role trusts GitHub's tokens, by their key."""
    for statement, named in zip(door.trust, door.issuers, strict=True):
        if statement.allows and any(GITHUB in each or each == EVERYONE for each in named):
            for condition in statement.conditions:
                yield {key: (operator, values) for operator, key, values in condition}


def _pinned(doors: Sequence[Door], repository: str | None) -> Claim:
    evidence, against = [], []
    for door in doors:
        for condition in _of_github(door):
            operator, subjects = condition.get(_SUB, ("", ()))
            audience = condition.get(_AUD, ("", ()))
            exact = operator == "StringEquals" and bool(subjects)
            ours = all(each.startswith(f"repo:{repository}:") for each in subjects)
            named = all(
                re.search(
                    r":(environment:[\w-]+|pull_request|ref:refs/(heads|tags)/[\w./-]+)$", each
                )
                for each in subjects
            )
            line = f"{door.role.name} in {door.role.account}: {', '.join(subjects) or 'anyone'}"
            if exact and ours and named and audience == ("StringEquals", (_AUDIENCE,)):
                evidence.append(f"{line}, by {door.place}")
            else:
                against.append(f"{line}, by {door.place}")
    return Claim(
        f"Every role that trusts GitHub names the audience, the repository {repository}, and an "
        "environment, a ref or pull requests, without a wildcard",
        tuple(dict.fromkeys(evidence)),
        tuple(dict.fromkeys(against)),
    )


def _protected(doors: Sequence[Door], environments: dict[str, Environment]) -> Claim:
    """Roles that do more than read settings are behind environments that changes can't enter."""
    evidence, against = [], []
    for door in doors:
        for condition in _of_github(door):
            for subject in condition.get(_SUB, ("", ("",)))[1]:
                if not _of_worth(door) or ":ref:refs/heads/main" in subject:
                    continue
                name = subject.partition(":environment:")[2]
                environment = environments.get(name)
                line = f"{door.role.name} in {door.role.account}"
                if environment is None:
                    against.append(f"{line}: no environment is declared for {subject or 'anyone'}")
                elif _only_main(environment):
                    evidence.append(f"{line}: {name} lets in main alone, by {environment.place}")
                else:
                    against.append(f"{line}: {name} lets in other branches, by {environment.place}")
    return Claim(
        "Every role that changes anything, or reads an object, a secret, a log or a database, is "
        "behind an environment which only jobs of main enter",
        tuple(dict.fromkeys(evidence)),
        tuple(dict.fromkeys(against)),
    )


def _of_worth(door: Door) -> bool:
    """Whether a role does more than read settings."""
    return bool(_changing(door)) or bool(_allowed(door) & READS_SECRETS)


def _only_main(environment: Environment) -> bool:
    return environment.limited and environment.branches == ("main",) and not environment.bypassed


def _reviewed(environments: dict[str, Environment]) -> Claim:
    evidence, against = [], []
    for name in REVIEWED:
        environment = environments.get(name)
        if environment is None:
            against.append(f"no environment {name} is declared")
        elif environment.reviewed:
            evidence.append(environment.place)
        else:
            against.append(f"{environment.place} names none")
    return Claim(
        f"The environments {' and '.join(REVIEWED)} also wait for a reviewer",
        tuple(evidence),
        tuple(against),
    )


def _allowed(door: Door) -> ActionSet:
    """All that a role may do on anything, whatever the conditions of what allows."""
    allowed: ActionSet | None = None
    for statements in door.role.policies:
        here = ActionSet()
        for statement in statements:
            if statement.allows:
                here |= statement.actions
        for statement in statements:
            if not statement.allows and "*" in statement.resources and () in statement.conditions:
                here -= statement.actions
        allowed = here if allowed is None else allowed & here
    return allowed or ActionSet()


def _changing(door: Door) -> list[str]:
    """The actions of a role that change anything."""
    allowed = _allowed(door)
    names = [name for level in _CHANGES for name in allowed.of_level(level).names()]
    return [
        *(name for name in (*names, *sorted(allowed.others)) if not _READING.fullmatch(name)),
        *door.role.opaque,
    ]


def _changes_nothing(reached: Sequence[Door]) -> Claim:
    return Claim(
        "The roles that a pull request's job may take change nothing",
        tuple(
            f"{door.role.name} in {door.role.account}: {len(_allowed(door))} actions that read, by "
            f"{door.place}"
            for door in reached
            if not _changing(door)
        ),
        tuple(
            f"{door.role.name} in {door.role.account}: {', '.join(_changing(door)[:8])}, by "
            f"{door.place}"
            for door in reached
            if _changing(door)
        ),
    )


def _reads_no_secret(reached: Sequence[Door]) -> Claim:
    evidence, against = [], []
    for door in reached:
        line = f"{door.role.name} in {door.role.account}"
        readable = _allowed(door) & READS_SECRETS
        keys = opens_only_named_keys(door.role)
        if readable:
            against.append(f"{line}: {said(readable)}, by {door.place}")
        elif keys is None:
            against.append(f"{line}: kms:Decrypt with keys that no alias names, by {door.place}")
        else:
            opened = f"opens only {', '.join(keys)}" if keys else "opens no key"
            evidence.append(f"{line}: no secret, parameter or object; {opened}, by {door.place}")
    return Claim(
        "They read no secret, no object, no log, and no database", tuple(evidence), tuple(against)
    )


def _goes_no_further(reached: Sequence[Door], doors: Sequence[Door]) -> Claim:
    """From a role to another: the first must be allowed to take the second, which must let it."""
    evidence, against = [], []
    for door in reached:
        taken = [
            other
            for other in doors
            if other is not door and other not in reached and _takes(door, other)
        ]
        line = f"{door.role.name} in {door.role.account}"
        if taken:
            against += [f"{line} may take {other.role.arn}, by {other.place}" for other in taken]
        else:
            evidence.append(f"{line}: none of {len(doors) - 1:,} other roles")
    return Claim("From there no other role can be taken", tuple(evidence), tuple(against))


def _takes(door: Door, other: Door) -> bool:
    role = door.role
    context = ((_ARN, (role.arn,)), ("aws:principalaccount", (role.account,)))
    call = Call("sts:AssumeRole", other.role.arn, context)
    own = f"account {role.account}"
    direct = _admits(other, call, role.arn)
    # An account's principal leaves it to the account's own policies; a role that is named directly
    # in its own account needs no policy of its own, unless one denies.
    return (direct or _admits(other, call, own)) and allows(role.policies, call)


def _previews(doors: Sequence[Door], repository: str | None) -> Claim:
    """Previews are asked for by pull requests, so that what they may is of interest by itself."""
    subject = f"repo:{repository}:environment:{PREVIEW_ENVIRONMENT}"
    call = Call("sts:AssumeRoleWithWebIdentity", context=((_SUB, (subject,)), (_AUD, (_AUDIENCE,))))
    evidence, against = [], []
    for door in doors:
        if not _admits(door, call, f"{TOKENS_OF}{GITHUB}"):
            continue
        line = f"{door.role.name} in {door.role.account}"
        changing = [name for name in _changing(door) if name not in _TAKING]
        keys = opens_only_named_keys(door.role)
        taken = [other for other in doors if other is not door and _takes(door, other)]
        wrong = [other for other in taken if _of_worth(other)]
        if changing:
            against.append(f"{line}: {', '.join(changing[:8])}, by {door.place}")
        if keys is None:
            against.append(f"{line}: kms:Decrypt with keys that no alias names, by {door.place}")
        against += [f"{line} may take {other.role.arn}, by {other.place}" for other in wrong]
        if not changing and keys and not wrong:
            also = "".join(f"; takes {other.role.name}, which only reads" for other in taken)
            evidence.append(f"{line}: opens only {', '.join(keys)}{also}, by {door.place}")
    return Claim(
        "The roles of previews, which run merged code, change nothing and lead to none that does",
        tuple(evidence),
        tuple(against),
    )


def _not_let_in(reached: Sequence[Door], granted: Sequence[Granted]) -> Claim:
    against = []
    for door in reached:
        names = {door.role.arn, f"role {door.role.name} ({door.role.account})", EVERYONE}
        call = Call("*", context=((_ARN, (door.role.arn,)),))
        for each in granted:
            if each.scope.principal not in names or not holds(each.scope.condition, call, True):
                continue
            changing = [name for name in each.actions.names() if not _READING.fullmatch(name)]
            if each.scope.kind == "kubernetes" or (changing and not each.scope.condition):
                against.append(f"{door.role.name}: {said(each.actions)}, by {each.place}")
    evidence = (f"{len(granted):,} permissions of resources and clusters",) if reached else ()
    return Claim(
        "No cluster lets them in, and no resource lets them change it",
        evidence,
        tuple(dict.fromkeys(against)),
    )
