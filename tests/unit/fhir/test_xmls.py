"""XML comes in by one door that bombs, entities and depth do not pass."""

import time

import pytest

from careloop.errors import Rejected
from careloop.fhir.xmls import DEEPEST, Writer, canonical_bytes, compile_path, parse_xml, text_of

BOMB = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>'


@pytest.mark.parametrize(
    "raw",
    [
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<?xml version='1.0'?><!doctype a><a/>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
        b"<a>" * (DEEPEST + 1) + b"</a>" * (DEEPEST + 1),
        b"<a>" * 100_000,
        b"<a><b></a>",
        b"not xml",
        b"",
        b"\xff\xfe\x00",
        b"<a>\x00</a>",
    ],
)
def test_what_is_dangerous_or_broken_is_refused_and_nothing_of_it_is_repeated(raw: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Rejected) as refused:
        parse_xml(raw)
    assert "passwd" not in refused.value.message
    assert time.process_time() - began < 1


def test_entities_of_xml_itself_are_read() -> None:
    assert text_of(parse_xml(b"<a>a &amp; b</a>")) == "a & b"


def test_names_come_without_namespaces() -> None:
    raw = (
        b'<x:A xmlns:x="urn:hl7-org:v3" xmlns:s="urn:hl7-org:sdtc" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        b'<s:raceCode code="1"/><x:value i:type="PQ"/><o xmlns="urn:else"/></x:A>'
    )
    root = parse_xml(raw)
    assert [root.tag, *(one.tag for one in root)] == ["A", "sdtc.raceCode", "value", "other.o"]
    assert compile_path("value/@xsi.type")(root) == ["PQ"]


def test_the_same_element_has_the_same_bytes_whatever_the_order_of_its_attributes() -> None:
    first, second = parse_xml(b'<a><b x="1" y="2"/></a>'), parse_xml(b'<a><b y="2" x="1"></b></a>')
    assert canonical_bytes(first) == canonical_bytes(second)


def test_a_wrong_path_is_refused() -> None:
    with pytest.raises(Rejected):
        compile_path("a[")


def test_what_is_written_can_be_read_and_text_is_escaped() -> None:
    writer = Writer("ClinicalDocument")
    code = writer.add(writer.root, "code", {"code": '"<x>&', "displayName": None}, "a < b\x01")
    writer.add(code, "sdtc.raceCode", {"xsi.type": "CD"})
    root = parse_xml(writer.to_bytes())
    assert root.find("code").attrib == {"code": '"<x>&'}
    assert (root.find("code").text or "").startswith("a < b")
    assert root.find("code/sdtc.raceCode").get("xsi.type") == "CD"
