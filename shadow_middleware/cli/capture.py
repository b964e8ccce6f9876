"""`shadow-middleware capture`: look into capture files, and make others of them."""

from __future__ import annotations

import typer

from shadow_middleware.cli import (
    capture_export,
    capture_grep,
    capture_import,
    capture_info,
    capture_redact,
)

__all__ = ["app"]

app = typer.Typer(
    help="Look into capture files, search, merge, redact, check, import and export them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command("info", epilog=capture_info.INFO_EPILOG)(capture_info.info)
app.command("cat", epilog=capture_grep.CAT_EPILOG)(capture_grep.cat)
app.command("grep", epilog=capture_grep.GREP_EPILOG)(capture_grep.grep)
app.command("merge", epilog=capture_redact.MERGE_EPILOG)(capture_redact.merge)
app.command("redact", epilog=capture_redact.REDACT_EPILOG)(capture_redact.redact)
app.command("verify", epilog=capture_info.VERIFY_EPILOG)(capture_info.verify)
app.command("import", epilog=capture_import.EPILOG)(capture_import.capture_import)
app.command("export", epilog=capture_export.EPILOG)(capture_export.capture_export)
