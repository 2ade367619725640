"""Which paths are not read, and which rule of which origin says so. Pure.

An entry is judged by itself, on the way down: what lies in an ignored folder is never met, so nothing below
an ignored folder can be taken back in, as in git. The first of these that speaks of an entry decides, and in
each the last line that matches:

1. fences: nasd's own state, which no rule can open
2. the owner's configuration, so that nobody who can write into a volume overrules it
3. the ignore files met on the way down: the deepest first, `.nasdignore` before `.gitignore`
4. what is built in

Paths are bytes relative to the volume; what is not UTF-8 is matched by its surrogate escapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nasd.domain.files import display_path
from nasd.errors import InvalidRequest
from nasd.watch.patterns import Malformed, Pattern, parse

GITIGNORE = b".gitignore"
NASDIGNORE = b".nasdignore"

BUILT_IN = (
    # what storage systems and desktops keep for themselves: thumbnails, snapshots, trash
    *("@eaDir/", "@tmp/", r"\#recycle/", r"\#snapshot/", "@Recycle/", "@Recently-Snapshot/", ".@__thumb/"),
    *(".snapshot/", ".snapshots/", ".zfs/", "lost+found/", ".Trash/", ".Trash-*/", ".Trashes/"),
    *(".local/share/Trash/", "$RECYCLE.BIN/", "RECYCLER/", "System Volume Information/"),
    *(".Spotlight-V100/", ".fseventsd/", ".TemporaryItems/", ".DocumentRevisions-V100/", ".AppleDouble/"),
    *(".AppleDB/", ".AppleDesktop/", "._*", ".DS_Store", "Thumbs.db", "ehthumbs.db", "desktop.ini"),
    *(".thumbnails/", ".stfolder/", ".stversions/", ".dropbox.cache/"),
    # what programs can make again
    *("node_modules/", "bower_components/", "__pycache__/", "*.pyc", ".cache/", ".venv/", ".tox/", ".nox/"),
    *(".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".gradle/", ".git/", ".hg/", ".svn/", ".bzr/"),
    *("_darcs/", ".jj/"),
    # what is not finished, or only marks that something is open
    *("*.part", "*.partial", "*.crdownload", "*.download/", "*.opdownload", "*.filepart", "*.aria2"),
    *("*.!ut", "*.!qB", "*.tmp", "*.swp", "*.swo", "*.swx", "*.kate-swp", "~$*", ".~lock.*"),
    *(".goutputstream-*", ".nfs0*", ".fuse_hidden*"),
)
"""gitignore lines of four plain shapes (a name, `*.suffix`, `prefix*`, the end of a path), which are looked
up instead of matched one by one. Upper and lower case are the same here: these names cross systems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about `path` (the entry itself or the folder above it that settles the matter)."""

    path: bytes
    rule: str  # the line as written
    origin: str  # "built in", "configured", "nasd's own state", or the ignore file's path in the volume
    ignored: bool  # False: a line that begins with "!" takes it in again

    def __str__(self) -> str:
        return f"'{self.rule}' ({self.origin})"


@dataclass(frozen=True, slots=True)
class _Layer:
    base: bytes  # the folder it speaks of, with a slash at its end; b"" is the volume
    origin: str
    patterns: tuple[Pattern, ...]

    def decide(self, path: bytes, name: str, *, folder: bool) -> Decision | None:
        within = _text(path[len(self.base) :])
        for pattern in reversed(self.patterns):
            if pattern.matches(within, name, folder=folder):
                return Decision(path=path, rule=pattern.text, origin=self.origin, ignored=not pattern.negated)
        return None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for the entries of one folder. `build` gives those of a volume's root, `enter` those of a
    folder that has ignore files."""

    configured: _Layer
    files: tuple[_Layer, ...] = ()  # the deepest last
    fences: frozenset[bytes] = frozenset()
    names: tuple[bytes, ...] = (GITIGNORE, NASDIGNORE)  # of ignore files, the stronger last

    @classmethod
    def build(
        cls, configured: Sequence[str] = (), *, gitignore: bool = True, fences: Sequence[bytes] = ()
    ) -> Rules:
        """Rules of a volume: gitignore lines from its configuration, and folders that are never entered.

        Raises InvalidRequest for a line that could never match.
        """
        patterns = []
        for line in configured:
            try:
                pattern = parse(line)
            except Malformed as error:
                raise InvalidRequest(
                    f"The ignore rule {line!r} can match nothing: it has {error}.",
                    cure="Write it as a line of a .gitignore file.",
                    fields={"ignore": f"{line!r} has {error}"},
                ) from None
            if pattern:
                patterns.append(pattern)
        return cls(
            configured=_Layer(b"", "configured", tuple(patterns)),
            fences=frozenset(fences),
            names=(GITIGNORE, NASDIGNORE) if gitignore else (NASDIGNORE,),
        )

    def enter(self, folder: bytes, texts: Mapping[bytes, bytes]) -> Rules:
        """The rules inside `folder`, given what its ignore files hold (by name). Lines that could never
        match are passed over, as git does."""
        layers = []
        for name in self.names:
            if name in texts:
                base = folder + b"/" if folder else b""
                patterns = tuple(_lines(texts[name]))
                if patterns:
                    layers.append(_Layer(base, display_path(base + name), patterns))
        if not layers:
            return self
        return Rules(self.configured, (*self.files, *layers), self.fences, self.names)

    def decide(self, path: bytes, *, folder: bool) -> Decision | None:
        """What is decided of one entry, given that no folder above it is ignored; None: nothing speaks
        of it, so it is read."""
        if path in self.fences:
            return Decision(path=path, rule=display_path(path) + "/", origin="nasd's own state", ignored=True)
        name = _text(path[path.rfind(b"/") + 1 :])
        if self.configured.patterns or self.files:
            for layer in (self.configured, *reversed(self.files)):
                decision = layer.decide(path, name, folder=folder)
                if decision:
                    return decision
        rule = built_in_rule(_text(path), name, folder=folder)
        return Decision(path=path, rule=rule, origin="built in", ignored=True) if rule else None

    def ignores(self, path: bytes, *, folder: bool) -> Decision | None:
        """The decision that keeps an entry out, if there is one."""
        decision = self.decide(path, folder=folder)
        return decision if decision and decision.ignored else None


