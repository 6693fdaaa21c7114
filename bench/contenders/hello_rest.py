"""examples/hello with REST alone, to see what a service without gRPC costs."""

from hardy import App, Settings, public, run
from hardy.transport import http


async def hello(name: str = "world") -> str:
    """Greet somebody."""
    return f"hello {name}"


def build(settings: Settings) -> App:
    app = App("hello", settings)
    app.expose(hello, http.get("/hello/{name}"), allow=public)
    return app


if __name__ == "__main__":
    run(build)
