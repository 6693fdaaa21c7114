"""``hardy drain-test``: stop a service under load, and tell what was lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import click

from hardy.app import FLAGS, App, described, run_loop
from hardy.config import Settings
from hardy.core import Exposed, InvalidMessage, Kind, Malformed
from hardy.schema import Codec, codec
from hardy.tools.cli._drain_http import HttpTarget
from hardy.tools.cli._drain_run import Job, Outcome, Plan, Run, command_of, http_job
from hardy.tools.cli._drain_tally import Tally, Watch
from hardy.tools.cli._group import no_such
from hardy.tools.cli._options import options_of, service_argument, serving_options
from hardy.tools.cli._style import complain, print_json, table
from hardy.tools.cli._target import Options, Target
from hardy.tools.cli._token import mint_token, refuse_outside_dev
from hardy.transport import http

LOST, UNREACHABLE = 1, 5
DELAY = "0.5s"
SLACK = 3.0
"""Seconds beyond the promised end before a service counts as stuck: starting and ending an interpreter takes time."""
_FORMS = ("text/event-stream", "application/x-ndjson")


@dataclass(frozen=True, slots=True)
class Chosen:
    """An operation that is called, and its message."""

    exposed: Exposed
    message: object


@click.command("drain-test")
@service_argument
@click.option(
    "--call", "calls", multiple=True, metavar="'OP JSON'", help="What to call, besides what needs no message."
)
@click.option("--as", "subject", metavar="NAME", help="Who calls, by a token of this machine; dev only.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What the caller may do; repeatable.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="What the caller is; repeatable.")
@click.option("--workers", metavar="N", help="Serve with N processes; auto takes one per CPU.")
@click.option("--roll", is_flag=True, help="Replace the workers (SIGHUP) under load, then stop.")
@click.option("--runs", type=click.IntRange(1, 1000), default=1, show_default=True, metavar="N", help="How often.")
@click.option("--clients", type=click.IntRange(1, 100), default=6, show_default=True, metavar="N", help="Per door.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@serving_options
def command(  # noqa: PLR0913  # one parameter a flag
    *,
    calls: tuple[str, ...],
    subject: str | None,
    scopes: tuple[str, ...],
    roles: tuple[str, ...],
    workers: str | None,
    roll: bool,
    runs: int,
    clients: int,
    as_json: bool,
    **given: object,
) -> int:
    """Start the service, put load on it, send SIGTERM, and tell what was lost; exit 1 if anything was.

    Called are operations that change nothing and need no message, over REST
    and gRPC, unary and streaming, and those of --call. The service listens on
    free ports and drains for 0.5 s first, unless flags say otherwise.
    """
    if roll and workers is None:
        raise click.UsageError("--roll needs --workers: a single process cannot be replaced without a gap")
    options = _with_defaults(options_of(given))
    target = options.target().for_development()
    token = None
    if subject is not None:
        refuse_outside_dev(target.settings_class.prefix)
        token = mint_token(subject, scopes, roles, 3600.0)
    chosen = [*_harmless(target.app), *_asked(target.app, calls)]
    plan = _plan(target, options, chosen, clients=clients, token=token, workers=workers, roll=roll)
    return _run(plan, runs, title=f"{target.project.reference}   {_title(workers, plan)}", as_json=as_json)


def _with_defaults(options: Options) -> Options:
    flags: dict[str, object] = {"http.port": "0", "grpc.port": "0", "admin.port": "0", "shutdown.drain_delay": DELAY}
    return Options(
        service=options.service, flags={**flags, **options.flags}, config=options.config, env_file=options.env_file
    )


# -- what is called


def _harmless(app: App) -> Iterator[Chosen]:
    """Yield every operation that can be read with nothing said: bound to GET, with a message of defaults."""
    readable = {
        each.operation.name
        for each in described(app, "http")
        if each.binding.describe()["method"] == "GET" and not each.operation.kind.streams_in
    }
    for each in described(app):
        if each.operation.name in readable and not each.operation.raw:
            try:
                yield Chosen(each, _decoded(app, each, b"{}"))
            except (InvalidMessage, Malformed):  # it wants to be told something
                continue


def _asked(app: App, calls: Sequence[str]) -> Iterator[Chosen]:
    for text in calls:
        name, _, message = text.strip().partition(" ")
        found = [each for each in described(app) if each.operation.name == name]
        if not found:
            no_such("operation", name, {line.operation.name: line.operation for line in app.exposures}, None)
        for each in found:
            if each.operation.kind.streams_in or each.operation.raw:
                raise click.UsageError(f"{name} takes a stream or the request itself; drain-test cannot call it")
            try:
                yield Chosen(each, _decoded(app, each, message.encode() or b"{}"))
            except (InvalidMessage, Malformed) as error:
                raise click.UsageError(f"the message of {name} is wrong: {error}") from None


def _decoded(app: App, exposed: Exposed, message: bytes) -> object:
    made: Codec[object] = codec(exposed.operation.message, json_case=app.json_case)
    return made.decode(message)


# -- how it is called


def _plan(
    target: Target,
    options: Options,
    chosen: Sequence[Chosen],
    *,
    clients: int,
    token: str | None,
    workers: str | None,
    roll: bool,
) -> Plan:
    settings = target.loaded.settings
    if settings.http.tls or settings.grpc.tls or settings.admin.tls or settings.http.socket:
        raise click.UsageError("drain-test speaks neither TLS nor to a path; test the service without them")
    headers = () if token is None else (("authorization", f"Bearer {token}"),)
    jobs: list[Job] = []
    for transport, make in (("http", _http_jobs), ("grpc", _grpc_jobs)):
        mine = [each for each in chosen if each.exposed.binding.transport == transport]
        jobs += make(target.app, mine, clients, headers)
    if not jobs:
        raise click.UsageError("no operation can be called without a message; name one with --call 'OP JSON'")
    return Plan(
        command=command_of(target.project.reference, _flags(options, settings, workers)),
        prefix=settings.prefix,
        delay=settings.shutdown.drain_delay,
        patience=_patience(settings),
        rolls=roll,
        jobs=jobs,
    )


def _flags(options: Options, settings: Settings, workers: str | None) -> list[str]:
    said = {**options.flags, "environment": settings.environment}
    flags = [part for flag, (setting, _) in FLAGS.items() if setting in said for part in (flag, str(said[setting]))]
    flags += ["--config", str(options.config)] if options.config else []
    flags += ["--env-file", str(options.env_file)] if options.env_file else []
    return [*flags, "--workers", workers] if workers is not None else flags


def _patience(settings: Settings) -> float:
    shutdown = settings.shutdown
    return shutdown.drain_delay + shutdown.drain_timeout + shutdown.close_timeout + SLACK


def _http_jobs(app: App, chosen: Sequence[Chosen], clients: int, headers: tuple[tuple[str, str], ...]) -> list[Job]:
    jobs: list[Job] = []
    for each in chosen:
        route = each.exposed.binding
        assert isinstance(route, http.Route)
        request = http.outgoing(each.exposed.operation, route, each.message, json_case=app.json_case)
        name = f"{request.method} {request.target}"
        make = partial(_http_target, name=name, request=request, headers=headers)
        if each.exposed.operation.kind is Kind.UNARY:
            jobs += [http_job(make, keeps=number % 3 != 2) for number in range(clients)]
        else:
            jobs += [http_job(make, stream=form) for form in _FORMS]
    return jobs


def _http_target(
    host: str, port: int, *, name: str, request: http.Outgoing, headers: tuple[tuple[str, str], ...]
) -> HttpTarget:
    return HttpTarget(name=name, host=host, port=port, request=request, headers=headers)


def _grpc_jobs(app: App, chosen: Sequence[Chosen], clients: int, metadata: tuple[tuple[str, str], ...]) -> list[Job]:
    if not chosen:
        return []
    from hardy.tools.cli._drain_grpc import GrpcTarget, keep_calling
    from hardy.transport import grpc

    methods = grpc.Contracts(described(app, "grpc"), environment=app.settings.environment).methods()
    jobs: list[Job] = []
    for each in chosen:
        method = each.exposed.binding
        assert isinstance(method, grpc.Method)
        streams = each.exposed.operation.kind.streams_out
        make = partial(
            GrpcTarget,
            name=method.path,
            path=method.path,
            message=methods[method.path].message.encode(each.message),
            streams=streams,
            metadata=metadata,
        )

        async def job(watch: Watch, places: dict[str, str], make: "partial[GrpcTarget]" = make) -> None:
            await keep_calling(make(address=places["grpc"]), watch)

        jobs += [job] * (2 if streams else clients)
    return jobs


# -- what came of it


def _run(plan: Plan, runs: int, *, title: str, as_json: bool) -> int:
    outcomes: list[Outcome] = []
    for number in range(1, runs + 1):
        try:
            outcomes.append(run_loop(Run(plan).carry_out()))
        except ChildProcessError as error:
            complain(f"error: {error}\n  help: see why: {' '.join(plan.command[2:])}")
            return UNREACHABLE
        if not as_json:
            _report(outcomes[-1], f"run {number} of {runs}   {title}" if runs > 1 else title)
    clean = all(each.is_clean for each in outcomes)
    if as_json:
        print_json({"clean": clean, "title": title, "runs": [each.facts() for each in outcomes]})
    else:
        print("nothing was lost" if clean else "something was lost, or the service did not end as it should")
    return 0 if clean else LOST


def _title(workers: str | None, plan: Plan) -> str:
    served = "1 process" if workers is None else f"{workers} workers"
    way = "SIGHUP, then SIGTERM" if plan.rolls else "SIGTERM"
    return f"{served}   {way}   drain delay {plan.delay:g} s"


def _report(outcome: Outcome, title: str) -> None:
    watch = outcome.watch
    print(title)
    rows = [
        _row(name, tally) for name, tally in (("REST", watch.http), ("gRPC", watch.grpc), ("streams", watch.streams))
    ]
    table(("", "sent", "answered", "lost", "refused", "cut"), [row for row in rows if row[1] != "0"])
    if watch.grpc.sent:
        retried = watch.grpc.retried + watch.streams.retried
        print(f"gRPC is counted after retry: {retried} ended with their connection before they began, as the log shows")
    red = "" if outcome.red is None else f"   ready was red after {outcome.red * 1000:.0f} ms"
    print(f"exit code {outcome.code} after {outcome.seconds:.2f} s{red}")
    for each in (*outcome.faults, *watch.notes):
        print(f"  {each}")
    print()


def _row(name: str, tally: Tally) -> tuple[str, ...]:
    return (name, *map(str, (tally.sent, tally.answered, tally.lost, tally.refused, tally.cut)))
