"""Sparkplug B 3.0, the host's side: births, deaths and data of edge nodes and their devices.

A thing is `group/node` or `group/node/device`, which speaks through its node; a datastream is the
metric's name. Its value is made signed by its datatype (negative integers travel as unsigned);
Boolean is 0/1; a null, or no value at all, is a missing one. DateTime is no measurement and is
ignored like DataSet, Template, File, Bytes and arrays; String, Text and UUID are texts whatever
they hold. What a node marks as transient asks not to be stored and is not. `bdSeq` and the
`Node Control/` and `Device Control/` command points are never observations.

The properties `engUnit` (or `unit`) of a birth name the unit until the next birth; `Quality` 192,
0, 500 is good, fault, suspect, any other code suspect. A retained copy (the specification forbids
them) is decoded, but it never changes what is remembered.

Rules implemented (ids of the specification, without `tck-id-`):
- topic-structure, topic-structure-namespace-*: `spBv1.0/group/type/node[/device]`, with whatever
  a bridge puts before it; requests go back on the same prefix.
- payloads-name-requirement, payloads-alias-*: aliases are kept for each node and each device.
- payloads-metric-datatype-req, -not-req: the birth's datatype holds where data name none.
- payloads-metric-timestamp-in-UTC: milliseconds; the payload's own time where a metric has none.
- payloads-sequence-num-*, *-seq-inc: 0..255 without a gap over all messages of a node; NDEATH has
  none. operational-behavior-host-reordering-param (`reorder_s`, 0: the broker keeps the order),
  -start, -success, -rebirth: with no clock of its own the codec looks at the time of arrival of
  the node's next message.
- operational-behavior-data-commands-ncmd-rebirth-verb, -name, -value, payloads-ncmd-timestamp,
  payloads-ncmd-seq (none): after a gap, an unknown alias, data before a birth or a device's birth
  before its node's. Repeated each 30 s until the birth; never three times within 30 s.
- payloads-nbirth-bdseq, payloads-ndeath-bdseq: a death of an earlier session changes nothing. A
  death without bdSeq, or of a node that is not born, is believed.
- operational-behavior-edge-node-termination-host-action-ndeath-node-offline, -devices-offline,
  -ddeath-devices-offline: one status each; an NDEATH is dated by its arrival (its own time is that
  of the connection), a DDEATH by its own time. Staleness is the registry's matter.
- payloads-propertyset-quality-value-*, payloads-propertyset-keys-array-size (the shorter counts).
- operational-behavior-host-reordering: values after a gap are kept under the aliases in force (a
  node that begins a new session sends its death first, and that comes at QoS 1).
- host-topic-phid-birth-topic, -payload, host-topic-phid-death-topic, -payload: with the option
  `host`, the STATE messages for the connection to publish (QoS 1, retained). Left to the
  connection: message-flow-hid-sparkplug-state-message-delivered (publish again when somebody else
  says that we are gone).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from ingest.codec import Codec, Command, Decoding, FeedView, Ignored, Message, Outcome, Presence
from ingest.codec import Status as StatusOf
from ingest.codecs.sparkplug.metrics import INTEGERS, bdseq_of, micros, name_of, outcome, unit_of
from ingest.codecs.sparkplug.nodes import Announced, Node, Nodes, Session
from ingest.codecs.sparkplug.wire import Metric, Payload, parse, rebirth_request
from ingest.reading import paths
from ingest.reading.deletions import unless_empty
from ingest.reading.options import read_options
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros, from_seconds
from ioc.domain.intake import Sighting
from ioc.domain.observation import DeviceState

_NAMESPACE: Final = "spBv1.0"
_OF_NODES: Final = frozenset({"NBIRTH", "NDATA", "NDEATH"})
_OF_DEVICES: Final = frozenset({"DBIRTH", "DDATA", "DDEATH"})
_NOT_FOR_US: Final = frozenset({"NCMD", "DCMD"})
_NODE_LEVELS: Final = 3
_SHOWN: Final = 80  # characters of a bad name in a refusal


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `options` of a feed file that names this codec.

    `host`: under this id we say that we are there (STATE); without it nobody is told.
    `reorder_s`: how long a missing message may come late before a birth is asked for.
    """

    host: Annotated[str, msgspec.Meta(pattern=r"^[^/+#\x00]{1,100}$")] | None = None
    reorder_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0


