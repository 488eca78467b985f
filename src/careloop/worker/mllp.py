"""The MLLP listener: one port for each feed, frames in, answers out in the order of arrival.

The event loop only moves bytes. Frames go to one committing thread that stores whatever has gathered in one transaction
(group commit), so that an answer leaves after its commit and many messages share one.
"""

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from careloop.flows.app import App
from careloop.flows.reception import Incoming, Listening, listening, take_in
from careloop.worker.frames import Frame, FrameReader, framed

_log = structlog.get_logger()

_MOST_AT_ONCE = 64
_MOST_BYTES_AT_ONCE = 8_000_000
_WAITING_ANSWERS = 256
_READ_BYTES = 65536
_FEEDS_LOOKED_SECONDS = 1.0


@dataclass(frozen=True)
class _Job:
    incoming: Incoming
    answer: "Future[bytes]" = field(default_factory=Future)


class Committer:
    """One thread that stores what has gathered since its last commit and then gives out the answers."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._thread.start()

    def submit(self, incoming: Incoming) -> "Future[bytes]":
        """The answer, once the frame is committed."""
        job = _Job(incoming)
        self._jobs.put(job)
        return job.answer

    def close(self) -> None:
        """What was handed in is committed and answered."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs, more = self._gather(first)
            self._commit(jobs)
            if not more:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs, size = [first], len(first.incoming.raw)
        while len(jobs) < _MOST_AT_ONCE and size < _MOST_BYTES_AT_ONCE:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
            if job is None:
                return jobs, False
            jobs.append(job)
            size += len(job.incoming.raw)
        return jobs, True

    def _commit(self, jobs: Sequence[_Job]) -> None:
        try:
            answers = take_in(self._app, [job.incoming for job in jobs])
        except Exception as error:  # noqa: BLE001 - the outermost loop: one bad batch must not silence the feed
            _log.error("batch not stored", messages=len(jobs), error=type(error).__name__)
            self._commit_singly(jobs, error)
            return
        for job, answer in zip(jobs, answers, strict=True):
            job.answer.set_result(answer)

    def _commit_singly(self, jobs: Sequence[_Job], error: Exception) -> None:
        if len(jobs) == 1:
            jobs[0].answer.set_exception(error)
            return
        for job in jobs:
            self._commit([job])


class Listener:
    """Serves the feeds until it is closed. Opens ports of feeds that are added or opened while it runs, and closes
    those of feeds that are closed."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._settings = app.settings
        self._committer = Committer(app)
        self._servers: dict[tuple[str, int], tuple[tuple[int, int], asyncio.Server]] = {}
        self._connections: Counter[str] = Counter()
        self._tasks: dict[asyncio.Task[None], tuple[int, int]] = {}
        self.broken_frames = 0

    async def open(self) -> int:
        """Listens on the ports of all open feeds and on no other; how many these are."""
        found = await asyncio.to_thread(listening, self._app)
        host = self._settings.mllp_host
        wanted = {(one.feed.host or host, one.feed.port): one for one in found if one.feed.port is not None}
        for address in [address for address, (key, _) in self._servers.items() if _key(wanted.get(address)) != key]:
            self._close(address)
        for address, one in wanted.items():
            if address not in self._servers:
                await self._serve(one, address)
        return len(self._servers)

    def _close(self, address: tuple[str, int]) -> None:
        """Nobody listens there; conversations of that feed end, what they were answered is committed."""
        key, server = self._servers.pop(address)
        server.close()
        for task in [task for task, own in self._tasks.items() if own == key]:
            task.cancel()
        _log.info("port closed", port=address[1])

    async def close(self) -> None:
        """No new connections; what was received is committed and answered."""
        for _, server in self._servers.values():
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._committer.close)

    async def _serve(self, one: Listening, address: tuple[str, int]) -> None:
        key = (one.tenant.id, one.feed.id or 0)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks[task] = key
            try:
                await self._converse(one, reader, writer)
            except (ConnectionError, asyncio.CancelledError, TimeoutError):
                pass
            finally:
                self._tasks.pop(task, None)
                writer.close()

        try:
            self._servers[address] = (key, await asyncio.start_server(connected, *address, backlog=256))
        except OSError as error:
            _log.error("port not opened", port=address[1], error=error.strerror)

    async def _converse(self, one: Listening, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: reads frames and writes answers side by side, so that a sender may send ahead."""
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        if self._connections[peer] >= self._settings.mllp_connections_per_address:
            _log.warning("too many connections", address=peer)
            return
        self._connections[peer] += 1
        answers: asyncio.Queue[asyncio.Future[bytes] | None] = asyncio.Queue(_WAITING_ANSWERS)
        answering = asyncio.create_task(_answer(answers, writer))
        try:
            await self._read(one, peer, reader, answers)
            await answers.put(None)
            await answering
        finally:
            self._connections[peer] -= 1
            answering.cancel()

    async def _read(
        self,
        one: Listening,
        peer: str,
        reader: asyncio.StreamReader,
        answers: "asyncio.Queue[asyncio.Future[bytes] | None]",
    ) -> None:
        frames = FrameReader(limit=self._settings.mllp_max_bytes)
        loop = asyncio.get_running_loop()
        began: float | None = None
        while True:
            left = None if began is None else began + self._settings.mllp_frame_seconds - loop.time()
            try:
                data = await asyncio.wait_for(reader.read(_READ_BYTES), left)
            except TimeoutError:
                data = b""
            found = frames.feed(data) if data else frames.end()
            for frame in found:
                self.broken_frames += bool(frame.broken)
                await answers.put(self._submit(one, peer, frame))
            if not data:
                return
            began = (began if began is not None and not found else loop.time()) if frames.is_unfinished else None

    def _submit(self, one: Listening, peer: str, frame: Frame) -> "asyncio.Future[bytes]":
        incoming = Incoming(
            tenant_id=one.tenant.id, feed_id=one.feed.id or 0, source=peer, raw=frame.raw, broken=frame.broken,
            is_junk=frame.is_junk,
        )  # fmt: skip
        return asyncio.wrap_future(self._committer.submit(incoming))


def _key(one: Listening | None) -> tuple[int, int] | None:
    """Tenant and feed: whom a port belongs to."""
    return None if one is None else (one.tenant.id, one.feed.id or 0)


async def _answer(answers: "asyncio.Queue[asyncio.Future[bytes] | None]", writer: asyncio.StreamWriter) -> None:
    """Answers in the order of arrival. A frame that could not even be refused ends the connection unanswered."""
    while (waiting := await answers.get()) is not None:
        answer = await waiting
        if answer:
            writer.write(framed(answer))
        if answers.empty():
            await writer.drain()


def run_mllp(app: App, stop: threading.Event) -> None:
    """Serves every feed until `stop` is set."""
    asyncio.run(_run(app, stop))


async def _run(app: App, stop: threading.Event) -> None:
    listener = Listener(app)
    loop = asyncio.get_running_loop()
    looked = float("-inf")
    while not stop.is_set():
        if loop.time() - looked > _FEEDS_LOOKED_SECONDS:
            looked = loop.time()
            await _open(listener)
        await asyncio.sleep(0.05)
    await listener.close()


async def _open(listener: Listener) -> None:
    try:
        await listener.open()
    except Exception as error:  # noqa: BLE001 - the outermost loop: the database may be away for a while
        _log.error("feeds not read", error=type(error).__name__)
