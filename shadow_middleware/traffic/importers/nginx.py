"""nginx's `log_format`: https://nginx.org/en/docs/http/ngx_http_log_module.html."""

from __future__ import annotations

import re
from typing import Final

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.traffic.importers.layout import Layout
from shadow_middleware.traffic.importers.patterns import Escape, Field, Kind, Piece

__all__ = ["COMBINED", "RECOMMENDED", "layout_of"]

COMBINED: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)
"""What nginx writes where nobody says otherwise."""
RECOMMENDED: Final = """\
log_format shadow escape=json
  '{"at":"$msec","took":"$request_time","first":"$upstream_header_time",'
  '"client":"$remote_addr","user":"$remote_user","scheme":"$scheme",'
  '"request":"$request","status":"$status","sent":"$body_bytes_sent",'
  '"host":"$http_host","accept":"$http_accept",'
  '"accept_language":"$http_accept_language",'
  '"accept_encoding":"$http_accept_encoding",'
  '"content_type":"$http_content_type","length":"$http_content_length",'
  '"agent":"$http_user_agent","referer":"$http_referer",'
  '"if_none_match":"$http_if_none_match","range":"$http_range",'
  '"requested_with":"$http_x_requested_with","origin":"$http_origin",'
  '"type":"$sent_http_content_type","location":"$sent_http_location",'
  '"etag":"$sent_http_etag",'
  '"answer_length":"$sent_http_content_length","body":"$request_body"}';
"""
"""The most faithful format without credentials: to the millisecond, with bodies."""

_TOLD: Final = {
    "remote_addr": ("client", Kind.WORD),
    "realip_remote_addr": ("", Kind.WORD),
    "binary_remote_addr": ("", Kind.TEXT),
    "remote_port": ("", Kind.NUMBER),
    "remote_user": ("user", Kind.TEXT),
    "time_local": ("end.clf", Kind.CLF_TIME),
    "time_iso8601": ("end.iso", Kind.WORD),
    "msec": ("end.s", Kind.NUMBER),
    "request": ("request", Kind.TEXT),
    "request_method": ("method", Kind.WORD),
    "request_uri": ("target", Kind.TEXT),
    "uri": ("decoded", Kind.PATH),
    "document_uri": ("decoded", Kind.PATH),
    "args": ("query", Kind.TEXT),
    "query_string": ("query", Kind.TEXT),
    "is_args": ("", Kind.QUERY),
    "server_protocol": ("protocol", Kind.WORD),
    "scheme": ("scheme", Kind.WORD),
    "host": ("host", Kind.HOST),
    "server_name": ("server", Kind.HOST),
    "status": ("status", Kind.NUMBER),
    "body_bytes_sent": ("sent", Kind.NUMBER),
    "bytes_sent": ("", Kind.NUMBER),
    "request_length": ("", Kind.NUMBER),
    "request_time": ("took.s", Kind.NUMBER),
    "upstream_header_time": ("first.s", Kind.NUMBERS),
    "upstream_response_time": ("", Kind.NUMBERS),
    "upstream_connect_time": ("", Kind.NUMBERS),
    "upstream_status": ("", Kind.NUMBERS),
    "connection": ("", Kind.NUMBER),
    "connection_requests": ("", Kind.NUMBER),
    "pid": ("", Kind.NUMBER),
    "server_port": ("", Kind.NUMBER),
    "server_addr": ("", Kind.WORD),
    "request_body": ("body", Kind.TEXT),
    "content_type": ("h:content-type", Kind.TEXT),
    "content_length": ("h:content-length", Kind.NUMBER),
}
_PREFIXES: Final = {
    "upstream_http_": "r:",
    "sent_http_": "r:",
    "http_": "h:",
    "cookie_": "c:",
}
_DIRECTIVE: Final = re.compile(
    r"\s*log_format\s+(?P<name>\S+)(?:\s+escape=(?P<escape>\w+))?\s+"
    r"(?P<pieces>(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^;'\"\s]+|\s+)*?)\s*;?\s*\Z"
)
_PIECE: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^;'\"\s]+)")
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ESCAPES: Final = {
    None: Escape.BACKSLASH,
    "default": Escape.BACKSLASH,
    "json": Escape.JSON,
    "none": Escape.NONE,
}


def layout_of(text: str) -> Layout:
    """
    Return the parser of a format, given alone or as the whole `log_format` directive.

    Raises:
        ConfigurationError: it is none that lines could be read by.
    """
    escape, bare = Escape.BACKSLASH, text
    if text.lstrip().startswith("log_format"):
        found = _DIRECTIVE.match(text)
        if found is None or found["escape"] not in _ESCAPES:
            raise ConfigurationError(
                "this is no log_format directive of nginx; write: "
                "log_format NAME escape=json '...';"
            )
        escape = _ESCAPES[found["escape"]]
        bare = "".join(_bare(each) for each in _PIECE.finditer(found["pieces"]))
    return Layout(_pieces(bare), escape)


def _bare(piece: re.Match[str]) -> str:
    quoted = piece[1] if piece[1] is not None else piece[2]
    if quoted is None:
        return piece[3]
    return re.sub(r"\\(['\"\\])", r"\1", quoted)


def _pieces(text: str) -> list[Piece]:
    made: list[Piece] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        if found.start() > end:
            made.append(text[end : found.start()].encode())
        made.append(_field(found[1] or found[2], found[0]))
        end = found.end()
    if end < len(text):
        made.append(text[end:].encode())
    return made


def _field(name: str, written: str) -> Field:
    if name in _TOLD:
        told, kind = _TOLD[name]
        return Field(told, written, kind)
    for prefix, mark in _PREFIXES.items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            header = rest if mark == "c:" else rest.replace("_", "-")
            return Field(mark + header, written)
    return Field("", written)
