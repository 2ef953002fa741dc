"""What licenses of weights ask of those who ship them; told, never judged: this program gives no legal advice."""

import re

_TERMS = (
    (
        re.compile(r"\bnc\b|non-?commercial|research-only", re.IGNORECASE),
        "which allows no commercial use: ask the owner for another one before an app ships it",
    ),
    (
        re.compile(r"\bagpl|affero", re.IGNORECASE),
        "under which an app that ships it must offer its own source: do so, or buy another license",
    ),
    (
        re.compile(r"\bgpl|\bcc-by-sa\b", re.IGNORECASE),
        "under which what is made of it is passed on under the same terms: see whether your app can be",
    ),
    (
        re.compile(r"^other$|^unknown$|openrail|llama|gemma", re.IGNORECASE),
        "which has terms of its own: read them before an app ships it",
    ),
)
"""What to say of licenses whose names hold a pattern; the first that fits."""


def license_notes(spec: str, name: str) -> tuple[str, ...]:
    """A sentence on a license that an app may be unable to keep; none for others, and none where none is known.

    Args:
        spec: the MODEL argument.
        name: an SPDX identifier (``AGPL-3.0``), an identifier of the Hugging Face hub (``cc-by-nc-4.0``), or words.
    """
    asks = next((sentence for pattern, sentence in _TERMS if pattern.search(name)), "")
    return (f"the license of {spec} is {name}, {asks}",) if asks else ()
