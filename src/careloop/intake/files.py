"""Files as they lie on a disk: folders, zip, gzip, with limits against archives that blow up. Gives pieces to load.

A piece is a whole file, a member of a zip, or one line of NDJSON. Nothing is unpacked onto the disk, and one piece at
a time is in memory.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from careloop.errors import Rejected

HL7, FHIR, NDJSON, DOCUMENT, UNKNOWN = "hl7v2", "fhir", "ndjson", "document", "unknown"
_KINDS = {
    ".hl7": HL7, ".json": FHIR, ".fhir": FHIR, ".ndjson": NDJSON, ".jsonl": NDJSON, ".xml": DOCUMENT, ".ccda": DOCUMENT,
}  # fmt: skip
_MOST_MEMBERS = 100_000
_LARGEST_PIECE = 256_000_000
_LARGEST_RATIO = 150
_RATIO_COUNTS_FROM = 16_000_000
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Something to load: the file's name as a person gave it, the entry in it, its kind and its bytes."""

    file: str
    entry: str
    kind: str
    raw: bytes


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """A file that cannot be loaded, and why. A `skipped` one lay in a folder and is of no kind that we load."""

    file: str
    reason: str
    skipped: bool = False


def pieces(path: Path) -> Iterator[Piece | Unusable]:
    """Everything to load below `path`, in the order of names."""
    if path.is_dir():
        for one in sorted(path.rglob("*")):
            if one.is_file() and not one.is_symlink():
                yield from _of_file(one, named=False)
    elif path.is_file():
        yield from _of_file(path, named=True)
    else:
        yield Unusable(file=str(path), reason="expected a file or a folder that exists")


def _of_file(path: Path, *, named: bool) -> Iterator[Piece | Unusable]:
    try:
        if path.suffix.lower() == ".zip":
            yield from _of_zip(path)
            return
        with path.open("rb") as stream:
            yield from _of_stream(stream, str(path), path.stat().st_size, named=named)
    except Rejected as error:
        yield Unusable(file=str(path), reason=error.message)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        yield Unusable(file=str(path), reason=f"expected a file that can be read ({type(error).__name__})")


def _of_zip(path: Path) -> Iterator[Piece | Unusable]:
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if not one.is_dir()]
        if len(members) > _MOST_MEMBERS:
            raise Rejected(at="zip", expected=f"at most {_MOST_MEMBERS} files in an archive", code="too-long")
        for member in sorted(members, key=lambda one: one.filename):
            with archive.open(member) as stream:
                limited = _Limited(stream, max(member.compress_size, 1), member.filename)
                yield from _of_stream(limited, f"{path}!{member.filename}", member.compress_size, named=False)


def _of_stream(stream: "IO[bytes] | _Limited", name: str, size: int, *, named: bool) -> Iterator[Piece | Unusable]:
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    opened: IO[bytes] | _Limited = stream
    if suffixes and suffixes[-1] == ".gz":
        opened = _Limited(gzip.GzipFile(fileobj=stream), max(size, 1), name)  # type: ignore[arg-type]
        suffixes = suffixes[:-1]
    kind = _KINDS.get(suffixes[-1] if suffixes else "", UNKNOWN)
    if kind == NDJSON:
        yield from _lines(opened, name)
    elif kind == UNKNOWN:
        expected = "expected .json, .fhir, .ndjson, .hl7, .zip or one of them as .gz"
        yield Unusable(file=name, reason=expected, skipped=not named)
    else:
        yield Piece(file=name, entry="", kind=kind, raw=_whole(opened, name))


def _lines(stream: "IO[bytes] | _Limited", name: str) -> Iterator[Piece]:
    buffer = bytearray()
    number = 0
    while chunk := stream.read(_CHUNK):
        buffer += chunk
        if len(buffer) > _LARGEST_PIECE:
            raise Rejected(at=name, expected=f"lines of at most {_LARGEST_PIECE} bytes", code="too-long")
        *whole, rest = buffer.split(b"\n")
        buffer = bytearray(rest)
        for line in whole:
            number += 1
            if line.strip():
                yield Piece(file=name, entry=f"line {number}", kind=FHIR, raw=bytes(line))
    if buffer.strip():
        yield Piece(file=name, entry=f"line {number + 1}", kind=FHIR, raw=bytes(buffer))


def _whole(stream: "IO[bytes] | _Limited", name: str) -> bytes:
    raw = stream.read(_LARGEST_PIECE + 1)
    if len(raw) > _LARGEST_PIECE:
        raise Rejected(at=name, expected=f"a file of at most {_LARGEST_PIECE} bytes", code="too-long")
    return raw


class _Limited:
    """A stream that gives up when it unpacks to more than its size allows."""

    def __init__(self, stream: IO[bytes], packed: int, name: str) -> None:
        self._stream = stream
        self._name = name
        self._left = max(packed * _LARGEST_RATIO, _RATIO_COUNTS_FROM)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; `Rejected` for an archive bomb."""
        parts = []
        while size > 0 and (part := self._stream.read(min(size, _CHUNK))):
            self._left -= len(part)
            if self._left < 0:
                raise Rejected(
                    at=self._name,
                    expected=f"an archive that unpacks to at most {_LARGEST_RATIO} times its size",
                    code="too-long",
                )
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
