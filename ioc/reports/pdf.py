"""HTML to PDF by WeasyPrint, with our own fonts; it reads those fonts and nothing else.

WeasyPrint needs Pango from the system, so it is imported when the first report is asked for: a
centre without Pango runs, and says in one line what its reports lack.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Final

from ioc.domain.errors import Refusal
from ioc.text import say

# Pango's font maps are not made for several threads, and a report takes a core for a second or two.
_ONE_AT_A_TIME: Final = Lock()
# family -> (file, letters); one family each, see ioc.reports.page
_FAMILIES: Final = {
    "IOC Digits": ("ibm-plex-sans-latin", "U+0030-0039"),  # all of one width
    "IOC Latin": (
        "be-vietnam-pro-latin",
        "U+0020-002F,U+003A-00FF,U+2010-2027,U+2030-205E,U+20AC,U+2122,U+2212",
    ),
    "IOC Latin Extended": (
        "be-vietnam-pro-latin-ext",
        "U+0100-0101,U+0104-010F,U+0112-0127,U+012A-0167,U+016A-019F",
    ),
    "IOC Vietnamese": (
        "be-vietnam-pro-vietnamese",
        (
            "U+0102-0103,U+0110-0111,U+0128-0129,U+0168-0169,U+01A0-01A1,U+01AF-01B0,"
            "U+0300-0301,U+0303-0304,U+0308-0309,U+0323,U+0329,U+1EA0-1EF9,U+20AB"
        ),
    ),
}


class RendererMissingError(Refusal):
    """PDF cannot be made on this machine; the message names the remedy."""


def render(html: str, assets: Path) -> bytes:
    """Return the PDF of a document; takes a second or two. Raises RendererMissingError.

    `assets` is the folder with the product's fonts. Anything else the document refers to, in the
    file system or the network, is not fetched.
    """
    with _ONE_AT_A_TIME:
        weasyprint = _load()
        fonts = (assets / "vendor" / "fonts").resolve()
        fetch = _fetcher(weasyprint, fonts)
        configuration = weasyprint.text.fonts.FontConfiguration()
        sheet = weasyprint.CSS(
            string=_faces(fonts), font_config=configuration, url_fetcher=fetch, base_url=None
        )
        document = weasyprint.HTML(string=html, url_fetcher=fetch, base_url=None)
        made: bytes = document.write_pdf(stylesheets=[sheet], font_config=configuration)
    return made


def _load() -> Any:  # noqa: ANN401  an untyped package
    try:
        import weasyprint  # noqa: PLC0415  needs Pango, which not every machine has
        import weasyprint.text.fonts  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise RendererMissingError(say("reports.no_renderer", reason=_first_line(error))) from error
    return weasyprint


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _fetcher(weasyprint: Any, fonts: Path) -> Any:  # noqa: ANN401  an untyped package
    base: Any = weasyprint.urls.URLFetcher

    class Fonts(base):  # type: ignore[misc]
        """Fetches files of one folder."""

        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ANN401
            if url.rpartition("/")[0] != fonts.as_uri():
                raise ValueError(f"not a font of ours: {url}")
            return super().fetch(url, headers)

    return Fonts(allowed_protocols={"file"})


def _faces(fonts: Path) -> str:
    return "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};'
        f'src:url("{(fonts / f"{file}-{weight}.woff2").as_uri()}") format("woff2");'
        f"unicode-range:{letters}}}"
        for family, (file, letters) in _FAMILIES.items()
        for weight in (400, 600)
    )
