"""`/fhir/ws`: notifications of websocket Subscriptions (HL7 Subscriptions R5 Backport, "Websocket").

The first message of a client is `bind-with-token: <token>` (of `$get-ws-binding-token`); everything after that is ours.
Nothing is said before the token was found good.
"""

import asyncio
from typing import Any

from litestar import WebSocket, websocket
from litestar.concurrency import sync_to_thread
from litestar.exceptions import WebSocketDisconnect

from careloop.errors import CareloopError, NotAuthenticated
from careloop.flows import socket_sending
from careloop.flows.app import App
from careloop.flows.socket_sending import Bound

PREFIX = "bind-with-token:"
_BIND_SECONDS = 10.0
_POLL_SECONDS = 0.3
_POLICY_VIOLATION, _TRY_LATER = 1008, 1013
_MOST_SOCKETS = 500
_open: set[int] = set()

Socket = WebSocket[Any, Any, Any]


@websocket("/ws")
async def notifications(socket: Socket) -> None:
    """Handshakes, then each event soon after it happened, until the client goes or may hear no more."""
    await socket.accept()
    if len(_open) >= _MOST_SOCKETS:
        await socket.close(code=_TRY_LATER, reason="too many sockets")
        return
    _open.add(id(socket))
    try:
        await _converse(socket, socket.app.state.careloop)
    except WebSocketDisconnect:
        pass
    except (NotAuthenticated, TimeoutError):
        await socket.close(code=_POLICY_VIOLATION, reason="not permitted")
    except CareloopError:
        await socket.close(code=_TRY_LATER, reason="not available")
    finally:
        _open.discard(id(socket))


async def _converse(socket: Socket, app: App) -> None:
    said = await asyncio.wait_for(socket.receive_text(), _BIND_SECONDS)
    if not said.startswith(PREFIX):
        raise NotAuthenticated("expected a token")
    bound = await sync_to_thread(socket_sending.bind, app, said.removeprefix(PREFIX).strip(), _base_of(socket, app))
    for text in await sync_to_thread(socket_sending.handshakes, app, bound):
        await socket.send_text(text.text)
    gone = asyncio.create_task(_until_gone(socket))
    try:
        await _tell(socket, app, bound, gone)
    finally:
        gone.cancel()


async def _tell(socket: Socket, app: App, bound: Bound, gone: "asyncio.Task[None]") -> None:
    """Each notification is marked after it was handed over: a socket that breaks in between gets it again."""
    while not gone.done():
        for text in await sync_to_thread(socket_sending.fresh, app, bound):
            await socket.send_text(text.text)
            await sync_to_thread(socket_sending.sent, app, bound, text)
        await asyncio.wait({gone}, timeout=_POLL_SECONDS)


async def _until_gone(socket: Socket) -> None:
    """What a client says after the token changes nothing."""
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        return


def _base_of(socket: Socket, app: App) -> str:
    own = str(socket.base_url).replace("ws", "http", 1)
    return (app.settings.public_url or own).rstrip("/") + "/fhir"
