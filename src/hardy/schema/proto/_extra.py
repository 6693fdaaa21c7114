"""Says what to install when the extras this package lives on are absent."""


def require_protobuf() -> None:
    """Refuse to go on without protobuf.

    Raises:
        ImportError: It is not installed; the message names the extra that brings it.
    """
    try:
        import google.protobuf  # noqa: F401  # pyright: ignore[reportUnusedImport]  # only whether it is there
    except ImportError as error:
        raise ImportError(
            "hardy.schema.proto needs protobuf. Install it with: pip install 'hardy[grpc]'", name="google.protobuf"
        ) from error


def require_protoc() -> None:
    """Refuse to go on without the protoc that grpcio-tools carries.

    Raises:
        ImportError: It is not installed; the message names the extra that brings it.
    """
    try:
        import grpc_tools  # noqa: F401  # pyright: ignore[reportUnusedImport]  # only whether it is there
    except ImportError as error:
        raise ImportError(
            "hardy gen proto needs grpcio-tools. Install it with: pip install 'hardy[dev]'", name="grpc_tools"
        ) from error
