"""Brings one bucket to what another one holds, pass by pass, and proves that it does.

A pass lists both buckets, copies what is not known to be equal, deletes what the source has no
more, and lists again: only what did not change meanwhile counts as brought. So objects may be
written, replaced and deleted all the time, and the next pass has only that left to do; the last one
runs while nobody writes. Current versions are brought with their metadata; older versions stay in
the old bucket for as long as it keeps them.
"""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from database_moves.errors import MoveError
from database_moves.progress import Step
from tenant_moves import rclone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from database_moves.database import Side
    from database_moves.progress import Progress
    from tenant_moves.pairs import Pairs

FEW = 50
"""So many objects are copied by S3 itself, one call each: starting rclone takes longer."""

THREADS = 16
DELETE_AT_ONCE = 1000
CHUNK = 1024**2
S3_COPY_LIMIT = 5 * 1024**3
"""The largest object that one call copies, in bytes."""

GONE = ("NoSuchKey", "404", "PreconditionFailed", "412")
"""What S3 says of an object that is gone, or is another by now."""

_MD5 = re.compile(r'"?[0-9a-f]{32}"?')


@dataclass(frozen=True)
class Bucket:
    """A bucket and a client of its region; and how rclone reaches it."""

    name: str
    s3: Any
    remote: rclone.Remote


class Found(NamedTuple):
    """An object as a listing has it."""

    tag: str
    size: int


@dataclass(frozen=True)
class Pass:
    """What one pass did, and how the buckets compare after it."""

    copied: int
    copied_bytes: int
    deleted: int
    objects: int
    """In the bucket that is copied from."""
    bytes: int
    left: tuple[str, ...]
    """Keys that changed meanwhile, and are for the next pass."""


