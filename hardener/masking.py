r"""What no evidence may hold: the shapes of secrets, and what is put in their place.

The patterns mask what a question's answer says before it leaves the target (they are sed's there), and what a playbook
tells of its changes. So they are written in what POSIX's extended and Python's regular expressions have in common:
no classes, no escapes but ``\.`` and the like, no lazy repetition, and a tab is a tab.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "[masked]"

_BLANK = "[ \t]"
_NAMES = (
    "pass(word|wd|phrase|code)?[0-9]?|pwd|secret|token|psk|(bind|root)pw|(api|private|secret|access|encryption|fastopen)"
    "[_-]?key|set_credential(_encrypted)?"
)
"""What the name of a secret ends with; the names of files that hold one end otherwise."""
_QUOTED = r'"([^"\\]|\\.)*'
_BARE = "[^ \t,;}\"']+"
_WORD_BEGINS = "(^|[^A-Za-z0-9_])"

_Rule = tuple[str, str, bool]
"""A pattern, what replaces it (``\\1`` is its first group), and whether capitals make no difference."""

RULES: Sequence[_Rule] = (
    # Keys in one line, as JSON and environments hold them; those over many lines are KEY_BEGINS to KEY_ENDS.
    ("-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----.*-----END [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----", MASK, False),
    # Password hashes: crypt(3), LDAP's, GRUB's, and the 13 letters of DES where passwd, group and shadow have them.
    (
        r"\$(1|2[abxy]?|5|6|7|y|gy|md5|sha1|apr1|argon2[id]*|scrypt|pbkdf2[a-z0-9-]*)\$[./A-Za-z0-9$,=+-]{8,}",
        MASK,
        False,
    ),
    (r"\{(S?SHA[0-9]*|S?MD5|CRYPT|PBKDF2[A-Z0-9_-]*)\}[./A-Za-z0-9+=$]{8,}", MASK, True),
    (r"(grub\.pbkdf2\.sha512\.[0-9]+\.)[0-9A-Fa-f.]{16,}", rf"\1{MASK}", False),
    (r"^([^: \t]+:)[./A-Za-z0-9]{13}(:[0-9]*:)", rf"\1{MASK}\2", False),
    # Tokens that say what they are.
    (
        f"{_WORD_BEGINS}(gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|dckr_pat_|npm_|pypi-)[A-Za-z0-9_-]{{16,}}",
        rf"\1{MASK}",
        False,
    ),
    (
        f"{_WORD_BEGINS}(hvs\\.|sk-|sk-proj-|sk-ant-[a-z0-9]+-|[sr]k_(live|test)_)[A-Za-z0-9]{{20,}}",
        rf"\1{MASK}",
        False,
    ),
    (f"{_WORD_BEGINS}(AKIA|ASIA)[A-Z0-9]{{16}}", rf"\1{MASK}", False),
    (r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", MASK, False),
    ("AGE-SECRET-KEY-1[A-Z0-9]{20,}", MASK, True),
    (f"(authorization[\"']?:{_BLANK}*[\"']?((bearer|basic|token){_BLANK}+)?)[^ \t\"']{{8,}}", rf"\1{MASK}", True),
    # Somebody's name and password before a host.
    ("([a-z][a-z0-9+.-]{0,40}://)[^/@ \t\"'<>]+@", rf"\1{MASK}@", True),
    # What is called a secret: "name": "value", name="value", name "value", name=value, --name value; and what stands
    # behind the user in an option of mount.cifs.
    (f"(({_NAMES})[\"']{_BLANK}*[=:]{_BLANK}*){_QUOTED}", rf'\1"{MASK}', True),
    (f"(({_NAMES})({_BLANK}*={_BLANK}*|{_BLANK}+)){_QUOTED}", rf'\1"{MASK}', True),
    (f"(({_NAMES}){_BLANK}*={_BLANK}*)'[^']*", rf"\1'{MASK}", True),
    (f"(({_NAMES}){_BLANK}*={_BLANK}*){_BARE}", rf"\1{MASK}", True),
    (f"((^|[ \t\"'=])--?({_NAMES}){_BLANK}+){_BARE}", rf"\1{MASK}", True),
    ('((^|[ \t,"])user(name)?=[^ \t,%"]*%)[^ \t,"]+', rf"\1{MASK}", True),
    # rsyslog's old form of a database, sshd's and systemd's environments.
    (":(om[a-z]+:[^,;]*,[^,;]*,[^,;]*,)[^; \t]+", rf":\1{MASK}", False),
    (f"^({_BLANK}*(setenv{_BLANK}+[^= \t]+|(Pass)?Environment|SetCredential[A-Za-z]*)=).*", rf"\1{MASK}", True),
    # A comment that says one: "password: …", and "the password is …" where what follows is hardly a word of English.
    (f"^([a-z/.-]*:?{_BLANK}*[#;][^/]*({_NAMES})s?{_BLANK}*[:=]{_BLANK}*)[^ \t].*", rf"\1{MASK}", True),
    (
        f"^([a-z/.-]*:?{_BLANK}*[#;][^/]*({_NAMES}){_BLANK}+(is|was){_BLANK}+)[^ \t]*[^a-z \t.,][^ \t].*",
        rf"\1{MASK}",
        True,
    ),
)
KEY_BEGINS = "-----BEGIN [A-Z0-9 ]*PRIVATE KEY"
KEY_ENDS = "-----END [A-Z0-9 ]*PRIVATE KEY"

_COMPILED = [(re.compile(pattern, re.IGNORECASE if folds else 0), to) for pattern, to, folds in RULES]


def masked(text: str) -> str:
    """Text without the secrets that any rule knows."""
    lines, is_key = [], False
    for line in text.split("\n"):
        kept = line
        for pattern, replacement in _COMPILED:
            kept = pattern.sub(replacement, kept)
        # As in sed: the line a key begins with never ends one.
        was_key, is_key = is_key, is_key or re.search(KEY_BEGINS, kept) is not None
        lines.append(MASK if is_key and kept else kept)
        is_key = is_key and not (was_key and re.search(KEY_ENDS, kept))
    return "\n".join(lines)


def sed_program(frame: str) -> str:
    """The same as a program for ``sed -E``. A line that begins with ``frame`` ends every key, and stays as it is."""
    rules = [f"s\x01{pattern}\x01{to}\x01{'gI' if folds else 'g'}" for pattern, to, folds in RULES]
    key = f"/{KEY_BEGINS}/,/({KEY_ENDS}|^{frame} )/{{/^{frame} /!s/.+/{MASK}/;}}"
    return "\n".join([f"/^{frame} /!{{", *rules, "}", key, ""])
