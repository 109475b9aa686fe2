"""What a page or an API route may use; built once by the composition root, given to `register`.

Pages call `await services.queries.history(thing_id, property, hours)` and the like, ask
`ioc.web.identity.current()` who looks, and take every word from `ioc.text`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ioc.clock import Clock
from ioc.layer_schema import Schema
from ioc.settings import Settings
from ioc.web.account_commands import AccountCommands
from ioc.web.auth import Door
from ioc.web.brief_desk import BriefDesk
from ioc.web.broker import Broker
from ioc.web.commands import Commands
from ioc.web.database import Database
from ioc.web.exercise_commands import Exercises
from ioc.web.hub import Hub
from ioc.web.layer_commands import LayerCommands
from ioc.web.oidc import SignOnDoor
from ioc.web.own_account import OwnAccount
from ioc.web.pace import Pace
from ioc.web.queries import Queries
from ioc.web.queries.layers import LayerQueries
from ioc.web.queries.places import PlaceQueries
from ioc.web.queries.things import ThingQueries
from ioc.web.rule_commands import RuleCommands
from ioc.web.rule_desk import RuleDesk
from ioc.web.switch_commands import RuleSwitch


@dataclass(frozen=True, slots=True)
class Services:
    """The doors of the web process to everything outside it."""

    settings: Settings
    clock: Clock
    database: Database
    queries: Queries
    commands: Commands
    rules: RuleDesk
    rule_commands: RuleCommands
    layer_schemas: dict[str, Schema]
    layers: LayerQueries
    layer_commands: LayerCommands
    places: PlaceQueries
    things: ThingQueries
    briefs: BriefDesk
    rule_switch: RuleSwitch
    exercises: Exercises
    door: Door
    accounts: AccountCommands
    own_account: OwnAccount
    sign_on: SignOnDoor
    hub: Hub
    broker: Broker  # of what is pushed over HTTP
    pace: Pace  # of those who push
    api_pace: Pace  # of everything else a token asks for
