"""A sender's side of the conversation: real sockets, real commits."""

import asyncio
import socket
from contextlib import contextmanager
from dataclasses import replace

from tests.messages import adt

from careloop.flows.app import App
from careloop.intake import Feed, add_feed
from careloop.intake.hl7v2 import parse
from careloop.worker.frames import FrameReader, framed
from careloop.worker.main import process_batch
from careloop.worker.mllp import Listener


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def converse(door, script, **limits):
    """Runs `script(port)` against a listener on the door's tenant."""
    port = free_port()
    with door.app.database.transaction(door.tenant.id) as tx:
        add_feed(tx, door.app.clock.now(), Feed(id=None, kind="hl7v2", zone="UTC", port=port), any_sender=True)
    app = App(
        replace(door.app.settings, **limits), door.app.database, door.app.clock, door.app.catalog, door.app.record
    )

    async def run():
        listener = Listener(app)
        await listener.open()
        try:
            return await asyncio.wait_for(script(port), 20)
        finally:
            await listener.close()

    return asyncio.run(run())


async def exchange(port, *chunks, answers, end=False):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0)
    if end:
        writer.write_eof()
    frames, found = FrameReader(limit=1_000_000), []
    while len(found) < answers and (data := await reader.read(65536)):
        found += frames.feed(data)
    writer.close()
    return [parse(frame.raw.decode()) for frame in found]


def codes(acks):
    return [(ack.get("MSA-1"), ack.get("MSA-2")) for ack in acks]


def test_messages_sent_ahead_are_answered_in_the_order_of_arrival(door):
    stream = b"".join(
        framed(adt("A08", control_id=f"C{number}", at=f"202611200800{number:02}-0500")) for number in range(40)
    )
    acks = converse(door, lambda port: exchange(port, stream, answers=40))
    assert codes(acks) == [("AA", f"C{number}") for number in range(40)]


def test_a_frame_in_pieces_with_junk_around_it_is_one_message(door):
    whole = framed(adt("A01"))
    pieces = [b"junk\r\n", whole[:7], whole[7:-1], whole[-1:], b"\r\n"]
    acks = converse(door, lambda port: exchange(port, *pieces, answers=1))
    assert codes(acks) == [("AA", "C1")]
    assert [letter.kind for letter in door.dead()] == ["frame"]


def test_what_is_no_hl7_is_refused_and_kept_and_the_next_message_is_taken(door):
    acks = converse(door, lambda port: exchange(port, framed(b"hello"), framed(adt("A01")), answers=2))
    assert codes(acks) == [("AR", ""), ("AA", "C1")]
    assert len(door.dead()) == 1


def test_a_frame_over_the_limit_is_refused_and_kept(door):
    big = framed(b"MSH|^~\\&|" + b"x" * 20_000)
    acks = converse(door, lambda port: exchange(port, big, framed(adt("A01")), answers=2), mllp_max_bytes=10_000)
    assert codes(acks) == [("AR", ""), ("AA", "C1")]
    assert "larger than" in door.dead()[0].reason


def test_half_a_frame_is_given_up_after_its_time_and_kept(door):
    acks = converse(door, lambda port: exchange(port, b"\x0bMSH|^~\\&|half", answers=1), mllp_frame_seconds=0.05)
    assert codes(acks) == [("AR", "")]
    assert "no end" in door.dead()[0].reason


def test_an_address_has_only_so_many_connections(door):
    async def script(port):
        first = await asyncio.open_connection("127.0.0.1", port)
        first[1].write(framed(adt("A01")))
        await first[0].readuntil(b"\x1c")
        second = await asyncio.open_connection("127.0.0.1", port)
        closed = await second[0].read()
        first[1].close()
        return closed

    assert converse(door, script, mllp_connections_per_address=1) == b""


def test_without_a_database_the_answer_is_never_aa(door):
    @contextmanager
    def away(tenant_id, **_):
        from careloop.errors import Unavailable

        raise Unavailable("away")
        yield

    class Away:
        transaction = staticmethod(door.app.database.transaction)

        def run(self, *_arguments, **_options):
            from careloop.errors import Unavailable

            raise Unavailable("away")

    async def script(port):
        app_with_database = listener_app[0]
        object.__setattr__(app_with_database, "database", Away())
        return await exchange(port, framed(adt("A01")), answers=1)

    listener_app = []
    original = Listener.__init__

    def remember(self, app):
        listener_app.append(app)
        original(self, app)

    Listener.__init__ = remember
    try:
        acks = converse(door, script)
    finally:
        Listener.__init__ = original
    assert codes(acks) == [("AE", "C1")]
    assert door.count("inbox") == 0


def test_sixteen_connections_reporting_one_new_person_make_one_patient(door):
    async def script(port):
        sent = [
            exchange(
                port, framed(adt("A04", control_id=f"K{number}", visit=f"V{number}", patient_class="E")), answers=1
            )
            for number in range(16)
        ]
        return await asyncio.gather(*sent)

    answers = converse(door, script)
    assert all(codes(one)[0][0] == "AA" for one in answers)
    while process_batch(door.app, door.tenant):
        pass
    assert len(door.find("Patient", "urn:careloop:authority:STMARY", "100234")) == 1
    assert door.dead() == []