class Copier:
    """Brings what one bucket holds into another, in either direction of a move."""

    def __init__(
        self,
        source: Bucket,
        target: Bucket,
        pairs: Pairs,
        to: Side,
        *,
        check: Callable[[], None] = lambda: None,
        report: Progress = lambda _: None,
    ) -> None:
        """`to` is the side that is written to."""
        self._from, self._into = (source, target) if to == "target" else (target, source)
        self._pairs = pairs
        self._forward = to == "target"
        self._check = check
        self._report = report

    def bring(self, *, delete: bool = True) -> Pass:
        """One pass. Raises `MoveError` where something could not be copied or proven equal."""
        known = self._pairs.read()
        here, there = self._list(self._from), self._list(self._into)
        wanted = [
            key for key, found in here.items() if not self._equal(found, there.get(key), known, key)
        ]
        self._copy(wanted, here)
        gone = [key for key in there if key not in here] if delete else []
        self._delete(gone)
        if wanted or gone:
            before, here, there = here, self._list(self._from), self._list(self._into)
        else:
            before = here
        still = [key for key in here if before.get(key) == here[key] and key in there]
        settled = self._prove(still, here, there, known)
        left = sorted({*(set(here) - settled), *(set(there) - set(here) if delete else ())})
        return Pass(
            copied=len(wanted),
            copied_bytes=sum(before[key].size for key in wanted),
            deleted=len(gone),
            objects=len(here),
            bytes=sum(found.size for found in here.values()),
            left=tuple(left),
        )

    def bring_late(self) -> int:
        """Bring objects that were written here after the last pass, and nowhere since; how many.

        Raises `MoveError` for one that was written on both sides.
        """
        known = self._pairs.read()
        here, there = self._list(self._from), self._list(self._into)
        late = []
        for key, found in here.items():
            ours, theirs = self._ordered(known[key]) if key in known else (None, None)
            if found.tag == ours:
                continue
            now = there.get(key)
            if now is not None and _same_content(found, now):
                continue
            if (now.tag if now is not None else None) != theirs:
                raise MoveError(
                    f"{key!r} was written in {self._from.name} after it was read-only, and in "
                    f"{self._into.name} too",
                    remedy="decide which one is right, and copy it by hand",
                )
            late.append(key)
        self._copy(late, here)
        there = self._list(self._into)
        self._prove([key for key in late if key in there], here, there, known)
        return len(late)

    def _equal(
        self, here: Found, there: Found | None, known: dict[str, tuple[str, str]], key: str
    ) -> bool:
        if there is None or here.size != there.size:
            return False
        return known.get(key) == self._tags(here, there) or _same_content(here, there)

    def _prove(
        self,
        keys: Sequence[str],
        here: dict[str, Found],
        there: dict[str, Found],
        known: dict[str, tuple[str, str]],
    ) -> set[str]:
        """Those of the keys whose objects are equal, and did not change while that was proven."""
        new = [key for key in keys if known.get(key) != self._tags(here[key], there[key])]
        with ThreadPoolExecutor(THREADS) as pool:
            proven = pool.map(lambda key: self._proven(key, here[key], there[key]), new)
            answers = dict(zip(new, proven, strict=True))
        wrong = [key for key, equal in answers.items() if equal is False]
        if wrong:
            raise MoveError(
                f"{len(wrong)} objects of {self._into.name} are not what {self._from.name} has, "
                f"such as {wrong[0]!r}",
                remedy="run the same command again; who writes to the new bucket must stop",
            )
        equal = {key for key, answer in answers.items() if answer}
        self._pairs.add((key, self._tags(here[key], there[key])) for key in sorted(equal))
        return (set(keys) - set(new)) | equal

    def _proven(self, key: str, here: Found, there: Found) -> bool | None:
        """Whether two objects are equal; None where one of them is gone or another by now."""
        self._check()
        if here.size != there.size:
            return False
        if _same_content(here, there):
            return True
        # Where keys of KMS encrypt, or an object came in parts, an ETag is no checksum.
        digests = (self._digest(self._from, key, here), self._digest(self._into, key, there))
        return None if None in digests else digests[0] == digests[1]

    def _digest(self, bucket: Bucket, key: str, found: Found) -> str | None:
        try:
            answer = bucket.s3.get_object(Bucket=bucket.name, Key=key, IfMatch=found.tag)
        except bucket.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return None
        digest = hashlib.sha256()
        for chunk in answer["Body"].iter_chunks(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def _copy(self, keys: Sequence[str], here: dict[str, Found]) -> None:
        self._progress(0, keys)
        many = len(keys) > FEW
        by_rclone = [k for k in keys if rclone.takes(k) and (many or here[k].size > S3_COPY_LIMIT)]
        by_call = sorted(set(keys) - set(by_rclone))
        if by_rclone:
            rclone.copy(self._from.name, self._into.remote, by_rclone, self._check)
            self._progress(len(by_rclone), keys)
        with ThreadPoolExecutor(THREADS) as pool:
            for number, _ in enumerate(pool.map(self._copy_one, by_call), 1):
                self._check()
                self._progress(len(by_rclone) + number, keys)

    def _copy_one(self, key: str) -> None:
        missing = self._from.s3.exceptions.ClientError
        try:
            self._into.s3.copy_object(
                Bucket=self._into.name,
                Key=key,
                CopySource={"Bucket": self._from.name, "Key": key},
                MetadataDirective="COPY",
            )
        except missing as error:
            # Deleted since it was listed.
            if error.response["Error"]["Code"] not in GONE:
                raise MoveError(f"{key!r} could not be copied: {error}") from error

    def _delete(self, keys: Sequence[str]) -> None:
        for at in range(0, len(keys), DELETE_AT_ONCE):
            self._check()
            some = [{"Key": key} for key in keys[at : at + DELETE_AT_ONCE]]
            answer = self._into.s3.delete_objects(
                Bucket=self._into.name, Delete={"Objects": some, "Quiet": True}
            )
            # S3 answers well to a request of which single keys were refused.
            for refused in answer.get("Errors", ()):
                raise MoveError(
                    f"{refused['Key']!r} could not be deleted from {self._into.name}: "
                    f"{refused['Code']}: {refused['Message']}",
                    remedy="let the mover's role delete there, and run the same command again",
                )

    def _list(self, bucket: Bucket) -> dict[str, Found]:
        found = {}
        for page in bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
            self._check()
            for item in page.get("Contents", ()):
                found[item["Key"]] = Found(item["ETag"], item["Size"])
        return found

    def _tags(self, here: Found, there: Found) -> tuple[str, str]:
        return (here.tag, there.tag) if self._forward else (there.tag, here.tag)

    def _ordered(self, tags: tuple[str, str]) -> tuple[str, str]:
        return tags if self._forward else (tags[1], tags[0])

    def _progress(self, done: int, keys: Sequence[str]) -> None:
        if keys:
            self._report(Step("objects", done, len(keys), "objects"))


def _same_content(here: Found, there: Found) -> bool:
    return here == there and _MD5.fullmatch(here.tag) is not None
