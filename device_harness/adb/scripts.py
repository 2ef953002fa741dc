"""Shell scripts that run on a device behind adb: one that clears up after a lost session, and one that kills."""

import shlex
from collections.abc import Mapping, Sequence

MARKER = "MOBILE_EXPORT_RUN"

# Runs on the device as `sh -c SCRIPT`. Ends when its standard input does: when this session closes, when this process
# is killed, when the cable is lost. After a grace, unless a newer guard took over, it undoes everything.
_GUARD = """trap '' HUP INT TERM PIPE
cd {workspace} || exit 1
echo $$ > .guard; echo {lease} > .lease
cat /proc/sys/kernel/random/boot_id; echo guarding
cat > /dev/null
[ -e .closing ] || sleep {grace}
[ "$(cat .lease 2>/dev/null)" = {lease} ] || exit 0
{finish}"""

# Looked for again after killing: a process may have started another while the list was made.
_KILL = """for round in 1 2 3 4 5; do
  found=$(grep -l {marker}={token} /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$found" ] || break
  for p in $found; do p=${{p#/proc/}}; kill -9 "${{p%/environ}}" 2>/dev/null; done
done
"""

_RESTORE = """[ -f .restore ] && sh .restore > /dev/null 2>&1
cd / && rm -rf {workspace}"""

_FINISH = "cd {workspace} 2>/dev/null || exit 0\n" + _KILL + _RESTORE

# Clears up after sessions whose guards are gone (a reboot, or init ended them with adbd), then makes a workspace. The
# same shell goes on as its guard: there is no moment at which the workspace has none.
_OPEN = """trap '' HUP INT TERM PIPE
for base in /data/local/tmp /tmp; do [ -w "$base" ] && break; done
for old in "$base"/mobile-export.*; do
  [ -d "$old" ] || continue
  if [ -f "$old/.guard" ]; then kill -0 "$(cat "$old/.guard")" 2>/dev/null && continue
  else [ -n "$(find "$old" -maxdepth 0 -mmin +1 2>/dev/null)" ] || continue; fi
  cd "$old" && {{ [ -f .restore ] && sh .restore > /dev/null 2>&1; cd /; rm -rf "$old"; }}
done
workspace=$(mktemp -d "$base/mobile-export.XXXXXXXX") || exit 1
echo "$workspace"
"""


def guard(workspace: str, *, opening: bool, lease: str, grace_s: float, token: str) -> str:
    """What stays on the device and clears up when the session is gone.

    Args:
        workspace: its path; empty with `opening`, which makes it.
        opening: whether to clear up after older sessions and make a workspace first.
        lease: of this guard; a newer one takes over.
        grace_s: how long it waits for a newer one when the connection is lost.
        token: of the session's processes.
    """
    where = '"$workspace"' if opening else shlex.quote(workspace)
    script = _GUARD.format(workspace=where, lease=lease, grace=grace_s, finish=_finish(where, token))
    return (_OPEN.format() if opening else "") + script


def leave(workspace: str, token: str) -> str:
    """Ends what runs, restores what was changed, removes the workspace."""
    where = shlex.quote(workspace)
    return f"touch {where}/.closing; {_finish(where, token)}"


def kill(token: str) -> str:
    """Kills every process that was started under `token`."""
    return _KILL.format(marker=MARKER, token=token) + "true"


def marked(workspace: str, command: Sequence[str], env: Mapping[str, str], session: str, token: str) -> str:
    """`command` as data, with its beginning and end announced on standard error under `token`."""
    exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in env.items())
    inner = 'printf "%s %s\\n" "$0" "$$" >&2; exec "$@"'
    return (
        f"cd {shlex.quote(workspace)} || exit 1; {exports}export {MARKER}={session}.{token}; "
        f"sh -c {shlex.quote(inner)} {token} {shlex.join(command)} < /dev/null; "
        f'printf "\\n%s %s\\n" {token} "$?" >&2'
    )


def receive(partial: str, target: str, digest: str, *, executable: bool) -> str:
    """Gives `partial` its name when its SHA-256 is `digest`; prints ``damaged`` when it is not."""
    here, there = shlex.quote(partial), shlex.quote(target)
    return (
        f"found=$(sha256sum < {here}) || exit 1; "
        f'[ "${{found%% *}}" = {digest} ] || {{ echo damaged; exit 0; }}; '
        f"chmod {'755' if executable else '644'} {here} && mv -f {here} {there}"
    )


def remember(workspace: str, command: str) -> str:
    """Puts `command` before those that the guard runs at the end."""
    path, line = shlex.quote(f"{workspace}/.restore"), shlex.quote(command)
    return f"{{ printf '%s\\n' {line}; cat {path} 2>/dev/null; true; }} > {path}.new && mv {path}.new {path}"


def _finish(where: str, token: str) -> str:
    return _FINISH.format(workspace=where, marker=MARKER, token=token)
