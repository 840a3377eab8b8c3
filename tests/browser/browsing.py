"""What a browser sees of pages: opened one after another in a process of its own, with a picture of each and a measure of its charts.

Run as a script: Chromium, folder of the pictures, then as JSON a list of [address, width in pixels, name of the picture].
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# Of each chart that is shown: marks drawn, texts that lie over one another, and texts that are cut off. Slanted labels are left out of the
# comparison: their upright frames overlap where the letters do not.
MEASURE = """() => [...document.querySelectorAll('svg.marks, figure svg')]
  .filter(svg => svg.getClientRects().length).map(svg => {
    const frame = svg.getBoundingClientRect(), page = document.documentElement.clientWidth
    const texts = [...svg.querySelectorAll('text')].filter(text => {
      const turned = /rotate\\((-?[\\d.]+)/.exec(text.getAttribute('transform') || '')
      return text.textContent.trim() && getComputedStyle(text).opacity !== '0' && (!turned || turned[1] % 90 === 0)
    }).map(text => [text.textContent, text.getBoundingClientRect()])
    const over = [], cut = []
    texts.forEach(([said, box], at) => {
      if (box.left < Math.max(0, frame.left - 12) || box.right > Math.min(page, frame.right + 12) || box.top < frame.top - 2
          || box.bottom > frame.bottom + 2) cut.push(said)
      texts.slice(at + 1).forEach(([other, its]) => {
        const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left)
        const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top)
        if (wide > 1 && high > 2.5) over.push(said + ' | ' + other)
      })
    })
    const marks = [...svg.querySelectorAll('.role-mark > *')].filter(mark => mark.getBoundingClientRect().width > 0).length
    return {id: (svg.closest('[id]') || svg).id, marks, texts: texts.length, over, cut}
  })"""


def browse(chromium, folder, pages):
    """Open (address, width, name) one after another; what the browser saw: errors, hosts, and by name status, title, rows, width and charts."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, chromium, str(folder), json.dumps(pages)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def look(chromium, folder, pages):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - needed in the process of the browser only

    seen = {"errors": [], "hosts": [], "pages": {}}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: seen["errors"].append(str(error)))
        page.on("console", lambda said: seen["errors"].append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: seen["hosts"].append(request.url.split("/")[2]))
        for address, width, name in pages:
            page.set_viewport_size({"width": width, "height": 900})
            answer = page.goto(address, wait_until="load")
            frames = page.locator(".dashboard-card-chart, .chart-container")
            for number in range(frames.count()):
                frames.nth(number).locator("svg.marks").wait_for(timeout=60_000)
            seen["pages"][name] = {
                "status": answer.status,
                "title": page.title(),
                "rows": page.locator("table.rows-and-columns tbody tr").count(),
                "width": page.evaluate("document.documentElement.scrollWidth"),
                "frames": frames.count(),
                "charts": page.evaluate(MEASURE),
            }
            page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
            if address.startswith("file:") and not name.endswith("-narrow"):
                page.pdf(path=str(Path(folder) / f"{name}.pdf"), prefer_css_page_size=True)
        browser.close()
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))
