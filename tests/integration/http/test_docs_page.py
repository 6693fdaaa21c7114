"""The page for people, in a real browser that may talk to nobody else."""

import shutil
from urllib.parse import urlsplit

import pytest

from hardy.auth import public
from hardy.transport import http

CHROMIUM = shutil.which("chromium")


async def place_order(sku: str, quantity: int = 1) -> dict[str, str]:
    """Place an order <b>now</b>.

    Example:
        {"sku": "<script>alert(1)</script>", "quantity": 2}
    """
    return {"sku": sku}


async def get_order(order_id: int, q: str = "") -> dict[str, int]:
    """Look one order up."""
    return {"id": order_id}


@pytest.fixture
async def client(serve, chain):
    exposed = [
        chain(place_order, http.post("/orders"), allow=public),
        chain(get_order, http.get("/orders/{order_id}"), allow=public),
    ]
    document = http.openapi(exposed, title="orders </script>")
    document["paths"]["/orders"]["post"]["x-grpc"] = "orders.v1.Orders/PlaceOrder"
    return await serve(*exposed, pages=http.pages(document))


async def test_the_page_brings_everything_itself_under_a_policy(client):
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http://" not in page.text.replace("http://127.0.0.1", "")
    assert "<script>alert" not in page.text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
async def test_the_page_works_in_a_browser_without_a_request_elsewhere(client):
    from playwright.async_api import async_playwright

    asked, said = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(f"{client.base_url}docs" if str(client.base_url).endswith("/") else f"{client.base_url}/docs")
        assert "Place an order <b>now</b>." in await page.inner_text("main")
        post = page.locator("#operation-place_order")
        await post.locator("summary").click()
        assert "curl 'http://127.0.0.1" in await post.locator(".curl").inner_text()
        buf = await post.locator(".buf").inner_text()
        assert buf.startswith("buf curl --protocol grpc")
        assert buf.endswith(":9090/orders.v1.Orders/PlaceOrder")
        await post.locator("textarea").fill('{"sku": "tea"}')
        await post.locator("button").click()
        await post.locator(".answer").wait_for()
        assert "200 OK" in await post.locator(".out").inner_text()
        assert '"sku": "tea"' in await post.locator(".answer").inner_text()
        get = page.locator("#operation-get_order")
        await get.locator("summary").click()
        await get.locator("input[name=order_id]").fill("7")
        await get.locator("button").click()
        await get.locator(".answer").wait_for()
        assert '"id": 7' in await get.locator(".answer").inner_text()
        assert "/orders/7" in await get.locator(".curl").inner_text()
        await page.locator("#schema-Problem summary").click()
        assert "RFC 9457" in await page.locator("#schema-Problem").inner_text()
        await browser.close()
    home = client.base_url.netloc.decode()
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {home}
    assert said == []
