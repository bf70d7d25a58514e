"""Secrets at rest."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.secrets_store import SecretsStore, UnreadableSecretError

HOSTILE = "a!b@c$d()e*_,/:;=?\n\0ünï\N{SNOWMAN}"


def test_a_secret_is_unreadable_on_disk_and_readable_again(tmp_path: Path) -> None:
    hidden = SecretsStore(tmp_path / "key").encrypt(HOSTILE)
    assert "b@c" not in hidden
    assert SecretsStore(tmp_path / "key").decrypt(hidden) == HOSTILE


def test_the_same_secret_looks_different_each_time(tmp_path: Path) -> None:
    store = SecretsStore(tmp_path / "key")
    assert store.encrypt("x") != store.encrypt("x")


def test_the_key_is_the_owners_alone(tmp_path: Path) -> None:
    SecretsStore(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        SecretsStore(tmp_path / "key")


def test_another_key_or_a_changed_text_is_refused(tmp_path: Path) -> None:
    store = SecretsStore(tmp_path / "key")
    hidden = store.encrypt("x")
    for text in (SecretsStore(tmp_path / "other").encrypt("x"), hidden[:-2] + "AA", "", "ü"):
        with pytest.raises(UnreadableSecretError, match="key"):
            store.decrypt(text)


def test_a_damaged_key_is_not_replaced_silently(tmp_path: Path) -> None:
    (tmp_path / "key").touch(mode=0o600)
    with pytest.raises(ValueError, match="does not hold a key"):
        SecretsStore(tmp_path / "key")


def test_commands_that_make_the_key_at_once_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: SecretsStore(tmp_path / "key"), range(16)))
    hidden = [store.encrypt("x") for store in stores]
    assert {stores[0].decrypt(text) for text in hidden} == {"x"}
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
