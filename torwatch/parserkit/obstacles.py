"""Obstacles: what a page is when it is not what was asked for, declared by markets or recognised on any market.

A generic rule must never match an ordinary page (pages quote one another, and decoy texts exist): rules by text look at the title or at
pages with little visible text only, and none is asked once the page has the shape of a listing, an index, a vendor or feedback page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.model import Outcome
from torwatch.parserkit.selectors import find_first

if TYPE_CHECKING:
    from torwatch.parserkit.page import Page

SMALL_TEXT = 2000  # characters of visible text; the gates of the corpus have 60 to 1,600, ordinary pages more than 2,500
REFRESH_TEXT = 300  # a page that only sends on says almost nothing


class Obstacle(Exception):  # noqa: N818 - it is a result of a visit, not an error
    """The page is not what was asked for; `outcome` says what it is instead."""

    def __init__(self, outcome: Outcome, reason: str = "") -> None:
        super().__init__(reason or outcome.value)
        self.outcome = outcome
        self.reason = reason or outcome.value


class LayoutChanged(Obstacle):
    """The page is of the right kind but not of the shape that the parser knows: never "0 listings"."""

    def __init__(self, why: str) -> None:
        super().__init__(Outcome.LAYOUT_CHANGED, why)


@dataclass(frozen=True, slots=True)
class ObstacleRule:
    """One way to tell an obstacle: every condition given must hold."""

    outcome: Outcome
    text: tuple[str, ...] = ()  # any of these in the visible text, case ignored
    title: str = ""  # regular expression on <title>
    pattern: str = ""  # regular expression on the visible text, case ignored
    selector: str = ""  # something matches
    max_bytes: int | None = None
    max_text: int | None = None  # characters of visible text
    over_content: bool = False  # asked also where the page has the shape of a content page
    reason: str = ""

    def matches(self, page: Page) -> bool:
        """Say whether the page is this obstacle; the cheap conditions are asked first."""
        if self.max_bytes is not None and page.size_bytes > self.max_bytes:
            return False
        if self.max_text is not None and not page.is_small(self.max_text):
            return False
        if self.title and not re.search(self.title, page.title, re.IGNORECASE):
            return False
        if self.selector and find_first(page.root, self.selector) is None:
            return False
        if self.pattern and not re.search(self.pattern, page.visible, re.IGNORECASE):
            return False
        return not self.text or any(wanted in page.visible_folded for wanted in self.text)

    def raise_for(self, page: Page) -> None:
        """Raise Obstacle when the page is this obstacle."""
        if self.matches(page):
            raise Obstacle(
                self.outcome,
                self.reason or next((t for t in self.text if t in page.visible_folded), self.title or self.pattern or self.selector),
            )


def obstacle(
    kind: str,
    *,
    text: str | tuple[str, ...] = (),
    title: str = "",
    pattern: str = "",
    selector: str = "",
    max_bytes: int | None = None,
    max_text: int | None = None,
    over_content: bool = False,
    reason: str = "",
) -> ObstacleRule:
    """Declare an obstacle of a market.

    `kind` is one of login, captcha, queue, banned, maintenance, seized, phishing_check, gone. Give at least one condition; all given must hold.
    `over_content`: ask also where the page has the shape of a listing, index, vendor or feedback page (a market that shows its ban above them).
    """
    texts = (text,) if isinstance(text, str) else text
    return ObstacleRule(
        Outcome(kind),
        tuple(" ".join(t.split()).casefold() for t in texts),
        title,
        pattern,
        selector,
        max_bytes,
        max_text,
        over_content,
        reason,
    )


LOGGED_OUT = (
    "[not(//a[contains(translate(@href, 'LOGUTSIN-_', 'logutsin'), 'logout') or contains(translate(@href, 'LOGUTSIN-_', 'logutsin'), 'signout')])]"
    "[not(//form[contains(translate(@action, 'LOGUTSIN-_', 'logutsin'), 'logout')])]"
)
LOGIN_FORM = f".//form[count(.//input[@type='password']) = 1 and .//input[not(@type) or @type='text' or @type='email']]{LOGGED_OUT}"
FIELD = ".//input[not(@type) or @type='text']"
REFRESH = ".//meta[translate(@http-equiv, 'REFSH', 'refsh') = 'refresh']"
ASKING = (
    # What still asks to be solved is that, whatever its title ("Checking your browser") or its error line ("Maximum Strikes reached!") says.
    obstacle("phishing_check", title=r"anti.?phishing", selector="form input", max_text=SMALL_TEXT),
    obstacle("phishing_check", text=("link in the image matches", "complete the onion address"), max_text=SMALL_TEXT, selector="form"),
    obstacle("phishing_check", pattern=r"enter the \d+ missing\b.{0,12} characters", max_text=SMALL_TEXT, selector="form input"),
    obstacle("captcha", selector=".//input[@name='c1'][//input[@name='c2'] and //input[@name='c3']]", reason="one-character inputs c1, c2, c3 …"),
    obstacle("captcha", selector=".//*[(self::input or self::select) and @name='cap1'][//*[(self::input or self::select) and @name='cap2']]", reason="inputs cap1, cap2 …"),
)  # fmt: skip
GENERIC = (
    obstacle("banned", text=("maximum strikes reached", "your ip has been banned", "you have been banned", "your account has been banned"), max_text=SMALL_TEXT),
    obstacle("banned", pattern=r"\bthis is your:? \S{1,6}(?: and last)? strike\b", max_text=SMALL_TEXT),
    obstacle("seized", text=("this hidden site has been seized", "this hidden service has been seized", "this domain has been seized", "this website has been seized"), max_text=SMALL_TEXT),
    obstacle("seized", title=r"\bhas been seized\b", max_text=SMALL_TEXT),
    obstacle("captcha", title=r"ddos.{0,40}(?:protection|challenge)|captcha", selector="input[type=text], img, input[type=radio], input[type=checkbox]", max_text=SMALL_TEXT),
    obstacle("login", selector=LOGIN_FORM, max_text=SMALL_TEXT, reason="a form with one password field, and no way to log out"),
    obstacle("login", title=r"^\W*(?:log|sign)[ -]?in\b|\b(?:log|sign)[ -]?in\W*$", selector=f".//input[@type='password']{LOGGED_OUT}", max_text=4 * SMALL_TEXT),
    obstacle("captcha", selector="form input[name*=captcha], form input[name*=CAPTCHA], form input[id*=captcha]", max_text=SMALL_TEXT, reason="a captcha field"),
    obstacle(
        "captcha",
        text=("enter the characters", "type the text you see", "type the characters you see", "solve the captcha", "prove you are human", "prove that you are human", "not a robot", "ddos protection"),
        max_text=SMALL_TEXT,
        selector=".//form//input[not(@type) or contains(' text radio checkbox image submit ', concat(' ', @type, ' '))]",
    ),
    obstacle("captcha", selector=f".//form[.//img and {FIELD} and count({FIELD}) < 10 and not(.//input[@type='password'])][count(//a[@href]) < 10]", max_text=600, reason="a small page with a picture and a field"),
    obstacle("queue", selector=REFRESH, max_text=REFRESH_TEXT, max_bytes=8000, reason="a page that only sends on"),
    obstacle("queue", text=("checking your browser", "you are in a queue", "you have been placed in a queue", "place in the queue", "estimated wait"), max_text=SMALL_TEXT),
    obstacle("maintenance", text=("under maintenance", "down for maintenance", "scheduled maintenance", "be back soon", "be back shortly"), max_text=600),
    obstacle("maintenance", title=r"\bmaintenance\b", max_text=SMALL_TEXT),
    obstacle("http_error", title=r"^\W*(?:50\d\b|(?:internal )?server error|bad gateway|service unavailable|gateway time-?out)|\b50\d\W*$", max_text=SMALL_TEXT),
    obstacle("gone", title=r"^\W*404\b|[-|:\u2013]\W*(?:404|(?:page )?not found)\W*$|^\W*(?:page )?not found\W*$|\b404 not found\b|page not found", max_text=4 * SMALL_TEXT),
    obstacle("gone", selector=".//h1[normalize-space(.)='404' or contains(., '404 Not Found') or normalize-space(.)='Not Found' or contains(., 'Page not found')]", max_text=SMALL_TEXT),
)  # fmt: skip


def find_obstacle(page: Page, declared: tuple[ObstacleRule, ...], *, content: bool) -> None:
    """Raise Obstacle for the first rule that matches: fields that ask to be filled in (`ASKING`), then the market's own, then those of any market.

    `content`: the page has the shape of a content page, so only rules marked `over_content` are asked.
    """
    rules = (rule for rule in declared if rule.over_content) if content else (*ASKING, *declared, *GENERIC)
    for rule in rules:
        rule.raise_for(page)
