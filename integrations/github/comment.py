"""Keeps one comment on the pull request up to date: `python comment.py NAME FILE.md`.

The comment is known by a mark that it carries, so that each push changes it instead of adding another. Python's own
library alone; GITHUB_TOKEN, GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_EVENT_PATH are those of GitHub's runners.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

MOST_CHARACTERS = 65_536
CUT = "\n\n*Cut off here: GitHub takes no longer comment. The job summary has the whole report.*\n"
PAGE = 100
LIMIT_S = 30.0


def main(name: str, file: Path) -> int:
    """Write or change the comment; 3 where GitHub does not let it."""
    mark = f"<!-- mobile-export: {name.replace('--', '- -')} -->"
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    number = event.get("pull_request", {}).get("number")
    if number is None:
        print("no pull request: nothing to comment on", file=sys.stderr)
        return 2
    body = {"body": fitting(mark, file.read_text(encoding="utf-8"))}
    comments = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    try:
        known = find(f"{comments}/{number}/comments", mark)
        if known is None:
            ask("POST", f"{comments}/{number}/comments", body)
        else:
            ask("PATCH", f"{comments}/comments/{known}", body)
    except urllib.error.HTTPError as error:
        print(f"GitHub answers {error.code} {error.reason}: {hint(error.code)}", file=sys.stderr)
        return 3
    except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
        print(f"GitHub cannot be reached: {error}", file=sys.stderr)
        return 3
    return 0


def fitting(mark: str, text: str) -> str:
    """The mark and the text, as long as GitHub takes it."""
    whole = f"{mark}\n{text}"
    return whole if len(whole) <= MOST_CHARACTERS else whole[: MOST_CHARACTERS - len(CUT)] + CUT


def find(path: str, mark: str) -> int | None:
    """The number of the first comment that begins with the mark; None where there is none."""
    page = 1
    while True:
        comments = ask("GET", f"{path}?per_page={PAGE}&page={page}")
        for comment in comments:
            if str(comment.get("body") or "").startswith(mark):
                return int(comment["id"])
        if len(comments) < PAGE:
            return None
        page += 1


def ask(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """GitHub's answer as data."""
    address = os.environ.get("GITHUB_API_URL", "https://api.github.com") + path
    headers = {
        "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        "Accept": "application/vnd.github+json",
        "Content-Type": "application/json",
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, headers=headers, method=method)  # noqa: S310 - https, of the runner
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310
        return json.load(answer)


def hint(code: int) -> str:
    """What mostly is the reason."""
    if code in (401, 403, 404):
        return "the job needs `permissions: { pull-requests: write }`, which pull requests from forks never have"
    return "try the job again"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
