"""The smallest service: one function, served over REST and gRPC."""

from hardy import App, Settings, public, run
from hardy.transport import grpc, http


async def hello(name: str = "world") -> str:
    """Greet somebody."""
    return f"hello {name}"


def build(settings: Settings) -> App:
    """Say what the service consists of."""
    app = App("hello", settings)
    app.expose(hello, http.get("/hello/{name}"), grpc.service("hello.v1.Hello")("Hello"), allow=public)
    return app


if __name__ == "__main__":
    run(build)
