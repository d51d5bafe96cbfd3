"""What the deploying account may do, as docs/operate.md says it: the one list that the tests use too."""

import pathlib
import re

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/operate.md"
SECTION = "## What the deploying account may do\n"


def documented():
    """The actions of the section's table, such as 'dynamodb:Describe*', sorted. A name without a service is of the service before it in its row."""
    _, found, rest = DOCUMENT.read_text().partition(SECTION)
    section = rest.partition("\n## ")[0]
    actions = set()
    for cell in re.findall(r"^\|[^|]*\|([^|]*)\|$", section, re.M):
        service = None
        for code in re.findall(r"`([^`]*)`", cell):
            named = re.fullmatch(r"([a-z0-9-]+):([A-Z*][A-Za-z*]*)", code)
            if named:
                service = named[1]
                actions.add(code)
            elif service and re.fullmatch(r"[A-Z*][A-Za-z*]*", code):
                actions.add(f"{service}:{code}")
    if not found or not actions:
        raise ValueError(f"{DOCUMENT} has no table of actions below {SECTION.strip()}")
    return sorted(actions)
