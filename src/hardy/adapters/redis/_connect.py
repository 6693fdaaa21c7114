"""Opening a connection and being let in."""

import asyncio
import ssl

from hardy.adapters.redis._address import Address
from hardy.adapters.redis._errors import translate
from hardy.adapters.redis._hiredis import ReplyError, Word, pack_command
from hardy.adapters.redis._settings import RedisSettings
from hardy.adapters.redis._wire import Push, Wire


async def connect(address: Address, settings: RedisSettings, push: Push) -> Wire:
    """Return an open connection that speaks RESP3, in the right database.

    Raises:
        OSError: The server cannot be reached; its subclass TimeoutError when that takes too long.
        RedisError: The server does not let us in.
        Unavailable: It hung up, or cannot serve anybody now.
    """
    loop = asyncio.get_running_loop()

    def protocol() -> Wire:
        return Wire(loop, silence=settings.connect_timeout, push=push)

    async with asyncio.timeout(settings.connect_timeout):
        if address.path:
            _, wire = await loop.create_unix_connection(protocol, address.path)
        else:
            tls = ssl.create_default_context(cafile=settings.ca_file or None) if address.tls else None
            _, wire = await loop.create_connection(protocol, address.host, address.port, ssl=tls)
        try:
            await _enter(wire, address)
            wire.allow_silence(settings.timeout)
        except BaseException:
            wire.abort()
            raise
    return wire


async def _enter(wire: Wire, address: Address) -> None:
    hello: tuple[Word, ...] = ("HELLO", 3)
    if address.password is not None:
        hello = (*hello, "AUTH", address.username or "default", address.password.reveal())
    replies = [wire.send(pack_command((*hello, "SETNAME", "hardy")))]
    if address.database:
        replies.append(wire.send(pack_command(("SELECT", address.database))))
    for reply in await asyncio.gather(*replies):
        if isinstance(reply, ReplyError):
            raise translate(str(reply))
