"""redis-py: a copy reads; what it writes is recorded, and answered as it usually is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import redis
import redis.asyncio

from shadow_middleware.errors import OutgoingRefusedError
from shadow_middleware.isolation.context import current
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.recording import note

__all__ = ["put"]

_READS: Final = frozenset(
    [
        "BITCOUNT",
        "BITPOS",
        "DBSIZE",
        "ECHO",
        "EXISTS",
        "EXPIRETIME",
        "GET",
        "GETBIT",
        "GETRANGE",
        "HEXISTS",
        "HGET",
        "HGETALL",
        "HKEYS",
        "HLEN",
        "HMGET",
        "HSCAN",
        "HSTRLEN",
        "HVALS",
        "INFO",
        "KEYS",
        "LINDEX",
        "LLEN",
        "LPOS",
        "LRANGE",
        "MGET",
        "PFCOUNT",
        "PING",
        "PTTL",
        "RANDOMKEY",
        "SCAN",
        "SCARD",
        "SDIFF",
        "SELECT",
        "SINTER",
        "SISMEMBER",
        "SMEMBERS",
        "SMISMEMBER",
        "SRANDMEMBER",
        "SSCAN",
        "STRLEN",
        "SUBSTR",
        "SUNION",
        "TIME",
        "TTL",
        "TYPE",
        "XINFO",
        "XLEN",
        "XRANGE",
        "XREVRANGE",
        "ZCARD",
        "ZCOUNT",
        "ZLEXCOUNT",
        "ZMSCORE",
        "ZRANGE",
        "ZRANGEBYLEX",
        "ZRANGEBYSCORE",
        "ZRANK",
        "ZREVRANGE",
        "ZREVRANGEBYSCORE",
        "ZREVRANK",
        "ZSCAN",
        "ZSCORE",
    ]
)
_TRUE: Final = frozenset(
    [
        "EXPIRE",
        "EXPIREAT",
        "FLUSHALL",
        "FLUSHDB",
        "HMSET",
        "LSET",
        "LTRIM",
        "MSET",
        "PERSIST",
        "PEXPIRE",
        "PSETEX",
        "RENAME",
        "SET",
        "SETEX",
        "SETNX",
    ]
)
_ONE: Final = frozenset(
    [
        "APPEND",
        "DEL",
        "HDEL",
        "HSET",
        "HSETNX",
        "LPUSH",
        "LREM",
        "PFADD",
        "RPUSH",
        "SADD",
        "SREM",
        "UNLINK",
        "ZADD",
        "ZREM",
    ]
)
_NOTHING: Final = frozenset(["BLPOP", "BRPOP", "GETDEL", "LPOP", "RPOP", "SPOP"])


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for single commands and for pipelines, sync and async."""

    def make(present: Any) -> Callable[..., Any]:
        def execute_command(self: Any, *args: Any, **options: Any) -> Any:
            if current() is None or _reads(args):
                return present(self, *args, **options)
            return _answer(args)

        return execute_command

    def amake(present: Any) -> Callable[..., Any]:
        async def execute_command(self: Any, *args: Any, **options: Any) -> Any:
            if current() is None or _reads(args):
                return await present(self, *args, **options)
            return _answer(args)

        return execute_command

    patches.replace(redis.Redis, "execute_command", make)
    patches.replace(redis.asyncio.Redis, "execute_command", amake)
    _put_pipelines(patches)


def _put_pipelines(patches: Patches) -> None:
    def make(present: Any) -> Callable[..., Any]:
        def execute(self: Any, *args: Any, **kw: Any) -> Any:
            if current() is None or _only_reads(self):
                return present(self, *args, **kw)
            return _answers(self)

        return execute

    def amake(present: Any) -> Callable[..., Any]:
        async def execute(self: Any, *args: Any, **kw: Any) -> Any:
            if current() is None or _only_reads(self):
                return await present(self, *args, **kw)
            return _answers(self)

        return execute

    patches.replace(redis.client.Pipeline, "execute", make)
    patches.replace(redis.asyncio.client.Pipeline, "execute", amake)


def _only_reads(pipeline: Any) -> bool:
    return all(_reads(_arguments(each)) for each in pipeline.command_stack)


def _answers(pipeline: Any) -> list[Any]:
    commands = [_arguments(each) for each in pipeline.command_stack]
    pipeline.command_stack = []
    # A read among writes would see what they have not written.
    return [None if _reads(args) else _answer(args) for args in commands]


def _arguments(command: Any) -> Any:
    return command[0] if isinstance(command, tuple) else command.args


def _reads(args: Any) -> bool:
    return str(args[0]).upper().partition(" ")[0] in _READS


def _answer(args: Any) -> Any:
    name = str(args[0]).upper()
    note("redis", " ".join(str(each) for each in args[:2]), repr(args[2:]))
    if name in _TRUE:
        return True
    if name in _ONE:
        return 1
    if name in _NOTHING:
        return None
    if name in ("INCR", "INCRBY", "DECR", "DECRBY", "HINCRBY"):
        return int(args[-1]) if "BY" in name else 1
    request = current()
    if request is not None:
        request.refuse(OutgoingRefusedError.reason)
    raise OutgoingRefusedError(f"a copy must not send {name} to Redis")
