"""Django's storages: what a copy saves it alone can read, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.files.storage.handler import StorageHandler

from shadow_middleware.isolation.context import current
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.recording import note

__all__ = ["put"]

_GONE = object()


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for every storage class that there is, and for those to come."""
    cover = _Cover(patches)
    for kind in _with_heirs(Storage):
        cover(kind)

    def make(present: Any) -> Callable[..., Any]:
        def create_storage(self: Any, params: Any) -> Any:
            storage = present(self, params)
            for kind in type(storage).__mro__:
                cover(kind)
            return storage

        return create_storage

    patches.replace(StorageHandler, "create_storage", make)


class _Cover:
    """Puts stubs over the methods that a class of storages has of its own, once."""

    def __init__(self, patches: Patches) -> None:
        self._patches = patches
        self._covered: set[type] = set()

    def __call__(self, kind: type) -> None:
        if kind in self._covered or not issubclass(kind, Storage):
            return
        self._covered.add(kind)
        for name, stub in _STUBS.items():
            if name in vars(kind):
                self._patches.replace(kind, name, stub)


def _with_heirs(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for heir in kind.__subclasses__():
        yield from _with_heirs(heir)


def _kept(storage: Any) -> dict[str, Any] | None:
    """Return what this copy has saved in this storage, None in an ordinary request."""
    request = current()
    if request is None:
        return None
    kept: Any = request.kept.setdefault(("files", id(storage)), {})
    return kept  # type: ignore[no-any-return]


def _save(present: Any) -> Callable[..., Any]:
    def save(self: Any, name: Any, content: Any, max_length: Any = None) -> Any:
        kept = _kept(self)
        if kept is None:
            return present(self, name, content, max_length)
        name = self.get_available_name(name or content.name, max_length=max_length)
        data = b"".join(
            part.encode() if isinstance(part, str) else part for part in _parts(content)
        )
        note("file", f"save {name}", f"{len(data)} bytes")
        kept[name] = data
        return name

    return save


def _parts(content: Any) -> Any:
    return content.chunks() if hasattr(content, "chunks") else [content.read()]


def _open(present: Any) -> Callable[..., Any]:
    def open(self: Any, name: str, mode: str = "rb") -> Any:
        kept = _kept(self)
        if kept is None or (name not in kept and not set("wax+") & set(mode)):
            return present(self, name, mode)
        if kept.get(name) is _GONE and "w" not in mode:
            raise FileNotFoundError(name)
        if set("wax+") & set(mode):
            note("file", f"open {name}", mode)
        data = b"" if "w" in mode else kept.get(name)
        if data is None and self.exists(name):
            with present(self, name, "rb") as file:
                data = file.read()
        return ContentFile(data or b"", name=name)

    return open


def _delete(present: Any) -> Callable[..., Any]:
    def delete(self: Any, name: str) -> Any:
        kept = _kept(self)
        if kept is None:
            return present(self, name)
        note("file", f"delete {name}")
        kept[name] = _GONE
        return None

    return delete


def _exists(present: Any) -> Callable[..., Any]:
    def exists(self: Any, name: str) -> Any:
        kept = _kept(self)
        if kept is None or name not in kept:
            return present(self, name)
        return kept[name] is not _GONE

    return exists


def _size(present: Any) -> Callable[..., Any]:
    def size(self: Any, name: str) -> Any:
        kept = _kept(self)
        if kept is None or name not in kept:
            return present(self, name)
        if kept[name] is _GONE:
            raise FileNotFoundError(name)
        return len(kept[name])

    return size


_STUBS = {
    "save": _save,
    "open": _open,
    "delete": _delete,
    "exists": _exists,
    "size": _size,
}
