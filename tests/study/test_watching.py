"""A run's page over the loopback interface: drawn anew when there is something new, and for this machine alone."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from planted_run import edit_trials, peak, plant

from scaling_search.errors import InvalidInput
from scaling_search.search.folder import RunFolder
from scaling_search.study.watching import HOST, Server


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return plant(tmp_path / "run", truth=peak((0.25, 0.25, 0.5)), seeds=1, epochs=2)


@pytest.fixture
def server(run: Path) -> Iterator[Server]:
    with Server(RunFolder(run)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: Server, path: str, *, host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=30)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_the_page_is_served_and_changes_with_the_run(server: Server, run: Path) -> None:
    status, before = get(server, "/")
    assert status == 200
    assert "How to divide extra compute" in before
    stamp = get(server, "/stamp")[1]
    assert stamp in before, "the page knows how old it is"
    assert get(server, "/stamp")[1] == stamp
    edit_trials(run, lambda rows: rows.assign(top1=rows["top1"] - 0.05))
    assert get(server, "/stamp")[1] != stamp
    assert get(server, "/")[1] != before


def test_watching_writes_nothing(server: Server, run: Path) -> None:
    before = sorted(path.name for path in run.iterdir())
    get(server, "/")
    assert sorted(path.name for path in run.iterdir()) == before


def test_before_anything_has_finished_the_page_says_so(server: Server, run: Path) -> None:
    edit_trials(run, lambda rows: rows[rows["epoch"] == 1])
    status, text = get(server, "/")
    assert status == 200
    assert "no finished trial yet" in text
    assert 'fetch("stamp")' in text


def test_only_files_of_the_run_are_served(server: Server, run: Path) -> None:
    (run.parent / "secret.yaml").write_text("mine")
    (run / "out.yaml").symlink_to(run.parent / "secret.yaml")
    (run / "checkpoint.pt").write_text("weights")
    assert get(server, "/candidates.csv")[0] == 200
    for path in ("/../secret.yaml", "/%2e%2e/secret.yaml", "/out.yaml", "/checkpoint.pt", "/figures", "/x%00.csv"):
        assert get(server, path) == (404, "there is no such page"), path


def test_a_foreign_name_for_this_machine_gets_nothing(server: Server) -> None:
    assert get(server, "/", host="evil.example")[0] == 403
    assert get(server, "/stamp", host=f"localhost:{server.server_port}")[0] == 200


def test_a_folder_that_is_no_run_and_a_port_that_is_taken_are_one_sentence(server: Server, run: Path) -> None:
    with pytest.raises(InvalidInput, match="is not a run"):
        Server(RunFolder(run.parent))
    with pytest.raises(InvalidInput, match=f"port {server.server_port} cannot be served"):
        Server(RunFolder(run), port=server.server_port)
