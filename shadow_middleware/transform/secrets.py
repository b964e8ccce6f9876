"""
What counts as a secret: names that say so, and text that looks like one.

Patterns run on bytes in RE2, in time linear in the text, whoever wrote them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote_plus

import re2

__all__ = [
    "REDACTED",
    "Mark",
    "TextRedactor",
    "compiled",
    "has_known_form",
    "is_secret_name",
    "maybe_secret",
    "redacted",
]

REDACTED = "[redacted]"
_REDACTED = REDACTED.encode()

Mark = Callable[[str], str]
"""Returns what stands in a secret's place. It gives what it gave before as it is."""


def redacted(secret: str) -> str:
    """Return the same for every secret."""
    return REDACTED


_ANYWHERE = re.compile(
    "passw|passphrase|passcode|secret|token|apikey|accesskey|privatekey|signingkey"
    "|encryptionkey|masterkey|sharedkey|authorization|credential|cardnumber|creditcard"
    "|debitcard|cardholder|securitycode|accountnumber|routingnumber|sortcode|sessionid"
    "|sessionkey|socialsecurity|jwt|bearer|csrf|xsrf|onetimecode|recoverycode"
    "|verificationcode|backupcode|mnemonic|seedphrase|signature|hmac"
)
"""Found anywhere in a name of which only letters and digits are left."""
_WORD = re.compile(
    "pwd|pass|pw|pin|otp|totp|mfa|cvv2?|cvc2?|csc|ssn|sid|pan|iban|cards?|authn?|sessid"
    "|session|cookies?|sig|dpop"
)
"""Found as a word of a name: `user_pin`, `cardPan`, `X-SSN`."""
_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+")
_MAX_NAME = 256

_KNOWN = b"|".join(
    [
        rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        rb"(?s:.*?)(?:-----END [A-Z0-9 ]*KEY(?: BLOCK)?-----|\z)",
        rb"ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*",
        rb"(?i:bearer|basic|negotiate)\s+[A-Za-z0-9._~+/=-]{8,}",
        rb"(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{16}",
        rb"gh[pousr]_[A-Za-z0-9]{20,}",
        rb"github_pat_[A-Za-z0-9_]{20,}",
        rb"glpat-[A-Za-z0-9_-]{16,}",
        rb"xox[abeoprs]-[A-Za-z0-9-]{10,}",
        rb"npm_[A-Za-z0-9]{20,}",
        rb"pypi-[A-Za-z0-9_-]{20,}",
        rb"(?:sk|rk|whsec)[_-](?:live[_-]|test[_-]|proj-|ant-)?[A-Za-z0-9_-]{16,}",
        rb"AIza[A-Za-z0-9_-]{30,}",
        rb"ya29\.[A-Za-z0-9_-]{10,}",
        rb"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]+",
    ]
)
"""Forms that mean the same wherever they stand, as their issuers document them:
private keys, JSON web tokens, schemes of Authorization, keys of large providers."""
_USERINFO = rb"(://[^/\s:@\"'<>]*:)([^/\s@\"'<>]+)(@)"
_DIGITS = rb"[0-9](?:[ \-]?[0-9]){12,}"
_MAYBE = rb"[=:%\\<]|" + _DIGITS + b"|" + _KNOWN
"""Text in which this is not found holds nothing that the others find."""
_PLAIN = re.compile(r"[A-Za-z0-9_ .,/-]{0,12}")
"""Too short for any known form, and without what a pair or an escape needs."""
_NAME = (
    rb"((?i:(?:api|access|private|secret|card|account|security|session|one[ ]time) )?"
    rb"[A-Za-z0-9_.\-\[\]$]{1,128})[\\\"']{0,8}\s{0,8}(?:=>|:=|[=:])\s{0,8}"
)
_VALUE = rb"\\{0,4}\"(?:[^\"\\]|\\.)*\"?|\\{0,4}'(?:[^'\\]|\\.)*'?|[^\r\n;&\"'<>{},]*"
_TAG = rb"(?i)<(?:input|meta|param|property|button|option|data)\b[^>]*>"
_ATTRIBUTE = rb"(?i)(\b(?:value|content)\s*=\s*)(\"[^\"]*\"?|'[^']*'?|[^\s>]+)"
_NAMING = rb"(?i)\b(?:name|id|type|property|key)\s*=\s*[\"']?([A-Za-z0-9_.\-\[\]:]+)"
_ELEMENT = rb"<([A-Za-z_][\w:.\-]*)((?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?)([^<>]+)"


