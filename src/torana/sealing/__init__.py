"""What is kept, encrypted: values, lines of files, and large pieces. Algorithms and keys in memory;
where keys come from is others' work."""

from torana.sealing.vault import Cover, NotOpened, UnknownKey, Vault

__all__ = ["Cover", "NotOpened", "UnknownKey", "Vault"]
