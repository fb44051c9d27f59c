"""The root of the tree, and errors of input and configuration."""

from __future__ import annotations


class R3mesError(Exception):
    """Root of the tree: catch it to catch all that this package raises on purpose."""

    hint: str = ""
    """What the reader can do next, as a sentence; empty when the text says it."""


class ConfigError(R3mesError, ValueError):
    """A setting, a flag or a file of settings is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field, self.reason = field, reason

    def __str__(self) -> str:
        return f"setting {self.field}: {self.reason}"


class InvalidInput(R3mesError, ValueError):
    """Outside text or bytes that a parser refuses: `what` was read, `reason` says which rule it breaks."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


class InvalidCid(InvalidInput):
    """A text or bytes that are no CID of the network."""

    def __str__(self) -> str:
        return f"{self.what[:100]!r} is not a CID that is used here: {self.reason}"


class InvalidAddress(InvalidInput):
    """A text that is no account address of the chain."""

    def __str__(self) -> str:
        return f"{self.what[:100]!r} is not an address: {self.reason}"


class PackageRejected(InvalidInput):
    """An adapter package or update payload breaks `rule`; `subject` is the file or tensor."""

    def __init__(self, rule: str, subject: str, detail: str) -> None:
        super().__init__(subject, detail)
        self.args = (rule, subject, detail)
        self.rule, self.subject, self.detail = rule, subject, detail

    def __str__(self) -> str:
        return f"rule {self.rule}: {self.subject}: {self.detail}"


class ModelError(R3mesError, ValueError):
    """A model folder cannot be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"model {self.path}: {self.reason}"


class ClaimDiffers(R3mesError, ValueError):
    """A value in a file is not what computing it again gives."""

    def __init__(self, where: str, said: str, computed: str) -> None:
        super().__init__(where, said, computed)
        self.where, self.said, self.computed = where, said, computed

    def __str__(self) -> str:
        return f"{self.where} differs: the file says {self.said[:200]}, computed {self.computed[:200]}"
