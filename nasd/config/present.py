"""What the settings come to: where the daemon listens, how they are shown, what is not acted on."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Any
from urllib.parse import urlsplit

from nasd.config.credentials import read_credential
from nasd.config.models import Endpoint, Settings, TlsFiles
from nasd.errors import ConfigError

HIDDEN = "***"
_SECRET_PARAMETER = re.compile(
    r"([?&][^=&]*(?:secret|token|password|passwd|key|signature|sig)[^=&]*=)[^&]*", re.I
)
_USER_INFORMATION = re.compile(r"(?<=://)[^/@\s]+@")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind_host(settings: Settings) -> tuple[str, str | None]:
    """The address to listen on, and why it is narrower than the one configured, if it is.

    Without a certificate nothing leaves this machine: an address of the network narrows to loopback. To ask
    for one while TLS is off is a contradiction: ConfigError.
    """
    server = settings.server
    if isinstance(server.tls, TlsFiles) or is_loopback(server.host):
        return server.host, None
    if server.tls == "off" and "host" in server.model_fields_set:
        raise ConfigError(
            f"server.host is {server.host} while server.tls is off: tokens and files would cross the network "
            "in the clear.",
            cure='Set server.tls to {cert = "…", key = "…"}, or server.host to 127.0.0.1.',
        )
    loopback = "::1" if ":" in server.host else "127.0.0.1"
    return loopback, "no certificate is configured (server.tls), so only this machine is served"


def hide(url: str) -> str:
    """A URL without the user, password or key that it may carry."""
    return _SECRET_PARAMETER.sub(rf"\g<1>{HIDDEN}", _USER_INFORMATION.sub(f"{HIDDEN}@", url))


def show(settings: Settings) -> dict[str, Any]:
    """The result of all layers as plain values in the file's own notation, with secrets hidden."""
    return dict(_plain(settings.model_dump(mode="json")))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return hide(value) if isinstance(value, str) and "://" in value else value


def warnings(settings: Settings) -> list[str]:
    """What this version accepts and does not act on yet, in plain sentences."""
    found: list[str] = []
    for number, rule in enumerate(settings.policy, start=1):
        label = f'policy rule "{rule.name or number}"'
        later = [
            name for name in ("labels", "personal_data", "meaning") if getattr(rule.match, name) is not None
        ]
        if later:
            effect = (
                "they count as holding" if not rule.embed else "the rule does not allow anything by itself"
            )
            found.append(f"{label}: {', '.join(later)} cannot be judged by this version; {effect}.")
        if rule.sync:
            found.append(f"{label}: sync is not acted on; this version copies nothing anywhere.")
    if settings.sync.targets:
        names = ", ".join(target.name for target in settings.sync.targets)
        found.append(f"sync.targets ({names}): not acted on; this version copies nothing anywhere.")
    serve = settings.embedding.serve
    if isinstance(serve, Endpoint) and not is_loopback(urlsplit(serve.url).hostname or ""):
        found.append(f"embedding.serve: the text of all files is sent to {hide(serve.url)} to be embedded.")
    server = settings.llm.serve
    if isinstance(server, Endpoint) and not is_loopback(urlsplit(server.url).hostname or ""):
        found.append(f"llm.serve: what the policy lets go (remote_llm) is shown to {hide(server.url)}.")
    if settings.server.tls == "auto" and "tls" in settings.server.model_fields_set:
        found.append("server.tls: this version makes no certificate by itself; give {cert, key} for the LAN.")
    return found


def problems(settings: Settings) -> list[str]:
    """What keeps the daemon from its work, by a look at the disk: certificates that cannot be read, missing
    credentials, volumes that are no folders. A missing volume is not among them: its disk may come later."""
    found: list[str] = []
    if isinstance(settings.server.tls, TlsFiles):
        for name, path in (("cert", settings.server.tls.cert), ("key", settings.server.tls.key)):
            if not os.access(path, os.R_OK) or not path.is_file():
                found.append(f"server.tls.{name}: {path} is not a file that can be read.")
    for section, serve in (("embedding", settings.embedding.serve), ("llm", settings.llm.serve)):
        if isinstance(serve, Endpoint) and serve.credentials is not None:
            try:
                read_credential(serve.credentials, config_file=settings.paths.config_file, environ=os.environ)
            except ConfigError as error:
                found.append(f"{section}.serve.credentials: {error}")
    for volume in settings.volumes:
        if volume.path.exists() and not volume.path.is_dir():
            found.append(f'volume "{volume.name}": {volume.path} is not a folder.')
        elif volume.path.resolve().is_relative_to(settings.paths.state_dir.resolve()):
            found.append(f'volume "{volume.name}": {volume.path} lies inside the state folder.')
    return found
