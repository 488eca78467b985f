"""Keys in blocks, and texts that travel."""

from careloop.record.store import KeyBlocks, array, joined


class FakeTransaction:
    """Answers `next_keys` as the sequence does: ends of blocks of 1,000."""

    def __init__(self) -> None:
        self.end = 0

    def rows(self, sql: str, parameters: dict) -> list[dict]:
        ends = [self.end + 1000 * number for number in range(1, parameters["blocks"] + 1)]
        self.end = ends[-1]
        return [{"block_end": end} for end in ends]


def test_keys_are_handed_out_once_and_blocks_are_used_up():
    tx, blocks, taken = FakeTransaction(), KeyBlocks(), []
    for count in (1, 0, 998, 5, 2500, 1, 1000, 3):
        keys = blocks.take(tx, count)
        assert len(keys) == count
        taken += keys
    assert len(set(taken)) == len(taken)
    assert taken == list(range(len(taken)))


def test_arrays_and_texts_travel_as_one_text():
    assert array([1, -2]) == "{1,-2}"
    assert joined(["a", "", "b"]) == "a\x1e\x1eb"
