"""What a command that failed says, and the exit code it leaves."""

import os
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version
from time import strftime

from hardy.core import BuildFailed
from hardy.tools.cli._style import complain

USAGE, BUG = 2, 70
BUG_CODE = "H9901"


def tell(error: Exception) -> int:
    """Say what went wrong on standard error and return the exit code."""
    if isinstance(error, BuildFailed):
        from hardy.app import told_parent

        if not told_parent(error):
            complain("\n\n".join(each.render() for each in error.diagnostics))
        return error.exit_code
    if isinstance(error, ImportError) and "pip install" in str(error):
        complain(f"error: {error}")
        return USAGE
    return _bug(error)


def _bug(error: Exception) -> int:
    report = _save(error)
    complain(
        "\n".join(
            [
                f"error[{BUG_CODE}]: this is a bug in hardy, not in your service",
                _without_environment(f"  {type(error).__name__}: {error}"),
                f"  hardy {version('hardy')}   python {python_version()}   {platform()}",
                *([f"  report   {report}   (no values of your environment are in it)"] if report else []),
                "  help: please open an issue of hardy and attach the report",
                f"  more: hardy explain {BUG_CODE}",
            ]
        )
    )
    return BUG


def _save(error: Exception) -> Path | None:
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "hardy"
    path = folder / f"report-{strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    lines = [
        f"hardy {version('hardy')}, python {python_version()}, {platform()}",
        f"command: hardy {sys.argv[1] if len(sys.argv) > 1 else ''}",
        "",
        *traceback.format_exception(error),
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(_without_environment("\n".join(lines)), encoding="utf-8")
    except OSError:
        return None
    return path


def _without_environment(text: str) -> str:
    """Remove every value of the environment that could be a secret from *text*."""
    harmless = {"HOME", "PWD", "OLDPWD", "PATH", "SHELL", "LANG", "TERM", "USER", "LOGNAME", "VIRTUAL_ENV", "_"}
    for name, value in os.environ.items():
        if name not in harmless and len(value) >= 6:
            text = text.replace(value, f"<{name}>")
    return text