class _Address(NamedTuple):
    prefix: str  # all of the topic before the group
    group: str
    kind: str
    node: str
    device: str  # "" of the node itself

    @property
    def owner(self) -> str:
        return f"{self.prefix}{self.group}/{self.node}"

    @property
    def node_thing(self) -> str:
        return f"{self.group}/{self.node}"

    @property
    def thing(self) -> str:
        return f"{self.node_thing}/{self.device}" if self.device else self.node_thing


def build(options: Mapping[str, Any], _feed: FeedView) -> Codec:
    """Compile the options of a feed. Raises ConfigError; see `Options` for what there is."""
    wanted = read_options(options, Options)
    name = wanted.host
    host = _Host(from_seconds(wanted.reorder_s))
    return Codec(
        unless_empty(host.decode),
        stateful=True,
        forget=host.forget,
        presence=None if name is None else lambda now: _presence(name, now),
    )


def _presence(host: str, now: Micros) -> Presence:
    here, gone = (
        msgspec.json.encode({"online": online, "timestamp": now // 1000})
        for online in (True, False)
    )
    return Presence(f"{_NAMESPACE}/STATE/{host}", here, gone)


class _Host:
    """Follows the edge nodes of one feed."""

    def __init__(self, patience: int) -> None:
        self._nodes = Nodes()
        self._patience = patience

    def forget(self) -> None:
        """Begin anew: births are sent at QoS 0, so some may have passed while nobody listened."""
        self._nodes = Nodes()

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        address = _address(message.topic)
        if address is None:
            ours = "/STATE/" in message.topic
            return Decoding([Ignored("host_state" if ours else "command")])
        payload = parse(message.payload)
        node = self._nodes.take(address.owner)
        try:
            return self._read(node, address, payload, message)
        finally:
            self._nodes.put(address.owner, node)

    def _read(self, node: Node, address: _Address, payload: Payload, message: Message) -> Decoding:
        if message.dup and node.predates(payload.timestamp) and address.kind != "NDEATH":
            return Decoding([Ignored("duplicate")])  # its aliases were another session's
        keep = not message.retain and self._in_turn(node, address, payload, message)
        found = Decoding(list(_outcomes(node, address, payload, keep=keep)))
        if address.kind == "DBIRTH":
            found.sightings.append(Sighting(address.thing, parent=address.node_thing))
        if node.asks(message.received):
            topic = f"{address.prefix}{address.group}/NCMD/{address.node}"
            found.outcomes.append(Command(topic, rebirth_request(message.received)))
        return found

    def _in_turn(self, node: Node, address: _Address, payload: Payload, message: Message) -> bool:
        """Note what is missing; False for what newer messages of the node have overtaken."""
        if address.kind in {"NBIRTH", "NDEATH"}:  # a birth begins the count, a death has no part
            return True
        seq = payload.seq if payload.HasField("seq") else None
        new = node.follow(seq, payload.timestamp, message.received, again=message.dup)
        node.wait(message.received, self._patience)
        return new or (address.kind == "DBIRTH" and node.sessions.get(address.device) is None)


def _address(topic: str) -> _Address | None:
    """Read a topic; None for commands and hosts' STATE. PayloadError unknown_topic, bad_thing."""
    before, found, rest = topic.partition(f"{_NAMESPACE}/")
    levels = rest.split("/")
    if not found or (before and not before.endswith("/")):
        raise PayloadError("unknown_topic", topic[:_SHOWN])
    if levels[0] == "STATE" or (len(levels) >= _NODE_LEVELS and levels[1] in _NOT_FOR_US):
        return None
    kinds = {_NODE_LEVELS: _OF_NODES, _NODE_LEVELS + 1: _OF_DEVICES}.get(len(levels), frozenset())
    if not kinds or levels[1] not in kinds:
        raise PayloadError("unknown_topic", topic[:_SHOWN])
    address = _Address(f"{before}{found}", levels[0], levels[1], levels[2], "/".join(levels[3:]))
    name = address.thing
    if not all(levels):
        raise PayloadError("no_thing", topic[:_SHOWN])
    if len(name) > paths.MAX_NAME or not name.isprintable() or "+" in name or "#" in name:
        raise PayloadError("bad_thing", name[:_SHOWN].encode("unicode_escape").decode())
    return address


def _outcomes(node: Node, address: _Address, payload: Payload, *, keep: bool) -> Iterator[Outcome]:
    match address.kind:
        case "NBIRTH" | "DBIRTH":
            yield from _birth(node, address, payload, keep=keep)
        case "NDATA" | "DDATA":
            yield from _data(node, address, payload)
        case "NDEATH":
            yield from _node_death(node, address, payload, keep=keep)
        case _:
            yield from _device_death(node, address, payload, keep=keep)


def _birth(node: Node, address: _Address, payload: Payload, *, keep: bool) -> Iterator[Outcome]:
    session = Session()
    yield _status(address.thing, DeviceState.ONLINE, address.kind, micros(payload))
    yield from (_announce(session, address.thing, metric, payload) for metric in payload.metrics)
    if keep and address.device:
        node.bear(address.device, session)
    elif keep:
        seq = payload.seq if payload.HasField("seq") else None
        node.begin(session, bdseq_of(payload), seq, payload.timestamp)
    if not node.born:
        node.lost = True


def _announce(session: Session, thing: str, metric: Metric, payload: Payload) -> Outcome:
    try:
        name = name_of(metric)
        announced = Announced(name, metric.datatype, unit_of(metric))
        session.names[name] = announced
        if metric.HasField("alias"):
            session.aliases[metric.alias] = announced
        return outcome(thing, announced, metric, payload)
    except PayloadError as error:
        return error


def _data(node: Node, address: _Address, payload: Payload) -> Iterator[Outcome]:
    session = node.sessions.get(address.device)
    if session is None:
        node.lost = True
        yield PayloadError("before_birth", address.thing)
        return
    if not node.born:
        node.lost = True
    for metric in payload.metrics:
        try:
            yield outcome(address.thing, _announced(session, metric, node), metric, payload)
        except PayloadError as error:
            yield error


def _announced(session: Session, metric: Metric, node: Node) -> Announced:
    """Return what the birth said of a metric; one that it left out is told by itself if it can."""
    if metric.name:
        name = name_of(metric)
        known = session.names.get(name)
    else:
        name = ""
        known = session.aliases.get(metric.alias) if metric.HasField("alias") else None
    if known is None:
        node.lost = True
        unsigned = metric.WhichOneof("value") in INTEGERS and not metric.datatype
        if not name or unsigned:  # nobody said whether 4294967291 is -5
            raise PayloadError("unknown_alias", name or f"alias {metric.alias}")
        return Announced(name, metric.datatype, unit_of(metric))
    return known


def _node_death(
    node: Node, address: _Address, payload: Payload, *, keep: bool
) -> Iterator[Outcome]:
    bdseq = bdseq_of(payload)
    if node.born and None not in {bdseq, node.bdseq} and bdseq != node.bdseq:
        yield PayloadError("stale_death", f"bdSeq {bdseq}, the session's is {node.bdseq}")
        return
    devices = node.end() if keep else []
    yield _status(address.thing, DeviceState.OFFLINE, address.kind, None)
    for device in devices:
        yield _status(f"{address.thing}/{device}", DeviceState.OFFLINE, address.kind, None)


def _device_death(
    node: Node, address: _Address, payload: Payload, *, keep: bool
) -> Iterator[Outcome]:
    if keep:
        node.bury(address.device)
    if not node.born:
        node.lost = True
    yield _status(address.thing, DeviceState.OFFLINE, address.kind, micros(payload))


def _status(thing: str, state: DeviceState, detail: str, time: Micros | None) -> StatusOf:
    return StatusOf(thing, state, detail, time)
