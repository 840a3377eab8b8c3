"""The yardstick: lxml and XPath compiled by hand, for the fields of a listing, and nothing else: no gate, no check, no link sorted, no sandbox.

Each market: (what a row is, {field: XPath relative to it}); a page without a row is read as one listing by the second table.
"""

from __future__ import annotations

from lxml import etree

PAGE_LINKS = etree.XPath("//a/@href", smart_strings=False)


def has(name):
    return f"contains(concat(' ', @class, ' '), ' {name} ')"


ROWS = {
    "empire": (
        "//div[@class='col-1search']",
        {
            "path": "string(.//div[@class='head']/a/@href)",
            "title": "normalize-space(.//div[@class='head']/a)",
            "vendor": "normalize-space(.//p[@class='padp']//a)",
            "category": "normalize-space(.//div[@class='head']/p[1]/text()[1])",
            "views": "normalize-space(.//div[@class='head']/b[.='Views:']/following-sibling::text()[1])",
            "sales": "normalize-space(.//div[@class='head']/b[.='Sales:']/following-sibling::text()[1])",
            "stock_raw": "normalize-space(.//div[@class='head']/b[.='Quantity left:']/following-sibling::text()[1])",
            "price_raw": f"normalize-space(.//div[{has('col-1right')}]//p[{has('bold')}])",
        },
    ),
    "whitehouse": (
        f"//div[{has('listinglist')}]",
        {
            "path": "string(.//a[contains(@href, 'action=show')]/@href)",
            "title": "normalize-space(.//a[contains(@href, 'action=show')][not(contains(@class, 'btn'))][normalize-space(.)])",
            "vendor": "normalize-space(.//a[contains(@href, 'userinfo?')][not(contains(@class, 'btn'))][normalize-space(.)])",
            "category": "normalize-space(.//a[contains(@href, 'welcome?sc=') or contains(@href, 'welcome?c=')])",
            "price_raw": "normalize-space(.//strong)",
            "ship_from_raw": "normalize-space(.//text()[starts-with(normalize-space(.), 'Ships from:')])",
            "ship_to_raw": "normalize-space(.//text()[starts-with(normalize-space(.), 'Ships to:')])",
            "escrow_raw": f"normalize-space(.//*[{has('label')}][contains(., 'listing')])",
            "stock_raw": f"normalize-space(.//*[{has('label')}][contains(., 'stock')])",
        },
    ),
    "cypher": (
        f"//div[{has('card')}][.//a[contains(@href, '/product/')][h4]]",
        {
            "path": "string(.//a[contains(@href, '/product/')]/@href)",
            "title": "normalize-space(.//a[contains(@href, '/product/')]/h4)",
            "vendor": "normalize-space(.//a[contains(@href, '/vendor/')][normalize-space(.)])",
            "vendor_key": "string(.//a[contains(@href, '/vendor/')]/@href)",
            "price_raw": "normalize-space(.//p[starts-with(normalize-space(.), 'From:')]/strong)",
            "category": "normalize-space(.//p[starts-with(normalize-space(.), 'From:')]/strong/following-sibling::text()[1])",
            "ship_from_raw": "normalize-space(.//p[starts-with(normalize-space(.), 'Ships from')]/strong)",
            "escrow_raw": f"normalize-space(.//span[{has('badge')}][contains(., 'scrow')])",
            "listing_type": f"normalize-space(.//span[{has('badge')}][contains(., 'hysical') or contains(., 'igital')])",
            "stock_raw": "normalize-space(.//strong[starts-with(normalize-space(following-sibling::text()[1]), 'left')])",
        },
    ),
    "yellow_brick": (
        "//div[@id='listing']",
        {
            "path": "string(.//a[contains(@href, 'listing=')]/@href)",
            "title": "normalize-space(.//a[contains(@href, 'listing=')][not(contains(@class, 'button'))][normalize-space(.)])",
            "vendor": "normalize-space(.//a[contains(@href, 'profile=')][normalize-space(.)])",
            "category": "normalize-space(.//a[contains(@href, 'cat=')])",
            "price_raw": "normalize-space(.//text()[starts-with(normalize-space(.), 'Price:')]/following-sibling::b[1])",
            "ship_from_raw": "normalize-space(.//*[@id='ah_ships' or @id='tag_ships']/text()[1])",
            "stock_raw": "normalize-space(.//div[@id='listinginfo'][contains(., 'tock')])",
            "escrow_raw": "normalize-space(.//div[@id='listinginfo'][contains(., 'scrow')])",
            "vendor_level": "normalize-space(.//*[@id='tag_level'])",
            "vendor_score": "normalize-space(.//*[@id='tag_score'])",
        },
    ),
    "hansa": (
        "//div[contains(@class, 'row-item')]",
        {
            "path": "string(.//div[contains(@class, 'item-details')]//a/@href)",
            "title": "normalize-space(.//div[contains(@class, 'item-details')]//a)",
            "vendor": "normalize-space(.//div[contains(@class, 'user-details')]//a)",
            "vendor_level": "normalize-space(.//div[contains(@class, 'user-details')]//span[contains(@class, 'label')])",
            "price_raw": "normalize-space(.//div[contains(@class, 'listing-price')]//strong)",
            "ship_from_raw": "normalize-space(.//small[starts-with(normalize-space(.), 'Ships from:')])",
            "listing_type": "string(.//span[contains(@title, ' Good')]/@title)",
            "views": "normalize-space(.//small[starts-with(normalize-space(.), 'Views:')])",
        },
    ),
    "cryptonia": (
        "//tr[td//a[contains(concat(' ', @class, ' '), ' growlink ')]]",
        {
            "path": f"string(.//a[{has('growlink')}]/@href)",
            "title": f"normalize-space(.//a[{has('growlink')}])",
            "vendor": f"normalize-space(.//td[{has('vendor')}]//a[contains(@href, '/user/')])",
            "vendor_level": f"normalize-space(.//td[{has('vendor')}]//div[{has('verified')}])",
            "price_raw": f"normalize-space(.//td[{has('price')}]//span[{has('listprice')}])",
            "ship_from_raw": f"normalize-space(.//td[{has('product')}]//span[contains(., '\u2192')])",
            "escrow_raw": f"normalize-space(.//td[{has('product')}]//span[{has('verified')}])",
        },
    ),
    "dream": (
        "//div[@class='shopItem']",
        {
            "path": "string(.//*[@class='oTitle']//a/@href)",
            "title": "normalize-space(.//*[@class='oTitle']//a)",
            "vendor": "normalize-space(.//*[@class='oVendor']//a[contains(@href, 'contactMember')])",
            "price_raw": "normalize-space(.//*[@class='oPrice'])",
            "escrow_raw": "normalize-space(.//*[@class='escrowInfo'])",
            "ship_from_raw": "normalize-space(.//*[@class='oShips']//*[@class='osBod'])",
        },
    ),
}
ONE = {
    "empire": {
        "title": "normalize-space(//div[@class='listDes']/h2)",
        "vendor": "normalize-space(//*[@id='desc_prod']/following-sibling::p//a[contains(@href, '/u/')])",
        "category": "normalize-space(//div[@class='sub_head_inner_header'])",
        "price_raw": "normalize-space(//div[@class='listDes']//form//p[contains(., 'Purchase price')])",
        "sales": "normalize-space(//*[@id='desc_prod']/following-sibling::p/span)",
        "levels": f"normalize-space(//div[@class='listDes']//span[{has('levelSet')}])",
        "ship_from_raw": "normalize-space(//table[contains(@class, 'productTbl')]//th[contains(., 'Origin Country')]/following-sibling::td[1])",
        "ship_to_raw": "normalize-space(//table[contains(@class, 'productTbl')]//th[contains(., 'Ships to')]/following-sibling::td[1])",
        "escrow_raw": "normalize-space(//table[contains(@class, 'productTbl')]//th[contains(., 'Payment')]/following-sibling::td[1])",
        "stock_raw": "normalize-space(//table[contains(@class, 'productTbl')]//th[contains(., 'Quantity Left')]/following-sibling::td[1])",
        "description": "string(//p[@id='desc_prod'])",
    },
    "hansa": {
        "title": "normalize-space(//h2)",
        "vendor": "normalize-space(//table[contains(@class, 'no-border')]//td//a)",
        "category": "normalize-space(//ol[@class='breadcrumb'])",
        "price_raw": "normalize-space(//div[contains(@class, 'listing-price')]//strong)",
        "stock_raw": "normalize-space(//div[contains(@class, 'listing-stock')])",
        "ship_from_raw": "normalize-space(//table//td[normalize-space(.)='Ships From']/following-sibling::td[1])",
        "ship_to_raw": "normalize-space(//table//td[normalize-space(.)='Ships To']/following-sibling::td[1])",
        "listing_type": "normalize-space(//table//td[normalize-space(.)='Class']/following-sibling::td[1])",
        "sales": "normalize-space(//table[contains(@class, 'no-border')]//em)",
        "description": "string(//ul[contains(@class, 'nav-tabs')]/..)",
    },
    "cryptonia": {
        "title": "normalize-space(//div[@class='mainarea_inner']/h2)",
        "vendor": f"normalize-space(//div[{has('product_data')}]//a[contains(@href, '/user/')])",
        "category": f"normalize-space(//div[{has('product_data')}][contains(label, 'Category')])",
        "price_raw": f"normalize-space(//div[{has('product_data')}][contains(label, 'Price')]/span[1])",
        "ship_from_raw": f"normalize-space(//div[{has('product_data')}][contains(label, 'Ships from')])",
        "stock_raw": f"normalize-space(//div[{has('product_data')}][contains(label, 'In stock')])",
        "escrow_raw": f"normalize-space(//div[{has('product_data')}][contains(label, 'FE or Escrow')])",
        "description": "string(//*[@id='general_div'])",
    },
    "dream": {
        "title": "normalize-space(//div[@class='viewProduct']/div[@class='title'])",
        "vendor": "normalize-space(//div[@class='viewProduct']//a[contains(@href, 'contactMember?member=')])",
        "price_raw": "normalize-space(//div[@class='tabularDetails']//label[.='Price']/following-sibling::*[1])",
        "ship_from_raw": "normalize-space(//div[@class='tabularDetails']//label[.='Ships from']/following-sibling::*[1])",
        "ship_to_raw": "normalize-space(//div[@class='tabularDetails']//label[.='Ships to']/following-sibling::*[1])",
        "escrow_raw": "normalize-space(//div[@class='tabularDetails']//label[.='Escrow']/following-sibling::*[1])",
        "category": f"normalize-space(//div[@class='sidebar']/div[{has('selected')}])",
        "description": "string(//*[@id='offerDescription'])",
    },
}


def compile_bare(market):
    """A function of the bytes of a page: the listings as dictionaries, and the links."""
    row, fields = ROWS[market]
    find_rows = etree.XPath(row)
    row_fields = [(name, etree.XPath(expression, smart_strings=False)) for name, expression in fields.items()]
    one_fields = [(name, etree.XPath(expression, smart_strings=False)) for name, expression in ONE.get(market, {}).items()]

    def read(body):
        root = etree.fromstring(body, etree.HTMLParser(encoding="utf-8"))
        found = [{name: xpath(node) for name, xpath in row_fields} for node in find_rows(root)]
        return found or [{name: xpath(root) for name, xpath in one_fields}], PAGE_LINKS(root)

    return read
