"""A drawing's nodes stand right of what they use, wherever that can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planning.page.layout import HEIGHT, WIDTH, lay_out

graphs = st.integers(0, 25).flatmap(
    lambda size: st.tuples(
        *(st.lists(st.integers(0, max(0, size - 1)), max_size=4).map(tuple) for _ in range(size))
    )
)


@given(graphs)
def test_nodes_never_overlap_and_lie_inside(uses: tuple[tuple[int, ...], ...]) -> None:
    layout = lay_out(uses)
    spots = layout.spots
    assert len(spots) == len(uses)
    for number, one in enumerate(spots):
        assert 0 <= one.x <= layout.width - WIDTH
        assert 0 <= one.y <= layout.height - HEIGHT
        for other in spots[:number]:
            assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT


@given(graphs)
def test_without_circles_every_node_stands_right_of_what_it_uses(
    uses: tuple[tuple[int, ...], ...],
) -> None:
    earlier = [tuple(each for each in used if each < node) for node, used in enumerate(uses)]
    spots = lay_out(earlier).spots
    for node, used in enumerate(earlier):
        assert all(spots[each].x < spots[node].x for each in used)


def test_a_chain_is_as_wide_as_long_and_one_node_high() -> None:
    chain = lay_out([(), (0,), (1,), (2,)])
    assert len({spot.y for spot in chain.spots}) == 1
    assert [spot.x for spot in chain.spots] == sorted({spot.x for spot in chain.spots})


def test_many_nodes_without_edges_stand_in_rows() -> None:
    alone = lay_out([()] * 9)
    assert len({spot.x for spot in alone.spots}) == 3
    assert len({spot.y for spot in alone.spots}) == 3
