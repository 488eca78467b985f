"""Each project rule finds what it is for and lets the rest pass."""

import pytest
from tools.rules import docstrings, locks, logs, machine, mirror, parsers, readmes, sizes, sql
from tools.tree import Source, Tree

DOC = '"""Says something."""\n'
KEYS = Source("src/careloop/cli/logs.py", DOC + 'ALLOWED_KEYS = frozenset({"count", "inbox_id"})\n')


def tree(path: str, text: str, *more: Source) -> Tree:
    return Tree((Source(path, text), *more))


def says(rule, given: Tree) -> list[str]:
    return [one.says for one in rule.check(given)]


@pytest.mark.parametrize(
    "text",
    ["select id from patient", "insert into loop (id) values (1)", "update loop set due = 1", "delete from loop",
     "with due as (select 1) select 2", "create table x (n int)"],
)  # fmt: skip
def test_sql_in_a_flow_is_found(text: str) -> None:
    assert says(sql, tree("src/careloop/flows/x.py", f'{DOC}QUERY = "{text}"\n'))


@pytest.mark.parametrize(
    "path", ["src/careloop/loops/store.py", "src/careloop/db/roles.py", "src/careloop/record/search/build.py"]
)
def test_sql_in_its_places_passes(path: str) -> None:
    assert not says(sql, tree(path, f'{DOC}QUERY = "select id from patient"\n'))


@pytest.mark.parametrize("text", ["select a patient", "update the record", "with a nurse", "Create a loop"])
def test_a_sentence_is_not_sql(text: str) -> None:
    assert not says(
        sql, tree("src/careloop/flows/x.py", f'"""select id from patient in a docstring."""\nX = "{text}"\n')
    )


TAKEN = "select id from job limit 1 for update skip locked"


@pytest.mark.parametrize(
    "text",
    [f"update job set lease = 1 from ({TAKEN}) as free where job.id = free.id",
     f"delete from job using (\n  {TAKEN}) as free -- one"],
)  # fmt: skip
def test_rows_locked_in_a_joined_select_are_found(text: str) -> None:
    assert says(locks, tree("src/careloop/x/queries.sql", text))


@pytest.mark.parametrize(
    "text",
    [f"with free as materialized ({TAKEN}) update job set lease = 1 from free where job.id = free.id",
     f"update job set lease = 1 where id = ({TAKEN})",
     f"select n from (select count(*) as n from job) as jobs -- ({TAKEN})",
     TAKEN],
)  # fmt: skip
def test_rows_locked_once_pass(text: str) -> None:
    assert not says(locks, tree("src/careloop/x/queries.sql", text))


def test_a_log_line_with_an_unknown_key_is_found() -> None:
    assert says(logs, tree("src/careloop/worker/x.py", DOC + '_log.info("done", patient_name=1)\n', KEYS))


@pytest.mark.parametrize("event", ['f"done {name}"', '"done " + name', '"done", name'])
def test_a_log_line_built_from_values_is_found(event: str) -> None:
    assert says(logs, tree("src/careloop/worker/x.py", f"{DOC}_log.warning({event})\n", KEYS))


def test_a_log_line_of_ids_and_counts_passes() -> None:
    line = '_log.info("done", inbox_id=3, count=2)\n_log.error("failed", exc_info=error)\n'
    assert not says(logs, tree("src/careloop/worker/x.py", DOC + line, KEYS))


def test_a_package_without_readme_is_found() -> None:
    code = Source("src/careloop/loops/model.py", DOC)
    assert says(readmes, Tree((code,)))
    assert not says(readmes, Tree((code, Source("src/careloop/loops/README.md", "# loops\n"))))


def test_a_readme_of_more_than_half_a_page_is_found() -> None:
    code = Source("src/careloop/loops/model.py", DOC)
    assert says(readmes, Tree((code, Source("src/careloop/loops/README.md", "line\n" * 46))))


