"""Imports nats-py, or says what is missing."""

try:
    from nats import errors
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext, errors as js_errors
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RawStreamMsg, StreamConfig
except ModuleNotFoundError as error:
    raise ImportError("hardy.adapters.nats needs nats-py. Install it with: pip install 'hardy[nats]'") from error

__all__ = [
    "AckPolicy",
    "Client",
    "ConsumerConfig",
    "DeliverPolicy",
    "JetStreamContext",
    "Msg",
    "RawStreamMsg",
    "StreamConfig",
    "errors",
    "js_errors",
]
