"""Make the secrets of docker-compose.yml in ./secrets: random, once, never printed.

    python .build/compose_secrets.py [--site NAME]  whatever is missing; what is there stays
    python .build/compose_secrets.py device NAME    an MQTT account; prints its password, once

After a new device: docker compose kill -s HUP mqtt.

As root the files are given to the user of the container that reads them, mode 0400. Without root
they are readable inside a folder that only you may enter, which is what Docker's own mounts pass.
Only Python's standard library and the `openssl` command are needed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

ITERATIONS = 101  # mosquitto_passwd's own number: a device connects in a millisecond
OURS, POSTGRES, VALKEY, MOSQUITTO = 10001, 0, 999, 1883
OWNERS = {
    "database_password": POSTGRES,
    "redis_conf": VALKEY,
    "redis_password": VALKEY,
    "mqtt_passwords": MOSQUITTO,
    "mqtt_certificate": MOSQUITTO,
    "mqtt_key": MOSQUITTO,
    "web_certificate": 0,
    "web_key": 0,
}


def main(argv: list[str]) -> None:
    """Obey the command line."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--folder", type=Path, default=Path("secrets"))
    words.add_argument("--site", default="localhost", help="the name in the certificates")
    words.add_argument("command", nargs="?", choices=["device"])
    words.add_argument("name", nargs="?", default="")
    given = words.parse_args(argv)
    given.folder.mkdir(mode=0o700, exist_ok=True)
    os.chdir(given.folder)
    if given.command is None:
        make(given.site)
    elif re.fullmatch(r"[a-z0-9-]{1,64}", given.name):
        print(add_device(given.name))
    else:
        words.error("a device's name has 1 to 64 of a-z, 0-9 and -")


def make(site: str) -> None:
    """Write each secret that is missing."""
    database, redis = once("database_password"), once("redis_password")
    keep("database_url", f"postgresql://ioc:{database}@database:5432/ioc")
    keep("redis_url", f"redis://:{redis}@redis:6379/0")
    keep("redis_conf", f'dir /data\nrequirepass {redis}\nappendonly yes\nsave ""')
    lines = []
    for account in ("ingest", "web", "files"):
        password = secrets.token_urlsafe(24)
        if keep(f"mqtt_url_{account}", f"mqtt://ioc-{account}:{password}@mqtt:1883"):
            lines.append(f"ioc-{account}:{hashed(password)}")
    if lines:
        append("mqtt_passwords", lines)
    for name in ("mqtt", "web"):
        if not Path(f"{name}_key").exists():
            certificate(name, site)


def add_device(name: str) -> str:
    """Add or replace a device's account; return its password."""
    password = secrets.token_urlsafe(18)
    append("mqtt_passwords", [f"{name}:{hashed(password)}"])
    return password


def hashed(password: str) -> str:
    """Return mosquitto's own form: $7$iterations$salt$PBKDF2-SHA512, in base64."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    parts = [base64.b64encode(part).decode() for part in (salt, digest)]
    return f"$7${ITERATIONS}${parts[0]}${parts[1]}"


def once(name: str) -> str:
    """Return a random secret, made the first time."""
    keep(name, secrets.token_urlsafe(32))
    return Path(name).read_text().strip()


def keep(name: str, text: str) -> bool:
    """Write a secret unless it is there; return whether it was written."""
    if Path(name).exists():
        return False
    write(name, f"{text}\n")
    return True


def append(name: str, lines: list[str]) -> None:
    """Put accounts into a password file, in place of older ones of the same names."""
    path = Path(name)
    names = {line.partition(":")[0] for line in lines}
    old = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in old if line.partition(":")[0] not in names]
    write(name, "".join(f"{line}\n" for line in [*kept, *lines]))


def certificate(name: str, site: str) -> None:
    """Make a self-signed certificate, to be replaced by one of your authority."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825"
    more = ["-subj", f"/CN={site}", "-addext", f"subjectAltName=DNS:{site}"]
    files = ["-keyout", f"{name}_key", "-out", f"{name}_certificate"]
    subprocess.run(["openssl", *words.split(), *more, *files], check=True, capture_output=True)
    for part in ("key", "certificate"):
        guard(f"{name}_{part}")


def write(name: str, text: str) -> None:
    """Write a file that nobody else can read meanwhile.

    In place where it exists: a container's mount follows the file, not its name.
    """
    path = Path(name)
    path.touch(mode=0o600)
    path.write_text(text)
    guard(name)


def guard(name: str) -> None:
    """Give a secret to its reader alone."""
    path = Path(name)
    if os.geteuid() == 0:
        os.chown(path, OWNERS.get(name, OURS), -1)
        path.chmod(0o400)
    else:
        path.chmod(0o644 if OWNERS.get(name, OURS) else 0o600)


if __name__ == "__main__":
    main(sys.argv[1:])
