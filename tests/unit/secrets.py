"""Secrets as files hold them, for the tests that look for them everywhere: none of them is anybody's."""

from __future__ import annotations

import base64
import random
import string

_DICE = random.Random(20261121)
PASSWORD = "Xq7-hunter2-Zw9"
"""Contained in everything that is written in clear."""


def _letters(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(_DICE.choice(alphabet) for _ in range(count))


HASHES = {
    "yescrypt": f"$y$j9T${_letters(22)}${_letters(43)}",
    "sha512crypt": f"$6${_letters(16)}${_letters(86)}",
    "sha256crypt": f"$5$rounds=5000${_letters(16)}${_letters(43)}",
    "md5crypt": f"$1${_letters(8)}${_letters(22)}",
    "bcrypt": f"$2b$12${_letters(53)}",
    "argon2": f"$argon2id$v=19$m=65536,t=3,p=4${_letters(22)}${_letters(43)}",
    "ldap": f"{{SSHA}}{base64.b64encode(_DICE.randbytes(28)).decode()}",
    "grub": f"grub.pbkdf2.sha512.10000.{_letters(128, '0123456789ABCDEF')}.{_letters(128, '0123456789ABCDEF')}",
}
TOKENS = {
    "github": f"ghp_{_letters(36)}",
    "gitlab": f"glpat-{_letters(20)}",
    "slack": f"xoxb-{_letters(12)}-{_letters(24)}",
    "aws": f"AKIA{_letters(16, string.ascii_uppercase + string.digits)}",
    "jwt": f"eyJ{_letters(30)}.eyJ{_letters(60)}.{_letters(43)}",
    "vault": f"hvs.{_letters(24)}",
    "age": f"AGE-SECRET-KEY-1{_letters(58, string.ascii_uppercase + string.digits)}",
}


def private_key(kind: str = "OPENSSH ") -> str:
    """A private key's file; nobody could use it."""
    body = base64.b64encode(_DICE.randbytes(380)).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----"])


KEYS = {kind.strip() or "PKCS8": private_key(kind) for kind in ("OPENSSH ", "RSA ", "EC ", "ENCRYPTED ", "")}
LINES = {
    "fstab": f"//nas/share /mnt/nas cifs rw,username=joe,password={PASSWORD},uid=0 0 0",
    "fstab, short": f"//nas/share /mnt/nas cifs rw,pass={PASSWORD} 0 0",
    "fstab, user": f"//nas/share /mnt/nas cifs rw,user=joe%{PASSWORD},uid=0 0 0",
    "apt proxy": f'Acquire::http::Proxy "http://joe:{PASSWORD}@proxy:3128/";',
    "apt option": f'Acquire::https::mirror::Password "{PASSWORD}";',
    "pam": f"auth required pam_mysql.so user=joe passwd={PASSWORD} host=db",
    "rsyslog, old": f"*.* :ommysql:127.0.0.1,Syslog,joe,{PASSWORD};format",
    "rsyslog": f'action(type="ommysql" server="db" uid="joe" pwd="{PASSWORD}")',
    "journal-upload": f"URL=https://joe:{PASSWORD}@logs:19532",
    "sysctl": f"net.ipv4.tcp_fastopen_key = {PASSWORD}",
    "kernel": f"root=/dev/sda1 ro rd.iscsi.password={PASSWORD} quiet",
    "credential": f"systemd.set_credential=root:{PASSWORD}",
    "unit": f"Environment=DB={PASSWORD}",
    "sshd": f"setenv DB={PASSWORD}",
    "argument": f"/usr/bin/backup --password {PASSWORD} /srv",
    "argument, joined": f"/usr/bin/backup --api-key={PASSWORD} /srv",
    "header": f'curl -H "Authorization: Bearer {PASSWORD}" https://api',
    "basic": f"Authorization: Basic {base64.b64encode(PASSWORD.encode()).decode()}",
    "json": f'{{"name": "x", "client_secret": "{PASSWORD}", "n": 1}}',
    "json, escaped": f'{{"token": "a\\"{PASSWORD}", "n": 1}}',
    "environment": f"AWS_SECRET_ACCESS_KEY={PASSWORD}",
    "quoted": f"DB_PASSWORD='{PASSWORD} and more'",
    "comment": f"# the root password is {PASSWORD}",
    "comment, short": f"#password: {PASSWORD}",
    "snmp": f"# token = {PASSWORD} for the collector",
    "wireguard": f"PrivateKey = {base64.b64encode(PASSWORD.encode()).decode()}=",
    "psk": f"wpa_psk={PASSWORD}",
    "des, passwd": "joe:aB3dE6gH9jK.m:1000:1000::/home/joe:/bin/sh",
    "des, group": "staff:aB3dE6gH9jK.m:50:joe",
}
SECRETS = (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), "aB3dE6gH9jK.m", *TOKENS.values())
"""What must be found nowhere, besides ``parts_of_keys`` and the secret parts of hashes."""


def needles() -> set[str]:
    """Everything that betrays a secret: the whole, the last part of every hash, and every line of a key."""
    parts = {value.rsplit("$", 1)[-1].rsplit(".", 1)[-1].rsplit("}", 1)[-1] for value in HASHES.values()}
    lines = {line for key in KEYS.values() for line in key.splitlines()[1:-1]}
    return {*SECRETS, *parts, *lines}
