"""
A verdict as JUnit XML, for CI systems: a test case for each criterion and route.

What fails is a `failure`; what is not decided is an `error`, so that nobody takes a
question that is open for one that is answered.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from shadow_middleware.report.checks import Check, State
from shadow_middleware.report.verdict import TargetVerdict, Verdict

__all__ = ["document", "junit_of", "safe"]


def junit_of(verdict: Verdict) -> str:
    """Return the verdict as an XML document: a suite for each target."""
    root = Element("testsuites", {"name": "shadow-middleware verdict"})
    for target in verdict.targets:
        _add_suite(root, target)
    if not verdict.targets:
        _add_nothing(root)
    return document(root)


def _add_suite(root: Element, target: TargetVerdict) -> None:
    name = safe(f"verdict on {target.target}")
    suite = SubElement(root, "testsuite", {"name": name})
    for check in target.checks:
        _add_case(suite, check, target.target)
    output = SubElement(suite, "system-out")
    output.text = safe("\n".join([target.ruling.value, *target.reasons]))


def _add_case(suite: Element, check: Check, target: str) -> None:
    details = {"name": check.name, "classname": f"shadow.{target}", "time": "0"}
    case = SubElement(
        suite, "testcase", {key: safe(text) for key, text in details.items()}
    )
    if check.state is State.PASSED:
        return
    sort = "failure" if check.state is State.FAILED else "error"
    why = {"message": safe(check.text), "type": check.state.value}
    SubElement(case, sort, why).text = safe(check.text)


def _add_nothing(root: Element) -> None:
    suite = SubElement(root, "testsuite", {"name": "verdict"})
    case = SubElement(
        suite, "testcase", {"name": "evidence", "classname": "shadow", "time": "0"}
    )
    details = {"message": "nothing is recorded yet", "type": State.OPEN.value}
    SubElement(case, "error", details)


def document(root: Element) -> str:
    """Return suites as an XML document, with what each of them and all have counted."""
    for element in (root, *root.iter("testsuite")):
        for name, path in (
            ("tests", ".//testcase"),
            ("failures", ".//failure"),
            ("errors", ".//error"),
            ("skipped", ".//skipped"),
        ):
            element.set(name, str(len(element.findall(path))))
        element.set("time", "0")
    indent(root)
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def safe(text: str) -> str:
    """Return text without what no XML document may hold (XML 1.0, production 2)."""
    return "".join(
        character if _is_allowed(character) else "\ufffd" for character in text
    )


def _is_allowed(character: str) -> bool:
    code = ord(character)
    if code < 0x20:
        return character in "\t\n\r"
    return not (0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF))
