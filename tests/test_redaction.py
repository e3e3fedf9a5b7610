"""No secret of a URL is shown, logged or written."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from paretofair.errors import RunError
from paretofair.redaction import redact
from paretofair.results import Store
from paretofair.results.files import read_json
from paretofair.runs.folder import check_place, log_to

SECRET = "wJalr+XUtn%2FEMI"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing", "nothing"),
        ("s3://bucket/run", "s3://bucket/run"),
        (f"s3://AKIA:{SECRET}@bucket/run", "s3://***@bucket/run"),
        ("s3://AKIA:wJ/alr@bucket/run", "s3://***@bucket/run"),
        (f"(s3://AKIA:{SECRET}@bucket/run)", "(s3://***@bucket/run)"),
        (f"'s3://A:{SECRET}@b/x' and \"gs://{SECRET}@c/y\"", "'s3://***@b/x' and \"gs://***@c/y\""),
        ("http://proxy:secret@host:80/a?sig=s", "http://***@host:80/a?sig=***"),
        ("s3://b/r?region=eu&secret_key=s&access_key=k", "s3://b/r?region=eu&secret_key=***&access_key=***"),
        ("abfs://b/r?sv=2024&sig=s&se=1", "abfs://b/r?sv=***&sig=***&se=***"),
        ("s3://b/r?endpoint_override=http%3A%2F%2Fk%3As%40host", "s3://b/r?endpoint_override=***"),
        (
            "s3://b/r?endpoint_override=localhost:9000&scheme=http",
            "s3://b/r?endpoint_override=localhost:9000&scheme=http",
        ),
        ("hdfs://user@host:8020/r?kerb_ticket=/tmp/t", "hdfs://***@host:8020/r?kerb_ticket=***"),
        ("ray://token:x@head:10001", "ray://***@head:10001"),
        ("hdfs://user:pa?ss@h/run", "hdfs://***@h/run"),
        ("s3://K:a?b=c/d@b/run?region=eu", "s3://***@b/run?region=eu"),
        ("s3://K:S'ecret@b/run", "s3://***@b/run"),
        ("'s3://K:S'ecr\"et@b/run', 'gs://c/y'", "'s3://***@b/run', 'gs://c/y'"),
        ("s3://K:S#ecret@b/run", "s3://***@b/run"),
        ("gs://to#ken@c/y", "gs://***@c/y"),
        ("hdfs://user:p@ss@h/run", "hdfs://***@h/run"),
        ("hdfs://user:12/3@h/run", "hdfs://***@h/run"),
        ("https://h/x#access_token=abc", "https://h/x#access_token=***"),
        ("https://h/x?region=eu#access_token=abc&b=c", "https://h/x?region=***&b=***"),
        ("https://h/x?sig=a#b", "https://h/x?sig=***"),
        ("https://h/x.html#section", "https://h/x.html#section"),
        ("hdfs://h:8020/run?user=x", "hdfs://h:8020/run?user=x"),
        ("'http://h:80','a@b'", "'http://h:80','a@b'"),
        ('{"store":"hdfs://h:8020/run","user":"a@b"}', '{"store":"hdfs://h:8020/run","user":"a@b"}'),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(shown) == shown


def test_a_store_and_its_errors(tmp_path: Path) -> None:
    store = Store(f"s3://AKIA:{SECRET}@bucket/run?region=eu-central-1")
    assert (str(store), store.name) == ("s3://***@bucket/run?region=eu-central-1", "run")
    assert SECRET in store.inside("logs"), "workers reach the place by it"
    assert Store(f"s3://AKIA:{SECRET}@bucket?region=eu-central-1").name == "bucket"
    with pytest.raises(RunError) as failure:
        Store(f"nonsense://AKIA:{SECRET}@bucket/run")
    assert "nonsense://***@bucket/run" in str(failure.value)
    assert SECRET not in str(failure.value)


def test_the_log_of_a_run(tmp_path: Path) -> None:
    logger = logging.getLogger("paretofair")

    def work() -> None:
        with log_to(tmp_path):
            logger.warning("%s could not be written: %d", f"s3://AKIA:{SECRET}@bucket/run", 3)
            raise ValueError(f"cannot open s3://AKIA:{SECRET}@bucket/run")

    with pytest.raises(ValueError, match="cannot open"):
        work()
    text = (tmp_path / "logs" / "run.log").read_text()
    assert SECRET not in text
    assert text.count("s3://***@bucket/run") == 2
    assert "could not be written: 3" in text


def test_an_environment_of_an_earlier_version(tmp_path: Path) -> None:
    """Its secrets are not read; keys that were renewed are no other place."""
    url = f"s3://AKIA:{SECRET}@bucket/run"
    about = {"store": url, "note": 'a "quoted" word', "data": {"source": "real"}}
    (tmp_path / "environment.json").write_text(json.dumps(about))
    assert read_json(tmp_path / "environment.json") == about | {"store": "s3://***@bucket/run"}
    check_place(tmp_path, url)
    check_place(tmp_path, "s3://NEW:KEY@bucket/run")
    with pytest.raises(RunError, match=r"copies of the results at s3://\*\*\*@bucket/run"):
        check_place(tmp_path, f"s3://AKIA:{SECRET}@other/run")