def test_tests_of_a_folder_that_does_not_exist_are_found() -> None:
    code = Source("src/careloop/loops/model.py", DOC)
    assert says(mirror, tree("tests/unit/loop/test_model.py", DOC, code))
    assert not says(mirror, tree("tests/unit/loops/test_model.py", DOC, code))
    assert not says(mirror, tree("tests/unit/tools/test_rules.py", DOC, code))


def test_a_function_of_101_lines_is_found_and_one_of_100_passes() -> None:
    body = "    x = 1\n"
    assert says(sizes, tree("src/careloop/x.py", f"{DOC}def f():\n{body * 101}"))
    assert not says(sizes, tree("src/careloop/x.py", f"{DOC}def f():\n{body * 100}"))


def test_a_docstring_does_not_make_a_function_long() -> None:
    long_text = '    """' + "word\n" * 60 + '    """\n'
    assert not says(sizes, tree("src/careloop/x.py", f"{DOC}def f():\n{long_text}" + "    x = 1\n" * 90))


def test_a_file_of_401_lines_is_found_unless_it_is_a_plain_list() -> None:
    assert says(sizes, tree("src/careloop/x.py", "def f():\n    pass\n" + "X = 1\n" * 399))
    assert not says(sizes, tree("src/careloop/x.py", "X = 1\n" * 600))
    assert says(sizes, tree("src/careloop/x.py", "X = 1\n" * 601))


def test_a_code_base_of_long_functions_is_found_as_a_whole() -> None:
    functions = "".join(f"def f{number}():\n" + "    x = 1\n" * 31 for number in range(12))
    short = "".join(f"def g{number}():\n    x = 1\n" for number in range(88))
    given = Tree((Source("src/careloop/a.py", functions), Source("src/careloop/b.py", short)))
    assert any("one function in ten" in one for one in says(sizes, given))


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from lxml import etree", "import xml.etree.ElementTree", "eval('1')", "exec('1')",
     "import yaml", "os.system('ls')", "subprocess.run('ls', shell=True)"],
)  # fmt: skip
def test_what_runs_or_reads_input_past_its_door_is_found(line: str) -> None:
    assert says(parsers, tree("src/careloop/x.py", f"{DOC}{line}\n"))


@pytest.mark.parametrize("line", ["re.compile('x')", "subprocess.run(['ls'])", "import json"])
def test_plain_calls_pass(line: str) -> None:
    assert not says(parsers, tree("src/careloop/x.py", f"{DOC}{line}\n"))


def test_a_door_may_do_what_it_is_for() -> None:
    assert not says(parsers, tree("src/careloop/catalog/reading.py", f"{DOC}import yaml\n"))
    assert says(parsers, tree("src/careloop/catalog/other.py", f"{DOC}import yaml\n"))


@pytest.mark.parametrize(
    "line",
    ["/ro_ot/x", "see /wo_rk/shared", "/ho_me/ann/x", "https://py_pi.org/simple", "https://registry.npm_js.org/x"],
)
def test_a_machine_path_or_a_registry_host_is_found(line: str) -> None:
    assert says(machine, tree("docs/x.md", f"{line.replace('_', '')}\n"))


@pytest.mark.parametrize(
    "line", ["~/.local/share/careloop", "../shared/data", "/var/lib/careloop", "src/wo_rk/x", "/fhir"]
)
def test_other_paths_pass(line: str) -> None:
    assert not says(machine, tree("docs/x.md", f"{line.replace('_', '')}\n"))


def test_unfinished_business_in_code_is_found() -> None:
    assert says(machine, tree("src/careloop/x.py", "# TODO later\n"))


def test_a_public_thing_without_docstring_is_found_and_a_private_one_passes() -> None:
    assert says(docstrings, tree("src/careloop/x.py", DOC + "def f():\n    pass\n"))
    assert says(docstrings, tree("src/careloop/x.py", "X = 1\n"))
    assert says(docstrings, tree("src/careloop/x.py", f"{DOC}class A:\n    {DOC}\n    def f(self):\n        pass\n"))
    assert not says(docstrings, tree("src/careloop/x.py", DOC + "def _f():\n    pass\n"))
