"""Keeps the local cloud's secret values unreadable on disk, with a key that never leaves it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableSecretError(ValueError):
    """A secret was encrypted with another key, or has been changed since."""


class SecretsStore:
    """Encrypts and authenticates texts with the key in a file.

    The key is made on first use, readable by its owner only. It protects state that is copied
    elsewhere, such as a CI artefact; who can read the directory can read the key as well.
    """

    def __init__(self, key_file: Path) -> None:
        """Raises `PermissionError` where others may read the key, `ValueError` where it is none."""
        self._key_file = key_file
        self._fernet = Fernet(self._key())

    def encrypt(self, text: str) -> str:
        """The text as only this local cloud can read it; another one each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, text: str) -> str:
        """The text again; `UnreadableSecretError` where it is not one of this store's."""
        try:
            return self._fernet.decrypt(text.encode()).decode()
        except InvalidToken:
            raise UnreadableSecretError(
                f"a secret was not encrypted with the key in {self._key_file}; "
                "was the key replaced, or the state copied from elsewhere?"
            ) from None

    def _key(self) -> bytes:
        while True:
            try:
                key = self._key_file.read_bytes()
            except FileNotFoundError:
                self._make()
                continue
            if self._key_file.stat().st_mode & 0o077:
                raise PermissionError(f"{self._key_file} is open to others; chmod 600 it")
            try:
                Fernet(key)
            except ValueError:
                raise ValueError(f"{self._key_file} does not hold a key; restore it") from None
            return key

    def _make(self) -> None:
        """Write a new key beside, then link it: of several commands at once one wins, whole."""
        new = self._key_file.with_name(f"{self._key_file.name}.{os.getpid()}.{os.urandom(4).hex()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
            try:
                self._key_file.hardlink_to(new)
            except FileExistsError:
                return
        finally:
            new.unlink()
