"""The Merkle tree of RFC 6962: hashing, a frontier to append to, proofs and their checks."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
TILE = 256  # leaves under one tile: proofs for a million leaves keep 4,096 tile roots in memory

Fetch = Callable[[int, int], Sequence[bytes]]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the full subtrees of a growing tree, largest first: all that appending needs."""

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)
        if len(self.nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} full subtrees")

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash; merges each pair of equal subtrees that this completes."""
        position = self.size
        while position & 1:
            leaf = node_hash(self.nodes.pop(), leaf)
            position >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The tree's root hash."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


class Tree:
    """Proofs over `size` leaves that `fetch(start, stop)` reads, with one tile of them in memory.

    Ask in the order of the leaves: each tile is then read once.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size = size
        self._fetch = fetch
        self._tile: tuple[int, Sequence[bytes]] = (-1, ())
        self._inside: dict[tuple[int, int], bytes] = {}  # subtrees of that tile
        self._subtrees: dict[tuple[int, int], bytes] = {}
        for start in range(0, size, TILE):
            stop = min(start + TILE, size)
            self._subtrees[start, stop] = root_of(fetch(start, stop))

    def root(self) -> bytes:
        """The root of all leaves."""
        return self._subtree(0, self.size)

    def inclusion(self, index: int) -> list[bytes]:
        """The path from leaf `index` to the root (RFC 6962, 2.1.1)."""
        if not 0 <= index < self.size:
            raise ValueError(f"there is no leaf {index} in a tree of {self.size}")
        path: list[bytes] = []
        start, stop = 0, self.size
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                path.append(self._subtree(middle, stop))
                stop = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        path.reverse()
        return path

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the first `old` leaves are the tree that once was (RFC 6962, 2.1.2)."""
        if not 0 <= old <= self.size:
            raise ValueError(f"a tree of {self.size} never had {old} leaves")
        path: list[bytes] = []
        start, stop, whole = 0, self.size, True
        while old not in (start, stop):
            middle = start + _split(stop - start)
            if old <= middle:
                path.append(self._subtree(middle, stop))
                stop = middle
            else:
                path.append(self._subtree(start, middle))
                start, whole = middle, False
        if old == stop and not whole:
            path.append(self._subtree(start, stop))
        path.reverse()
        return path

    def _subtree(self, start: int, stop: int) -> bytes:
        if start == stop:
            return EMPTY_ROOT
        if (start, stop) in self._subtrees:
            return self._subtrees[start, stop]
        if start // TILE == (stop - 1) // TILE:
            return self._within_tile(start, stop)
        middle = start + _split(stop - start)
        root = node_hash(self._subtree(start, middle), self._subtree(middle, stop))
        self._subtrees[start, stop] = root
        return root

    def _within_tile(self, start: int, stop: int) -> bytes:
        first = start - start % TILE
        if self._tile[0] != first:
            self._tile = (first, self._fetch(first, min(first + TILE, self.size)))
            self._inside.clear()
        if stop - start == 1:
            return self._tile[1][start - first]
        if (start, stop) not in self._inside:
            middle = start + _split(stop - start)
            self._inside[start, stop] = node_hash(
                self._within_tile(start, middle), self._within_tile(middle, stop)
            )
        return self._inside[start, stop]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the proof leads from the leaf hash at `index` to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, computed = index, size - 1, leaf
    for node in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            computed = node_hash(node, computed)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, node)
        position, last = position >> 1, last >> 1
    return last == 0 and computed == root


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `new` leaves only appended to the tree of `old` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    if not path:
        return False
    return _recompute(old - 1, new - 1, path) == (old_root, new_root)


def _recompute(position: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots that a consistency path leads to."""
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, node)
        position, last = position >> 1, last >> 1
    return (old, new) if last == 0 else None


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
