"""RFC 6962 hashing and proofs, by the published vectors of certificate-transparency-go."""

import pytest

from config.audit import merkle

DATA = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
LEAVES = [merkle.leaf_hash(bytes.fromhex(each)) for each in DATA]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = [
    (0, 1, []),
    (0, 8, [A, B, C]),
    (5, 8, [D, E, ROOTS[4]]),
    (2, 3, [ROOTS[2]]),
    (1, 5, [ROOTS[1], B, D]),
]
CONSISTENCY = [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[4]]), (2, 5, [B, D])]


def tree(size: int) -> merkle.Tree:
    return merkle.Tree(size, lambda start, stop: LEAVES[start:stop])


@pytest.mark.parametrize("size", range(9))
def test_has_the_published_roots(size: int) -> None:
    assert merkle.root_of(LEAVES[:size]).hex() == ROOTS[size]
    assert tree(size).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_has_the_published_inclusion_proofs(index: int, size: int, proof: list[str]) -> None:
    assert [node.hex() for node in tree(size).inclusion(index)] == proof


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_has_the_published_consistency_proofs(old: int, new: int, proof: list[str]) -> None:
    assert [node.hex() for node in tree(new).consistency(old)] == proof


def test_refuses_what_is_not_in_the_tree() -> None:
    with pytest.raises(ValueError, match="no leaf 8"):
        tree(8).inclusion(8)
    with pytest.raises(ValueError, match="never had 9"):
        tree(8).consistency(9)
    with pytest.raises(ValueError, match="2 full subtrees"):
        merkle.Frontier(5, [LEAVES[0]])


def test_reads_each_tile_twice_at_most_when_asked_in_order() -> None:
    leaves = [merkle.leaf_hash(bytes([n % 251, n // 251])) for n in range(700)]
    reads: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> list[bytes]:
        reads.append((start, stop))
        return leaves[start:stop]

    large = merkle.Tree(700, fetch)
    root = merkle.root_of(leaves)
    for index, leaf in enumerate(leaves):
        assert merkle.verify_inclusion(leaf, index, 700, large.inclusion(index), root)

    assert reads == [(0, 256), (256, 512), (512, 700)] * 2
