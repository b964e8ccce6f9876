"""
A Postgres that listens on a Unix socket, reached over a network.

    python -m benchmarks.drill.relay HOST PORT SOCKET
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

__all__ = ["main"]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(host: str, port: int, path: str) -> None:
    """Join each connection to one of the socket's, until the process ends."""

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_unix_connection(path)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, forth), _pump(back, writer))

    server = await asyncio.start_server(join, host, port)
    async with server:
        await server.serve_forever()


def main(host: str, port: str, path: str) -> None:
    """Serve."""
    asyncio.run(serve(host, int(port), path))


if __name__ == "__main__":
    main(*sys.argv[1:])
