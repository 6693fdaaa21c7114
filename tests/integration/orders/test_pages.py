"""A list in pages, read by a client that knows links and nothing of cursors."""

import httpx2


def test_the_pages_of_a_list_are_linked(served):
    with httpx2.Client(base_url=served.http, headers=served.headers) as client:
        placed = {client.post("/orders", json={"sku": f"tea-{n}", "quantity": 1}).json()["id"] for n in range(5)}
        seen, path = [], "/orders?limit=2"
        while path:
            page = client.get(path)
            seen += [order["id"] for order in page.json()["items"]]
            path = page.links.get("next", {}).get("url")
    assert len(seen) == 5
    assert set(seen) == placed
