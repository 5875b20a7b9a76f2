"""An item comes back from its text, its path and its key, whatever its code holds."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricewright.core.errors import InvalidItem
from pricewright.core.item import LONGEST, Item
from tests.odd_codes import ODD

CODES = st.one_of(
    st.sampled_from(ODD),
    st.text("AB@%:/\\ 41", min_size=1, max_size=8),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=LONGEST),
).filter(str.strip)
STORES = CODES.filter(lambda text: "@" not in text)
ITEMS = st.builds(Item, CODES, st.none() | STORES)


@given(ITEMS)
def test_an_item_comes_back_from_its_text_path_and_key(item: Item) -> None:
    assert Item.parse(str(item)) == Item.from_path(item.path) == Item.from_path(item.key) == item
    assert pickle.loads(pickle.dumps(item)) == item


@given(ITEMS, ITEMS)
def test_two_items_never_share_a_text_a_path_or_a_key(one: Item, other: Item) -> None:
    same = one == other
    assert (str(one) == str(other), one.path == other.path, one.key == other.key) == (same, same, same)


@given(ITEMS)
def test_a_path_is_one_segment_and_a_key_one_part(item: Item) -> None:
    assert item.path.isascii() and not set("/?#:\\ ") & set(item.path + item.key)


@given(st.lists(CODES))
def test_items_of_no_store_are_ordered_as_their_codes(codes: list[str]) -> None:
    assert [item.stock_code for item in sorted(map(Item, codes))] == sorted(codes)


def test_an_item_of_no_store_comes_before_those_of_its_stores() -> None:
    items = [Item("B"), Item("A", "2"), Item("A"), Item("A", "1")]
    assert [str(item) for item in sorted(items)] == ["A", "A@1", "A@2", "B"]


@pytest.mark.parametrize("code", ["85123A", "POST", "22423", "M", "15056BL", "gift_0001_20", "79-B.1"])
def test_an_ordinary_code_is_its_own_text_path_and_key(code: str) -> None:
    assert str(Item(code)) == Item(code).path == Item(code).key == Item(code).as_code == code


@pytest.mark.parametrize("code", [code for code in ODD if "@" not in code])
def test_a_code_without_an_at_sign_is_typed_as_it_is(code: str) -> None:
    assert str(Item(code)) == code and Item.parse(code) == Item(code)


@pytest.mark.parametrize("code", ODD)
def test_whatever_code_is_typed_is_that_code_where_no_stores_are_known(code: str) -> None:
    assert Item.parse(code).as_code == code


def test_the_last_at_sign_parts_the_store_from_the_code() -> None:
    assert Item.parse("85123A@12") == Item("85123A", "12") and str(Item("85123A", "12")) == "85123A@12"
    assert Item.parse("A@B@12") == Item("A@B", "12")
    assert Item.parse("A@B@") == Item("A@B") and str(Item("A@B")) == "A@B@"


def test_a_path_is_decoded_once() -> None:
    assert Item.from_path("A%2541") == Item("A%41") and Item.from_path("A%41") == Item("AA")
    assert Item.from_path("A%4012") == Item("A@12") and Item.from_path("A@12") == Item("A", "12")


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("", "blank"), ("  ", "blank"), ("\u3000", "blank"), ("A\nB", "control"), ("A\x00", "control"),
        ("\x7fA", "control"),
        ("A\x85B", "control"), ("A\ud83c", "control"), ("X" * (LONGEST + 1), "201 characters, at most 200"),
    ],
)  # fmt: skip
def test_what_no_code_can_be_is_refused_with_a_hint(code: str, rule: str) -> None:
    for made in (lambda: Item(code), lambda: Item.of(code), lambda: Item("A", code), lambda: Item.from_path(code)):
        with pytest.raises(InvalidItem, match=rule) as error:
            made()
        assert error.value.hint and len(error.value.message) < 300


def test_a_store_holds_no_at_sign() -> None:
    with pytest.raises(InvalidItem, match="holds an @"):
        Item("A", "1@2")
