"""Empire (2018-2020): the AlphaBay-like script; prices are shown in the viewer's currency, so USD and EUR both occur."""

from torwatch.parserkit.engines import empire

MARKET = empire.market(
    "empire", title="Empire Market", signs=("title:Empire Market", "text:Welcome to Empire Market"), opened="2018-02", closed="2020-08"
)
parse = empire.Engine().parse
