"""Exit with 1 unless the browser tests ran: `python tools/check_browser_ran.py REPORT.xml`.

REPORT.xml is what `pytest --junitxml` wrote. For pytest a skipped test is no failure; for a learner
whose slider does not move it is one.
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

MODULE = "test_browser"


def complaint(report: Path) -> str:
    """Why the report does not show that the browser tests ran; empty if it does."""
    cases = [
        case
        for case in ET.parse(report).iter("testcase")
        if MODULE in case.get("classname", "").split(".")
    ]
    if not cases:
        return f"no test of {MODULE}.py was run"
    skipped = [case.get("name", "?") for case in cases if case.find("skipped") is not None]
    if skipped:
        return f"skipped in {MODULE}.py: {', '.join(skipped)}"
    return ""


if __name__ == "__main__":
    sys.exit(complaint(Path(sys.argv[1])) or 0)
