"""What a server must promise before Careloop runs on it, and `DATABASE_URL`."""

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from careloop.db import Database, DatabaseUrls, ensure_database
from careloop.db.roles import app_url_of, check_server
from careloop.errors import Unavailable
from careloop.settings import Settings


def with_option(url: str, option: str) -> str:
    return make_conninfo(url, options=f"-c {option}")


def test_our_own_server_passes(database_urls: DatabaseUrls) -> None:
    check_server(database_urls.owner, database_urls.app)


def test_a_server_that_forgets_what_it_acknowledged_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(Unavailable, match="synchronous_commit"):
        check_server(database_urls.owner, with_option(database_urls.app, "synchronous_commit=off"))


def test_requests_as_the_owner_are_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(Unavailable, match="superuser"):
        check_server(database_urls.owner, database_urls.owner)


def test_a_database_url_runs_requests_as_the_app_role(database_urls: DatabaseUrls, settings: Settings) -> None:
    urls = ensure_database(Settings(data_dir=settings.data_dir, database_url=database_urls.owner))
    database = Database(urls.app, max_size=1).open()
    with database.directory() as tx:
        assert tx.value("select current_user::text") == "careloop_app"
        assert tx.value("show statement_timeout") == "1min"
    database.close()


def test_a_user_that_may_not_make_the_role_is_told_what_to_ask_for(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        connection.execute("drop role if exists weak")
        connection.execute("create role weak login password 'weak-for-a-test'")
    weak = make_conninfo(database_urls.owner, user="weak", password="weak-for-a-test")
    with pytest.raises(Unavailable, match="grant careloop_app to"):
        ensure_database(Settings(database_url=weak))


def test_options_of_a_database_url_are_kept() -> None:
    url = app_url_of("postgresql://host/db?options=-c%20search_path%3Dsite")
    assert "search_path=site" in url
    assert "role=careloop_app" in url
