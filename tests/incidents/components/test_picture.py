"""How the dependency graph is laid out."""

from incidents.components.rules import BELOW, HEIGHT, MOST_IN_COLUMN, Node, draw


def node(key: int, place: int) -> Node:
    return Node(key, f"Item {key:03}", "service, Payments", f"/{key}/", place)


def test_puts_dependants_left_and_what_is_needed_right() -> None:
    picture = draw([node(1, -1), node(2, 0), node(3, 1)], [(1, 2, "hard"), (2, 3, "soft")])

    boxes = {box.node.key: box for box in picture.boxes}
    assert boxes[1].x < boxes[2].x < boxes[3].x
    assert len({box.y for box in picture.boxes}) == 1
    assert max(box.x for box in picture.boxes) < picture.width
    assert [arrow.strength for arrow in picture.arrows] == ["hard", "soft"]


def test_closes_a_circle_below_the_boxes() -> None:
    nodes = [node(1, 0), node(2, 1)]
    straight = draw(nodes, [(1, 2, "hard")])
    circle = draw(nodes, [(1, 2, "hard"), (2, 1, "hard")])

    assert circle.height == straight.height + BELOW


def test_leaves_out_what_has_no_room_and_says_how_many() -> None:
    nodes = [node(0, 0), *(node(key, 1) for key in range(1, 20)), node(30, 9)]

    picture = draw(nodes, [(0, 30, "hard")])

    assert len(picture.boxes) == 1 + MOST_IN_COLUMN
    assert picture.left_out == 19 - MOST_IN_COLUMN + 1
    assert picture.arrows == []
    assert all(box.y + HEIGHT <= picture.height for box in picture.boxes)
