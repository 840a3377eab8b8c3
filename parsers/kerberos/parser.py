"""Kerberos: only its gates and strike pages are known; whatever else comes is `layout_changed`, never "0 listings"."""

from collections.abc import Iterator

from torwatch.parserkit import Evidence, KindSpec, LayoutChanged, Market, Page, PageKind, Record, obstacle

UNSEEN = KindSpec(evidence=Evidence.GATE_ONLY)
MARKET = Market(
    "kerberos",
    title="Kerberos Marketplace",
    aliases=("Kerberos Market", "Kerberos Guardian"),
    specs=dict.fromkeys((PageKind.LISTING_INDEX, PageKind.LISTING, PageKind.VENDOR, PageKind.FEEDBACK), UNSEEN),
    obstacles=(
        # The protection page may carry "Maximum Strikes reached!" as an error line: it still asks to be solved.
        obstacle("captcha", selector="form.ddos_form, select[name=cap1], input[name=cap1]", reason="two-factor DDoS protection"),
        obstacle("captcha", text="ddos 2-factor-protection", max_text=2000),
        obstacle("banned", title="Kerberos Guardian", pattern=r"\bstrikes?\b", max_text=2000),
        obstacle("banned", selector=".security-breach", max_text=2000),
    ),
    signs=("title:Kerberos", "form.ddos_form", "meta[name=copyright][content^=Kerberos]"),
)


def parse(page: Page) -> Iterator[Record]:
    raise LayoutChanged(f"of this market only the gates and strike pages are known, and this {page.kind} page is none of them")