def compiled(pattern: bytes) -> Any:
    """
    Return the RE2 pattern compiled.

    Raises:
        ValueError: it is not a pattern that RE2 takes; the message says why.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    words = [word.lower() for word in _SPLIT.findall(name)]
    if _ANYWHERE.search("".join(words)):
        return True
    return any(_WORD.fullmatch(word) for word in words)


def is_secret_name(name: str) -> bool:
    """Whether a member, field, cookie or parameter of this name holds a secret."""
    return _is_secret_name(name[:_MAX_NAME])


def maybe_secret(text: str) -> bool:
    """
    Whether text may hold a form that is secret wherever it stands, or hide one.

    A name and its value are not looked for where only a colon joins them.
    """
    return _MAYBE_FORM.search(text.encode("utf-8", "surrogatepass")) is not None


def has_known_form(data: bytes) -> bool:
    """Whether bytes hold a key or token that its own form tells: what any file may."""
    return _KNOWN_FORMS.search(data) is not None


class TextRedactor:
    """Takes secrets out of plain text, with the patterns of a user besides ours."""

    def __init__(self, patterns: Iterable[str] = (), mark: Mark = redacted) -> None:
        self._users = [compiled(pattern.encode()) for pattern in patterns]
        self._mark = mark
        self._all = _all if mark is redacted else partial(_marked, mark)
        self._passes = _PASSES if mark is redacted else _passes_with(mark)

    def __call__(self, text: str) -> str:
        """
        Return the text without the secrets found in it.

        What shows only after percent-decoding or unescaping, up to twice, is found
        too; then the whole text goes.
        """
        clean = self._once(text)
        hidden = clean
        for _ in range(2):
            revealed = _revealed(hidden)
            if revealed == hidden:
                break
            if self._once(revealed) != revealed:
                return self._mark(text)
            hidden = revealed
        return clean

    def _once(self, text: str) -> str:
        if not self._users and _PLAIN.fullmatch(text):
            return text
        raw = text.encode("utf-8", "surrogatepass")
        for pattern in self._users:
            raw = pattern.sub(self._all, raw)
        if _MAYBE_SECRET.search(raw) is not None:
            for clean in self._passes:
                raw = clean(raw)
        return raw.decode("utf-8", "surrogatepass")


def _revealed(text: str) -> str:
    """Return the text with percent-escapes and backslash-escapes undone once."""
    if "%" in text:
        text = unquote_plus(text)
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return text


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)


def _unescaped(found: re.Match[str]) -> str:
    wide, narrow, plain = found.groups()
    return plain if plain is not None else chr(int(wide or narrow, 16))


def _all(found: Any) -> bytes:
    return _REDACTED


def _marked(mark: Mark, found: Any) -> bytes:
    return _mark_bytes(mark, bytes(found.group(0)))


def _mark_bytes(mark: Mark, secret: bytes) -> bytes:
    return mark(secret.decode("utf-8", "replace")).encode("utf-8", "replace")


def _middle(mark: Mark, found: Any) -> bytes:
    before, secret, after = found.groups()
    return bytes(before) + _mark_bytes(mark, bytes(secret)) + bytes(after)


def _pairs(mark: Mark, raw: bytes) -> bytes:
    """`name=value` and its like: the value goes where the name says *secret*."""
    kept: list[bytes] = []
    end = 0
    for found in _NAMES_OF_PAIRS.finditer(raw):
        if found.start() < end or not is_secret_name(found.group(1).decode("latin-1")):
            continue
        value = _VALUES_OF_PAIRS.match(raw, found.end()).group(0)
        bare = value.strip(b"\\\"' \t")
        if not bare or bare in _NOTHING or bare.startswith(_REDACTED):
            continue
        quote = value[:1] if value[:1] in b"\"'" else b""
        kept += [raw[end : found.end()], quote, _mark_bytes(mark, bare), quote]
        end = found.end() + len(value)
    return b"".join([*kept, raw[end:]]) if kept else raw


_NOTHING = frozenset({b"null", b"true", b"false", b"None", b"True", b"False"})


def _tag(mark: Mark, found: Any) -> bytes:
    """An HTML field whose name or type says *secret* loses its value."""
    tag = bytes(found.group(0))
    names = [bytes(each) for each in _NAMES.findall(tag)]
    if not any(is_secret_name(name.decode("latin-1")) for name in names):
        return tag
    return bytes(_VALUES.sub(partial(_field, mark), tag))


def _field(mark: Mark, found: Any) -> bytes:
    before, value = map(bytes, found.groups())
    return b'%b"%b"' % (before, _mark_bytes(mark, value.strip(b"\"'")))


def _element(mark: Mark, found: Any) -> bytes:
    """An XML element whose name says *secret* loses its text."""
    name, between, text = found.groups()
    if not text.strip() or not is_secret_name(name.decode("latin-1")):
        return bytes(found.group(0))
    return b"<%b%b%b" % (name, between, _mark_bytes(mark, text.strip()))


def _card(mark: Mark, found: Any) -> bytes:
    """A run of digits goes if a card number can be read in it."""
    run = bytes(found.group(0))
    groups = _GROUPS.split(run)
    if len(groups) > _MAX_GROUPS:
        return _mark_bytes(mark, run)
    for start in range(len(groups)):
        digits = b""
        for group in groups[start:]:
            digits += group
            if len(digits) > 19:
                break
            if len(digits) >= 13 and _is_card(digits):
                return _mark_bytes(mark, run)
    return run


_GROUPS = re.compile(rb"[ -]")
_MAX_GROUPS = 64


_FIRST_DIGITS = {13: b"4", 14: b"3", 15: b"123"}


def _is_card(digits: bytes) -> bool:
    """Whether the digits begin like a card's (ISO/IEC 7812) and pass Luhn's check."""
    if digits[:1] not in _FIRST_DIGITS.get(len(digits), b"23456"):
        return False
    total = 0
    for place, byte in enumerate(reversed(digits)):
        digit = byte - 48
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def _passes_with(mark: Mark) -> tuple[Callable[[bytes], bytes], ...]:
    """Return what takes known forms out, one after the other."""
    return (
        partial(_KNOWN_FORMS.sub, partial(_marked, mark)),
        partial(_USERINFOS.sub, partial(_middle, mark)),
        partial(_TAGS.sub, partial(_tag, mark)),
        partial(_ELEMENTS.sub, partial(_element, mark)),
        partial(_pairs, mark),
        partial(_RUNS.sub, partial(_card, mark)),
    )


_MAYBE_SECRET = compiled(_MAYBE)
_MAYBE_FORM = compiled(rb"[=%\\<]|" + _DIGITS + b"|" + _KNOWN)
_NAMES_OF_PAIRS = compiled(_NAME)
_VALUES_OF_PAIRS = compiled(_VALUE)
_NAMES = compiled(_NAMING)
_VALUES = compiled(_ATTRIBUTE)
_KNOWN_FORMS = compiled(_KNOWN)
_USERINFOS = compiled(_USERINFO)
_TAGS = compiled(_TAG)
_ELEMENTS = compiled(_ELEMENT)
_RUNS = compiled(_DIGITS)
_PASSES = _passes_with(redacted)
