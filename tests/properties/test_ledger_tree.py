"""The Merkle tree: proofs hold for every size, and for nothing that was altered."""

from hypothesis import given
from hypothesis import strategies as st

from config.audit import merkle

LEAVES = [merkle.leaf_hash(number.to_bytes(4)) for number in range(1100)]
sizes = st.integers(1, len(LEAVES))


def tree(size: int) -> merkle.Tree:
    return merkle.Tree(size, lambda start, stop: LEAVES[start:stop])


def naive_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else merkle.EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


@given(sizes)
def test_has_the_root_of_the_definition(size: int) -> None:
    assert tree(size).root() == merkle.root_of(LEAVES[:size]) == naive_root(LEAVES[:size])


@given(sizes, st.data())
def test_grows_from_any_frontier(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size))
    first = merkle.Frontier()
    for leaf in LEAVES[:start]:
        first.append(leaf)

    grown = merkle.Frontier(first.size, first.nodes)
    for leaf in LEAVES[start:size]:
        grown.append(leaf)

    assert grown.root() == naive_root(LEAVES[:size])


@given(sizes, st.data())
def test_proves_inclusion_of_that_leaf_there_only(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index or size == 1))
    large, root = tree(size), naive_root(LEAVES[:size])

    proof = large.inclusion(index)

    assert merkle.verify_inclusion(LEAVES[index], index, size, proof, root)
    if size > 1:
        assert not merkle.verify_inclusion(LEAVES[other], index, size, proof, root)
        assert not merkle.verify_inclusion(LEAVES[index], other, size, proof, root)
        assert not merkle.verify_inclusion(LEAVES[index], index, size, proof[:-1], root)
    assert not merkle.verify_inclusion(LEAVES[index], index, size, [*proof, root], root)
    assert not merkle.verify_inclusion(LEAVES[index], size, size, proof, root)


@given(sizes, st.data())
def test_proves_that_it_only_grew(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, size))
    root, old_root = naive_root(LEAVES[:size]), naive_root(LEAVES[:old])

    proof = tree(size).consistency(old)

    assert merkle.verify_consistency(old, size, old_root, root, proof)
    if 0 < old < size:
        forged = merkle.node_hash(old_root, old_root)
        assert not merkle.verify_consistency(old, size, forged, root, proof)
        assert not merkle.verify_consistency(old, size, old_root, forged, proof)
        assert not merkle.verify_consistency(old, size, old_root, root, proof[:-1])
        assert not merkle.verify_consistency(old, size, old_root, root, [*proof, root])
