"""The mistake: pages are tested with R9, the default, which ignores `number_of_results` and `offset`.

MUST NAME: number_of_results

The client counts offsets from 1 and so skips a record, but in R9 its first list returns all. A good
tool says: number_of_results exists from R13.0.0 on, and was ignored in this world of R9.0.0.
"""

import httpx

from crmcom_kit.mock_server import MockWorld

SIZE = 100


def rejected(url: str, token: str) -> set[str]:
    numbers: set[str] = set()
    offset = 1
    while True:
        query: dict[str, str | int] = {"token": token, "entity": "JOBS"}
        query |= {"life_cycle_state": "REJECTED", "number_of_results": SIZE, "offset": offset}
        page = httpx.get(f"{url}/webhook_requests/list", params=query).json()["data"]
        new = {record["number"] for record in page} - numbers
        if not new:
            return numbers
        numbers |= new
        offset += len(page)


def test_all_pages_are_read(crmcom_mock: MockWorld) -> None:
    crmcom_mock.seed(count=250, rejected=1.0, entities=["JOBS"])
    assert len(rejected(crmcom_mock.url, crmcom_mock.token)) == 250
