"""The speed report runs, and says something of each expression."""

from careloop.fhir.fhirpath import speed


def test_the_report_has_a_line_for_each_expression(capsys, monkeypatch) -> None:
    monkeypatch.setattr(speed, "_COUNT", 5)
    speed.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(speed.EXPRESSIONS) + len(speed.INVARIANTS)
    assert lines[0].startswith("calibration") and all("/s" in line for line in lines[1:])
