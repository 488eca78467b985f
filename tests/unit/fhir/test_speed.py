"""The speed report counts what it is given."""

import gzip
from pathlib import Path

from careloop.fhir.speed import per_second, read_resources, report


def test_the_report_prints_every_figure(tmp_path: Path) -> None:
    path = tmp_path / "bundles.ndjson.gz"
    path.write_bytes(gzip.compress(b'{"entry":[{"resource":{"resourceType":"Patient","id":"a"}}]}\n' * 3))
    assert len(read_resources(str(path), 2)) == 2
    assert [line.split()[0] for line in report(str(path)).splitlines()] == [
        "load", "validation", "with", "with", "extraction", "calibration"]  # fmt: skip
    assert per_second(str, [{}] * 1000) > 0