def built_in_rule(path: str, name: str, *, folder: bool) -> str | None:
    """The built-in rule that keeps an entry out, if there is one."""
    name = name.lower()
    rule = _NAMES.get(name) or _SUFFIXES.get(name[name.rfind(".") :] if "." in name else "")
    if rule is None:
        if name in _TAILS and f"/{path.lower()}".endswith(_TAILS[name][0]):
            rule = _TAILS[name][1]
        elif name.startswith(_PREFIXES):
            rule = next(line for prefix, line in _PREFIX_RULES.items() if name.startswith(prefix))
    return rule if rule and (folder or not rule.endswith("/")) else None


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _lines(content: bytes) -> list[Pattern]:
    patterns = []
    for line in _text(content.removeprefix(b"\xef\xbb\xbf")).split("\n"):
        try:
            pattern = parse(line.removesuffix("\r"))
        except Malformed:
            continue
        if pattern:
            patterns.append(pattern)
    return patterns


_NAMES: dict[str, str] = {}
_SUFFIXES: dict[str, str] = {}
_PREFIX_RULES: dict[str, str] = {}
_TAILS: dict[str, tuple[str, str]] = {}
for _line in BUILT_IN:
    _body = _line.lower().removesuffix("/").removeprefix("\\")
    if "/" in _body:
        _TAILS[_body.rpartition("/")[2]] = ("/" + _body, _line)
    elif _body.startswith("*."):
        _SUFFIXES[_body[1:]] = _line
    elif _body.endswith("*"):
        _PREFIX_RULES[_body[:-1]] = _line
    else:
        _NAMES[_body] = _line
_PREFIXES = tuple(_PREFIX_RULES)
