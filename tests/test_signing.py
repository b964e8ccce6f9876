"""The signing steps of the documentation, held to published signatures."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path
from typing import Any

from shadow_middleware.exchange import Body, Request
from shadow_middleware.transform.steps import Occasion

PAGE = Path(__file__).resolve().parent.parent / "docs" / "transformers.md"


def from_docs(name: str) -> Any:
    """Return a function of the page, as a reader would copy it."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    [block] = [block for block in blocks if f"def {name}(" in block]
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block, str(PAGE), "exec"), names)
    return names[name]


def test_aws_signature_is_that_of_awss_own_example() -> None:
    """AWS General Reference: `ListUsers` on 30 August 2015, with the keys of its docs."""
    request = Request(
        "GET",
        b"/",
        b"Action=ListUsers&Version=2010-05-08",
        [
            (b"Host", b"iam.amazonaws.com"),
            (b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-8"),
        ],
    )
    occasion = Occasion("shadow", "/", None, 0.0, now=1440938160.0)

    signed = dict(from_docs("sign_aws")(request, occasion).headers)

    assert b"20150830T123600Z" == signed[b"X-Amz-Date"]
    assert signed[b"Authorization"].endswith(
        b"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_hmac_covers_what_is_sent() -> None:
    """Another byte anywhere is another signature."""
    sign = from_docs("sign_hmac")
    occasion = Occasion("shadow", "/", None, 0.0, now=1000.0)
    request = Request("POST", b"/a", b"b=1", [], Body(b"c", 1))

    signature = dict(sign(request, occasion).headers)[b"X-Signature"].decode()

    expected = hmac.new(
        b"the shadow's own key", b"1000\nPOST\n/a?b=1\nc", hashlib.sha256
    )
    assert expected.hexdigest() == signature
