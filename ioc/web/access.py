"""The one table of what may be asked for and what it takes; what is not listed does not exist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ioc.domain.permission import Action

LARGEST_BODY: Final = 1 << 20  # forms and callbacks are far smaller
LARGEST_TABLE: Final = 8 << 20  # figures: 40,000 rows are 2 MB
LARGEST_CHOICE: Final = 4 << 20  # codes of the features of a file: 100,000 are 2 MB
LARGEST_FILE: Final = 512 << 20  # a map file: half a million rows as GeoJSON are 133 MB


class Answer(Enum):
    """How a caller without the right is told so."""

    PAGE = auto()  # a person: sent to the login page
    PROBLEM = auto()  # a program: 401 or 403 as problem+json


@dataclass(frozen=True, slots=True)
class Access:
    """What a path takes: no action is public; `probe` also opens to this machine itself.

    `largest`: bytes of the body.
    `reads`: an unsafe method that changes nothing, so that an idle screen may go on asking.
    """

    action: Action | None
    answer: Answer = Answer.PROBLEM
    probe: bool = False
    largest: int = LARGEST_BODY
    reads: bool = False


PUBLIC: Final = Access(None)


def _page(action: Action) -> Access:
    return Access(action, Answer.PAGE)


def _asked(action: Action) -> Access:
    return Access(action, reads=True)


_NAME: Final = r"[^/]{1,200}"

# (methods, path, access): the first that fits counts. A new route needs a line here.
TABLE: Final[tuple[tuple[str, str, Access], ...]] = (
    ("GET POST", r"/login(/second)?", PUBLIC),
    ("GET", r"/login/sign-on(/back)?", PUBLIC),
    ("POST", r"/logout", PUBLIC),
    ("GET", r"/healthz", PUBLIC),
    # No secret, and a browser fetches both without its cookies or after a logout.
    ("GET", r"/brief/(sw\.js|app\.webmanifest)", PUBLIC),
    ("GET", r"/assets/.+", PUBLIC),
    ("GET", r"/_?favicon\.ico", PUBLIC),
    ("GET", r"/readyz|/metrics", Access(Action.SEE_METRICS, probe=True)),
    ("GET", r"/live", Access(Action.SEE_WALL)),
    ("GET", r"/brief/(state|chart)", Access(Action.SEE_ALERTS)),
    ("GET", r"/brief/map/[0-9a-f]{1,64}/[0-9a-f]{1,64}\.svg", Access(Action.SEE_ALERTS)),
    ("GET", rf"/desk/alerts(/{_NAME})?", Access(Action.SEE_ALERTS)),
    ("GET", r"/desk/things(/choices|/export\.(csv|xlsx))?", Access(Action.SEE_API)),
    (
        "GET",
        r"/desk/indicators(/[a-z][a-z0-9_]{1,63}|/export\.(csv|xlsx))?",
        Access(Action.SEE_API),
    ),
    ("POST", r"/desk/indicators/file", Access(Action.PUT_INDICATOR, largest=LARGEST_TABLE)),
    ("GET", r"/desk/quality(/export\.(csv|xlsx))?", Access(Action.SEE_API)),
    ("GET", r"/desk/integrations(/export\.(csv|xlsx))?", Access(Action.SEE_API)),
    ("GET", r"/desk/feeds(/export\.(csv|xlsx))?", Access(Action.SEE_API)),
    ("GET", r"/desk/feeds/letters(/export\.(csv|xlsx))?", Access(Action.SEE_DEAD_LETTERS)),
    ("GET", rf"/desk/feeds/{_NAME}/retry", Access(Action.SEE_DEAD_LETTERS)),
    ("POST", rf"/desk/feeds/{_NAME}/retry(/stop)?", Access(Action.RETRY_DEAD_LETTERS)),
    ("GET", r"/desk/pending(/choices|/export\.(csv|xlsx))?", Access(Action.SEE_PENDING)),
    ("POST", r"/desk/pending/(admit|refuse|restore)", Access(Action.ADMIT_THING)),
    ("GET", r"/desk/system(/export\.(csv|xlsx))?", Access(Action.SEE_METRICS)),
    ("GET", r"/desk/thing/[0-9]{1,10}/export\.(csv|xlsx)", Access(Action.SEE_API)),
    ("POST", r"/desk/thing/[0-9]{1,10}/notes", Access(Action.ANNOTATE)),
    ("DELETE", r"/desk/thing/[0-9]{1,10}/notes/[0-9]{1,16}", Access(Action.ANNOTATE)),
    ("GET", r"/wall-data/(environment|network|cameras|alerts)", Access(Action.SEE_WALL)),
    # A screen says that it lives: the one thing a kiosk may tell; nobody else sees a change.
    ("POST", r"/wall-data/screens/[a-z0-9-]{1,32}/seen", _asked(Action.SEE_WALL)),
    ("GET", r"/desk/walls", Access(Action.STEER_WALL)),
    ("POST DELETE", r"/desk/walls/[a-z0-9-]{1,32}", Access(Action.STEER_WALL)),
    ("GET", r"/desk/handover(/[0-9]{1,18})?", Access(Action.HAND_OVER)),
    ("POST", r"/desk/handover(/notes)?", Access(Action.HAND_OVER)),
    ("GET", r"/desk/layers", Access(Action.IMPORT_LAYER)),
    (
        "GET",
        r"/desk/layers/(uploads|undo)/[0-9]{1,16}(/preview\.geojson|/refused\.csv)?",
        Access(Action.IMPORT_LAYER),
    ),
    ("POST", r"/desk/layers/uploads", Access(Action.IMPORT_LAYER, largest=LARGEST_FILE)),
    (
        "POST",
        r"/desk/layers/uploads/[0-9]{1,16}/(look|confirm|cancel)",
        Access(Action.IMPORT_LAYER),
    ),
    ("POST", r"/desk/layers/[a-z_]{1,40}/undo", Access(Action.IMPORT_LAYER)),
    ("GET", r"/text/[a-z]{2}\.json", Access(Action.SEE_WALL)),
    ("GET", r"/geo/[a-z_]{1,40}/[0-9a-f]{1,64}\.geojson", Access(Action.SEE_WALL)),
    ("GET", r"/geo/layers\.json", Access(Action.SEE_WALL)),
    ("GET", r"/geo/[a-z_]{1,40}/[0-9a-f]{1,64}/overview\.geojson", Access(Action.SEE_WALL)),
    ("GET", r"/geo/[a-z_]{1,40}/[0-9a-f]{1,64}/places\.json", Access(Action.SEE_WALL)),
    (
        "GET",
        r"/geo/[a-z_]{1,40}/[0-9a-f]{1,64}/[0-9]{1,2}/[0-9]{1,5}/[0-9]{1,5}\.mvt",
        Access(Action.SEE_WALL),
    ),
    ("GET", r"/geo/[a-z_]{1,40}/export", Access(Action.SEE_API)),
    (
        "POST",
        r"/geo/[a-z_]{1,40}/export",
        Access(Action.SEE_API, reads=True, largest=LARGEST_CHOICE),
    ),
    ("GET", r"/background(\.json|(/[0-9]{1,8}){3})", Access(Action.SEE_WALL)),
    ("GET", r"/ogc(/[^?#]{0,400})?", Access(Action.SEE_API)),
    ("GET", r"/_dash-(layout|dependencies)|/_dash-component-suites/.+", Access(Action.SEE_WALL)),
    ("POST", r"/_dash-update-component", _asked(Action.SEE_WALL)),
    ("GET", rf"/api/v1/feeds/{_NAME}/dead-letters", Access(Action.SEE_DEAD_LETTERS)),
    ("GET", r"/api/v1/things/pending", Access(Action.SEE_PENDING)),
    ("GET", r"/api/v1/openapi\.json", Access(Action.SEE_API)),
    (
        "GET",
        rf"/api/v1/(things|datastreams|observations|alerts|feeds)(/{_NAME})?",
        Access(Action.SEE_API),
    ),
    (
        "GET",
        r"/api/v1/(network(/(segments|impact|single-points|suspects))?|coverage)",
        Access(Action.SEE_API),
    ),
    ("GET", rf"/api/v1/alerts/{_NAME}/around", Access(Action.SEE_API)),
    ("GET", r"/api/v1/search", Access(Action.SEE_API)),
    ("GET", r"/api/v1/indices(/[0-9]{1,10})?", Access(Action.SEE_API)),
    ("GET", r"/api/v1/compliance/[0-9]{1,10}", Access(Action.SEE_API)),
    ("GET", r"/desk/indices", Access(Action.SEE_API)),
    ("GET", r"/desk/indices/board", Access(Action.SEE_WALL)),
    ("GET", r"/desk/station/[0-9]{1,10}(/report)?", Access(Action.SEE_API)),
    ("GET", r"/desk/map/things(/[0-9]{1,10}/alerts)?", Access(Action.SEE_API)),
    ("GET", r"/api/v1/rules(/[a-z0-9-]{1,63})?", Access(Action.SEE_API)),
    ("GET", r"/api/v1/rule-options(/stations)?", Access(Action.SEE_API)),
    ("POST", r"/api/v1/rules/(history|preview|context)", _asked(Action.SEE_API)),
    ("POST", r"/api/v1/rules", Access(Action.EDIT_RULE)),
    ("POST", r"/api/v1/rules/[a-z0-9-]{1,63}/(rollback|switch)", Access(Action.EDIT_RULE)),
    ("POST", r"/api/v1/notify-tests", Access(Action.EDIT_RULE)),
    ("GET", r"/api/v1/notify-tests/[0-9]{1,19}", Access(Action.EDIT_RULE)),
    (
        "POST",
        r"/api/v1/rules/[a-z0-9-]{1,63}/versions/[0-9]{1,9}/(approve|reject)",
        Access(Action.EDIT_RULE),
    ),
    ("POST", r"/api/v1/observations", Access(Action.PUSH_OBSERVATIONS)),
    (
        "POST",
        rf"/api/v1/alerts/({_NAME}/(acknowledge|comment|close|reset)|acknowledge)",
        Access(Action.ACKNOWLEDGE_ALERT),
    ),
    ("POST", rf"/api/v1/alerts/{_NAME}/(shelve|unshelve)", Access(Action.MASK_ALERT)),
    ("POST", rf"/api/v1/alerts/{_NAME}/direction", Access(Action.DIRECT_ALERT)),
    ("GET POST DELETE", r"/brief/push", Access(Action.SEE_API)),
    ("GET", r"/brief/report", _page(Action.SEE_API)),
    ("POST", rf"/api/v1/alerts/{_NAME}/assign", Access(Action.HANDLE_ALERT)),
    # Which right a step of the handling takes depends on the step: the command asks for it.
    ("POST", rf"/api/v1/alerts/{_NAME}/handling", Access(Action.SEE_API)),
    ("GET", r"/api/v1/masks", Access(Action.SEE_API)),
    ("POST", r"/api/v1/masks(/[0-9]{1,19}/approve)?", Access(Action.MASK_ALERT)),
    ("DELETE", r"/api/v1/masks/[0-9]{1,19}", Access(Action.MASK_ALERT)),
    ("GET", r"/api/v1/layers", Access(Action.SEE_API)),
    ("GET", r"/api/v1/audit(/actions|\.csv)?", Access(Action.SEE_AUDIT)),
    ("GET", r"/api/v1/(users|tokens|user-options)", Access(Action.MANAGE_USERS)),
    ("POST", r"/api/v1/(users|tokens)", Access(Action.MANAGE_USERS)),
    ("GET", rf"/api/v1/users/{_NAME}/sessions", Access(Action.MANAGE_USERS)),
    ("DELETE", rf"/api/v1/users/{_NAME}/sessions(/[0-9]{{1,18}})?", Access(Action.MANAGE_USERS)),
    ("POST", rf"/api/v1/users/{_NAME}/(change|lock|unlock|reset)", Access(Action.MANAGE_USERS)),
    ("DELETE", r"/api/v1/tokens/[0-9]{1,9}", Access(Action.MANAGE_USERS)),
    # An idle session may say that somebody stirs and who it is: both are how it stops being idle.
    ("POST", r"/session/(stir|wake)", _asked(Action.OWN_ACCOUNT)),
    ("GET", r"/account(/password|/second-factor)?", _page(Action.OWN_ACCOUNT)),
    ("POST", r"/account/(password|second-factor|sessions)", _page(Action.OWN_ACCOUNT)),
    ("GET", r"/users", _page(Action.MANAGE_USERS)),
    ("GET", r"/audit", _page(Action.SEE_AUDIT)),
    ("GET", r"/|/wall(/.*)?", _page(Action.SEE_WALL)),
    ("GET", r"/rules(/[a-z0-9-]{1,63})?", _page(Action.SEE_API)),
    ("GET", r"/thing/[0-9]{1,10}", _page(Action.SEE_THING)),
    ("GET", r"/indices", _page(Action.SEE_API)),
    ("GET", r"/station/[0-9]{1,10}", _page(Action.SEE_API)),
    ("GET", r"/things", _page(Action.SEE_API)),
    ("GET", r"/feeds", _page(Action.SEE_API)),
    ("GET", r"/pending", _page(Action.SEE_PENDING)),
    ("GET", r"/system", _page(Action.SEE_METRICS)),
    ("GET", r"/help", _page(Action.OWN_ACCOUNT)),
    ("GET", r"/walls", _page(Action.STEER_WALL)),
    ("GET", r"/handover(/[0-9]{1,18})?", _page(Action.HAND_OVER)),
    ("GET", r"/network", _page(Action.SEE_API)),
    ("GET", r"/alerts|/kpi", _page(Action.SEE_ALERTS)),
    ("GET", r"/indicators|/quality|/integrations", _page(Action.SEE_API)),
    ("GET", r"/map", _page(Action.SEE_API)),
    ("GET", r"/layers", _page(Action.IMPORT_LAYER)),
    ("GET", r"/brief", _page(Action.SEE_ALERTS)),
)

_COMPILED: Final = tuple(
    (frozenset(methods.split()), re.compile(path), access) for methods, path, access in TABLE
)


def access_of(method: str, path: str) -> Access | None:
    """Return what `method path` takes; None when it is not listed, which is a refusal."""
    asked = "GET" if method == "HEAD" else method
    for methods, pattern, access in _COMPILED:
        if asked in methods and pattern.fullmatch(path):
            return access
    return None
