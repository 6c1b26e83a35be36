"""Hostile archives: each trick gives its typed error with the member's name, and honest ones read the same as
a folder."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from repos.formats.archive_tar import TarSource
from repos.formats.archive_zip import ZipSource
from repos.formats.errors import (
    DamagedArchive,
    DuplicateMember,
    EncryptedMember,
    LimitExceeded,
    LinkMember,
    MissingMember,
    SizeMismatch,
    SourceError,
    UnsafeName,
)
from repos.formats.source import Limits, MemorySource, PathSource, Source, is_nested, read_whole, safe_name

FILES = {"a.txt": b"one\n", "deep/b.txt": b"x" * 70_000, "deep/ü.json": b"{}"}


def zipped(
    members: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED
) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    out.seek(0)
    return out


def tarred(infos: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for info, data in infos:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    out.seek(0)
    return out


def plain(name: str, data: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), data


def link(name: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info, b""


def of_zip(members: list[tuple[str | zipfile.ZipInfo, bytes]], limits: Limits | None = None) -> ZipSource:
    return ZipSource(zipped(members), limits)


def of_tar(infos: list[tuple[tarfile.TarInfo, bytes]], limits: Limits | None = None) -> TarSource:
    return TarSource(tarred(infos), limits)


def contents(source: Source) -> dict[str, bytes]:
    return {name: read_whole(source, name) for name in source.names()}


@pytest.mark.parametrize("mode", ["zip", "tar", "tar.gz", "folder", "memory"])
def test_honest_sources_give_the_same_files(mode: str, tmp_path: Path) -> None:
    if mode == "zip":
        source: Source = of_zip(list(FILES.items()))
    elif mode == "folder":
        for name, data in FILES.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(data)
        (tmp_path / ".DS_Store").write_bytes(b"")
        source = PathSource.of_directory(tmp_path)
    elif mode == "memory":
        source = MemorySource(FILES)
    else:
        source = TarSource(
            tarred([plain(n, d) for n, d in FILES.items()], "w:gz" if mode == "tar.gz" else "w")
        )
    assert contents(source) == FILES
    assert {n: source.size(n) for n in source.names()} == {n: len(d) for n, d in FILES.items()}
    assert contents(source) == FILES, "files can be read again"
    with source.open("deep/b.txt") as stream:
        stream.seek(69_999)
        assert stream.read() == b"x"
    with pytest.raises(MissingMember) as error:
        source.open("nothing")
    assert error.value.member == "nothing"


ESCAPES = [
    "/etc/passwd",
    "../up.txt",
    "a/../../up.txt",
    "C:\\x.txt",
    "a\\..\\..\\b",
    "a//b",
    "a/./b",
    "a\x07b",
    "",
]


@pytest.mark.parametrize("name", ESCAPES)
def test_names_that_escape_are_refused(name: str) -> None:
    with pytest.raises(UnsafeName):
        safe_name(name)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up.txt", "a/../../up.txt"])
@pytest.mark.parametrize(
    "make", [lambda n: of_zip([(n, b"x")]), lambda n: of_tar([plain(n)])], ids=["zip", "tar"]
)
def test_archives_with_escaping_names_are_refused(name: str, make: Callable[[str], Source]) -> None:
    with pytest.raises(UnsafeName) as error:
        make(name)
    assert error.value.member == name


def test_duplicate_names() -> None:
    for make in (lambda: of_zip([("a", b"1"), ("./a", b"2")]), lambda: of_tar([plain("a"), plain("./a")])):
        with pytest.raises(DuplicateMember) as error:
            make()
        assert error.value.member == "a"


def test_links_and_devices() -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    cases: list[Callable[[], Source]] = [lambda: of_zip([(info, b"/etc/passwd")])]
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    cases += [partial(of_tar, [link("link", kind)]) for kind in kinds]
    for make in cases:
        with pytest.raises(LinkMember) as error:
            make()
        assert error.value.member == "link"


def test_a_link_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("/etc/passwd")
    with pytest.raises(LinkMember):
        PathSource.of_directory(tmp_path)


def test_compression_ratio() -> None:
    bomb = b"\0" * (4 << 20)
    with pytest.raises(LimitExceeded) as error:
        of_zip([("bomb", bomb)])
    assert (error.value.member, error.value.limit) == ("bomb", "ratio")
    packed = io.BytesIO(gzip.compress(tarred([plain("bomb", bomb)]).getvalue(), 9))
    with pytest.raises(LimitExceeded) as error:
        TarSource(packed)
    assert error.value.limit == "ratio"


@pytest.mark.parametrize(
    "make",
    [
        lambda limits: of_zip([("a", b"12345"), ("b", b"123456")], limits),
        lambda limits: of_tar([plain("a", b"12345"), plain("b", b"123456")], limits),
    ],
)
def test_limits_name_the_member(make: Callable[[Limits], Source]) -> None:
    for limits, name in (
        (Limits(member_bytes=5), "member_bytes"),
        (Limits(total_bytes=10), "total_bytes"),
        (Limits(members=1), "members"),
    ):
        with pytest.raises(LimitExceeded) as error:
            make(limits)
        assert error.value.limit == name
        assert name == "members" or error.value.member == "b"


def test_a_pax_header_may_not_ask_for_memory() -> None:
    info = tarfile.TarInfo("x")
    info.pax_headers = {"comment": "y" * 100_000}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    out.seek(0)
    with pytest.raises(LimitExceeded) as error:
        TarSource(out, Limits(header_bytes=50_000))
    assert error.value.limit == "header_bytes"


def _patched(raw: bytes, signature: bytes, offset: int, value: int) -> io.BytesIO:
    """The archive with a 32-bit number of its local or central headers replaced."""
    data, at = bytearray(raw), 0
    while (at := data.find(signature, at)) >= 0:
        struct.pack_into("<I", data, at + offset, value)
        at += 4
    return io.BytesIO(bytes(data))


@pytest.mark.parametrize("declared", [3, 50])
def test_declared_size_is_not_the_real_one(declared: int) -> None:
    raw = zipped([("a", b"ten bytes!")]).getvalue()
    source = ZipSource(_patched(raw, b"PK\x01\x02", 24, declared))
    with pytest.raises(SizeMismatch) as error:
        read_whole(source, "a")
    assert (error.value.member, error.value.declared) == ("a", declared)


def test_encrypted_members() -> None:
    data = bytearray(zipped([("a", b"x")]).getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    with pytest.raises(EncryptedMember):
        ZipSource(io.BytesIO(bytes(data)))


def test_members_that_share_bytes() -> None:
    """Fifield's bomb: many directory entries over one compressed body."""
    raw = zipped([("a", b"1" * 100), ("b", b"2" * 100)], zipfile.ZIP_STORED).getvalue()
    data = bytearray(raw)
    second = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 0)
    with pytest.raises(DamagedArchive, match="overlap"):
        ZipSource(io.BytesIO(bytes(data)))


@pytest.mark.parametrize("cut", [10, 600, 1500])
def test_cut_archives(cut: int) -> None:
    whole = tarred([plain("a", b"1" * 700), plain("b", b"2" * 700)]).getvalue()
    with pytest.raises(SourceError):
        contents(TarSource(io.BytesIO(whole[:cut])))
    with pytest.raises(SourceError):
        contents(TarSource(io.BytesIO(gzip.compress(whole)[: cut // 20])))
    with pytest.raises(DamagedArchive):
        ZipSource(io.BytesIO(zipped([("a", b"1" * 700)]).getvalue()[:-cut]))


def test_media_of_a_compressed_archive_is_reached_by_decoding_forward() -> None:
    data = {f"{n}.jpg": bytes([n]) * 5000 for n in range(5)}
    source = TarSource(tarred([plain(n, d) for n, d in data.items()], "w:gz"))
    assert contents(source) == data
    assert read_whole(source, "0.jpg") == data["0.jpg"]


def test_nested_archives_are_only_named() -> None:
    source = of_zip([("inner.zip", zipped([("../x", b"x")]).getvalue())])
    assert [n for n in source.names() if is_nested(n)] == ["inner.zip"]
