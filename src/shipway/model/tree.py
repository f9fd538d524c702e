"""What a checkout holds at one moment: its files by content. It refuses to read any."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.model.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Listing:
    """Every file of the checkout that git does not ignore, by its content as it is now.

    `files` maps a path, relative to the root and with `/`, to the id that git gives the content
    (hexadecimal, of a blob); a symbolic link has the id of its target's name. `large` is how many
    bytes all of them are where that was cheap to know, else 0.
    """

    files: Mapping[str, str]
    large: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """The repository that a checkout in a folder of its own is a part of.

    `top` is the path of its root, `folder` ours in it, `listing` all of its files, from that root.
    """

    top: str
    folder: str
    listing: Listing


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between an earlier commit and the checkout as it is now.

    `everything` says why nothing is known, and so all has to be taken for changed.
    """

    paths: frozenset[str] = frozenset()
    everything: str = ""
