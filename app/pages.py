"""The one page for people: what this address is, and where to look. Plain HTML with no script."""

import base64
import hashlib
from html import escape

STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem}button{font:inherit;padding:.5rem 1rem}"
    "h1,li,dd,p{overflow-wrap:anywhere}a:focus-visible,.scroll:focus-visible{outline:2px solid;outline-offset:2px}"
    "table{border-collapse:collapse}th,td{padding:.25rem .75rem .25rem 0;text-align:left;border-bottom:1px solid #8884}"
    "tbody th{font-weight:normal}td{font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".scroll{overflow-x:auto}pre{padding:.75rem;border:1px solid #8884;border-radius:.25rem}"
    "dl{display:grid;grid-template-columns:fit-content(9rem) 1fr;gap:.25rem 1rem}dd{margin:0}"
    ".verdict,.note{padding:.5rem .75rem;border-left:.25rem solid #8888}.verdict.success{border-color:#1a7f37}"
    ".verdict.failure{border-color:#cf222e}.verdict.action_required,.note{border-color:#bf8700}"
    ".chart{min-width:36rem;max-width:100%;height:auto}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def security_headers(*, form_action: str = "'none'", images: str = "'none'") -> dict[str, str]:
    """For every HTML page: no script, no frame, no style but ours, forms and images only where these say."""
    return {
        "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src {images}; "
        "base-uri 'none'; "
        f"frame-ancestors 'none'; form-action {form_action}",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


CHART_HEADERS = {
    # Opened by itself an SVG is a document: it may style itself and nothing else, in an origin of its own.
    "content-type": "image/svg+xml; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def page(title: str, content: str) -> str:
    """A whole document. `content` is HTML of ours; what comes from elsewhere in it must be escaped already."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )


def not_found(text: str) -> str:
    return page("Not found", f'<p>{escape(text)}</p><p><a href="/">Forgehand</a></p>')


def home(app_url: str | None) -> str:
    """`app_url`: the page of our GitHub App, where it is installed on repositories."""
    link = f'<a href="{escape(app_url)}">{escape(app_url)}</a>' if app_url else ""
    install = f"<p>Install it on a repository: {link}. Then assign it an issue.</p>" if link else ""
    return page(
        "Forgehand",
        "<p>A software engineer you assign an issue to. It works in a machine of its own, proves its change and opens "
        f"a pull request. GitHub sends its webhooks to this address.</p>{install}"
        "<h2>State of this service</h2><ul>"
        '<li><a href="/healthz">Is the process alive?</a></li>'
        '<li><a href="/readyz">Can it take deliveries in, and if not, what is wrong?</a></li>'
        '<li><a href="/metrics">Figures, for Prometheus</a></li></ul>',
    )
