"""The pages that stand in for a market's own: queue, captcha, login, ban, maintenance, seizure, phishing check."""

from __future__ import annotations

QUEUE = (
    '<html><head><title>{name}: queue</title><meta http-equiv="refresh" content="5"></head>'
    "<body><p>You are in the queue. Your place is {place}. This page refreshes by itself.</p></body></html>"
)
CAPTCHA = (
    "<html><head><title>{name}: DDoS protection</title></head><body><h1>DDoS protection</h1><p>Enter the code below to go on.</p>"
    '<form method="post"><input type="hidden" name="t" value="{nonce}">'
    '<input name="c1" maxlength="1"><input name="c2" maxlength="1"><input name="c3" maxlength="1"><input name="c4" maxlength="1">'
    '<input name="c5" maxlength="1"><input name="c6" maxlength="1"><img src="/captcha.png" alt="captcha"><button>Enter</button></form></body></html>'
)
LOGIN = (
    '<html><head><title>{name}: login</title></head><body><form action="/login" method="post"><h2>Login</h2>'
    '<label>Username</label><input name="f{nonce}"><label>Password</label><input type="password" name="p{nonce}">'
    '<button>Sign in</button></form><p>No account yet? <a href="/register">Register</a></p></body></html>'
)
MAINTENANCE = (
    "<html><head><title>{name}: maintenance</title></head><body><h1>Under maintenance</h1>"
    "<p>The site is down for maintenance. We will be back soon.</p></body></html>"
)
SEIZED = (
    "<html><head><title>THIS HIDDEN SITE HAS BEEN SEIZED</title></head><body><h1>THIS HIDDEN SITE HAS BEEN SEIZED</h1>"
    "<p>This domain has been seized in a simulation of a law enforcement action.</p></body></html>"
)
BANNED = (
    "<html><head><title>{name}: banned</title></head><body><h1>You have been banned</h1>"
    "<p>Too many requests: your session is banned. 3rd and last strike.</p></body></html>"
)
PHISHING_CHECK = (
    "<html><head><title>{name}: anti-phishing</title></head><body><h1>Anti-phishing check</h1>"
    "<p>Enter the 6 missing characters of the address of this site.</p>"
    '<form method="post"><input type="hidden" name="t" value="{nonce}"><input name="missing" maxlength="6"></form></body></html>'
)


def gate_page(template: str, *, name: str, nonce: str, serial: int) -> str:
    """One of the pages above, dressed for a market and a request."""
    return template.format(name=name, nonce=nonce, place=serial % 400 + 1)
