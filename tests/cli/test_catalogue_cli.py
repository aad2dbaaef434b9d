"""`wend catalogue`, `wend settings` and `wend learn`, on a database of their own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Said, wend

from wend.store.migrate import migrate


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Any:
    asyncio.run(migrate(database_url, partitions=2))

    def go(*words: str | Path) -> Said:
        return wend(*words, data=tmp_path, WEND_DATABASE_URL=database_url)

    return go


def test_a_catalogue_is_imported_again_and_again_and_every_bad_row_is_named(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "shop.csv"
    good = 'id;title;category;price;availability\nlamp;Lamp;Light;20;no\n"pan";"Pan; big";Kitchen;12.50 EUR;yes\n'
    bad = "lamp;Again;Light;1;yes\nbowl;Bowl;Kitchen;12,50;yes\nshort;row\n;No id;;;\n"
    file.write_bytes(good.encode() + bad.encode() + "jar;Gl\xe4ser;;;\n".encode("latin-1"))
    said = run("catalogue", "import", file)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(
        "shop.csv: 2 added, 0 changed, 0 as they were, 5 refused; 0 became cheaper, 0 can be had again"
    )
    told = {
        one["row"]: one["message"]
        for one in map(json.loads, (tmp_path / "shop.csv.rejected.ndjson").read_text().splitlines())
    }
    assert told[4] == "id: 'lamp' is in row 2 already"
    assert told[5] == "price: expected a price such as 12.50 (or 12.50 EUR), found '12,50'"
    assert told[6] == "The row has 2 cells; the header has 5."
    assert told[7] == "id: is missing"
    assert told[8] == "The row is not UTF-8 (byte 7); save the file as UTF-8."
    assert "2 as they were" in run("catalogue", "import", file).stdout
    lines = tmp_path / "shop.ndjson"
    lines.write_text(
        '{"id": "lamp", "title": "5\\" Lamp", "category": "Light", "price": 15}\n\n{"id": \n[1]\n{"id": "lamp", "title": "x"}\n'
    )
    said = run("catalogue", "import", lines)
    assert "0 added, 1 changed, 0 as they were, 3 refused; 1 became cheaper, 1 can be had again" in said.stdout
    assert run("catalogue", "list", "--category", "Light").stdout == 'lamp\tproduct\t5" Lamp\tLight\t15.00\tyes\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"sku,price\n1,2\n", "no column is called title or name; found are sku, price"),
        (b"title\nx\n", "no column is called id or product_id or sku; found are title"),
        (b"id,title,url,url\n", "there are two columns 'url'"),
        ("id,title\n".encode("utf-16"), "the file is UTF-16; save it as UTF-8."),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(run: Any, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    refused = run("catalogue", "import", tmp_path / "x.csv")
    assert refused.returncode == 1 and said in refused.stderr


def test_settings_are_put_from_a_file_and_shown(run: Any, tmp_path: Path) -> None:
    assert run("settings", "show").stdout == "# nothing is set; everything is as usual\n"
    file = tmp_path / "settings.yaml"
    file.write_text("funnel: leads\nrfm: {frequency: [1, 2, 4, 8]}\n")
    assert run("settings", "put", file).stdout == "in force as change 1 of the plan\n"
    shown = run("settings", "show").stdout
    assert "- id: mql" in shown and "frequency:" in shown
    file.write_text("funnel: lead\nrfm: {money: 5}\n")
    refused = run("settings", "put", file)
    assert refused.returncode == 1 and "did you mean 'leads'?" in refused.stderr and "rfm.money" in refused.stderr
    file.write_text("[1]\n")
    assert "expected settings by name" in run("settings", "put", file).stderr


def test_learning_says_what_it_did_or_why_not(run: Any) -> None:
    assert "0 people have ordered so far; 20 are needed" in run("learn", "rfm").stderr
    assert (
        "did you mean 'rfm'? (there" not in run("learn", "rmf").stderr
        and "did you mean 'rfm'" in run("learn", "rmf").stderr
    )
