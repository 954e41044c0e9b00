"""What code itself shows: which files are product code and which are tests, logging in the one, whole-program tests in
the other. Read by patterns, a bounded number of files, the outermost first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from codebase.languages import count_languages, language_of
from codebase.readiness.assessment import Sign
from codebase.source import Evidence, Source

MOST_FILES = 400
_TEST_PARTS = frozenset(
    {"test", "tests", "spec", "specs", "__tests__", "testing", "e2e", "it", "integration", "features"}
)
_ASIDE = frozenset(
    {"docs", "doc", "examples", "example", "samples", "playground", "benchmarks", "benches", "fuzz", "fixtures", "demo"}
    | {"ci", "bench", "asv_bench", "packaging", "vendor", "third_party", "node_modules", "website", "scripts", "tools"}
)
_TEST_NAME = re.compile(
    r"(?s)"
    r"(test_.*|.*_test|.*_tests|tests?|conftest|.*_spec|.*[.-](test|spec|e2e|cy)|.*(Test|Tests|TestCase|IT|Spec|Specs)"
    r"|Test[A-Z].*|unit-.*|.*_unittest)\Z"
)


def is_test(path: str) -> bool:
    """Whether a path is one of tests, by the habits of its language. Pure."""
    pure = PurePosixPath(path)
    inside = _TEST_PARTS.intersection(part.lower() for part in pure.parts[:-1])
    dotted = any(re.search(r"\.(Unit|Integration|Functional|Approval)?Tests?\Z", part) for part in pure.parts[:-1])
    if pure.suffix == ".py":
        return bool(inside) or bool(re.match(r"(test_.*|.*_test|tests|conftest)\Z", pure.stem, re.S))
    return bool(inside) or dotted or (has_test_name(path) and "src/main/" not in path)


def has_test_name(path: str) -> bool:
    """Whether a file's own name says that it holds tests. Pure."""
    stem = PurePosixPath(path).stem
    return bool(_TEST_NAME.match(stem)) and stem not in ("conftest", "module-info") and "config" not in stem


def product_paths(paths: Iterable[str]) -> list[str]:
    """The paths that are neither of tests nor of documentation, examples, tools and other people. Pure."""
    return [path for path in paths if not is_test(path) and not _ASIDE & set(path.split("/")[:-1])]


def product_files(paths: Iterable[str], languages: frozenset[str]) -> list[str]:
    """The files of the product in these languages, the outermost first, no more than MOST_FILES."""
    chosen = product_paths(_of(paths, languages))
    return sorted(chosen, key=lambda path: (path.count("/"), path))[:MOST_FILES]


def test_files(paths: Iterable[str], languages: frozenset[str]) -> list[str]:
    """The files of tests in these languages, the outermost first."""
    others = {"vendor", "node_modules", "docs", "doc", "examples", "example", "website", "bench"}
    chosen = [path for path in _of(paths, languages) if is_test(path) and not others & set(path.split("/"))]
    return sorted(chosen, key=lambda path: (path.count("/"), path))


def _of(paths: Iterable[str], languages: frozenset[str]) -> Iterator[str]:
    return (path for path in paths if language_of(path) in languages)


_CONFIGURATION = re.compile(
    r"(?i).*\.(toml|cfg|ini|ya?ml|json|json5|props|csproj|gradle|kts|mk|sh|ps1)\Z|(.*/)?(Makefile|Rakefile|Gemfile|justfile|pom\.xml"
    r"|Jenkinsfile|CODEOWNERS|noxfile\.py|README[^/]*|AGENTS\.md|CLAUDE\.md|CONTRIBUTING\.md|eslint\.config\.\w+)\Z"
)


def files_to_read(paths: Iterable[str]) -> list[str]:
    """What a report is likely to look into, so that a caller can fetch it in one go. Pure."""
    known = list(paths)
    counts = count_languages(known)
    languages = frozenset(list(counts)[:4])
    near = [path for path in known if path.count("/") <= 3 and _CONFIGURATION.match(path)][: 4 * MOST_FILES]
    return near + product_files(known, languages) + test_files(known, languages)[:MOST_FILES]


# Language -> a pattern with a place for the names, and the names: of libraries that log, measure or trace.
_LOGGING: dict[str, tuple[str, str]] = {
    "Python": (
        r"^\s*(?:import|from)\s+((?:NAMES)\b[\w.]*)",
        "logging structlog loguru sentry_sdk opentelemetry prometheus_client statsd ddtrace "
        "logfire logbook eliot newrelic",
    ),
    "JavaScript": (
        r"(?:require\(|from\s+|import\s+)['\"](NAMES)['\"]",
        "debug winston pino bunyan log4js morgan loglevel consola signale roarr obug @opentelemetry/[\\w-]+ "
        "@sentry/[\\w-]+ prom-client dd-trace (?:node:)?diagnostics_channel",
    ),
    "Go": (
        r"^\s*(?:import\s+)?(?:\w+\s+)?\"(NAMES)\"",
        "log log/slog go[.]uber[.]org/zap github[.]com/sirupsen/logrus github[.]com/rs/zerolog[\\w/]* "
        "go[.]opentelemetry[.]io/[\\w/]+ github[.]com/prometheus/client_golang[\\w/]* k8s[.]io/klog[\\w/]* "
        "github[.]com/go-logr/\\w+",
    ),
    "Rust": (
        r"^\s*(?:pub\s+)?use\s+(NAMES)\b|\b((?:log|tracing)::(?:trace|debug|info|warn|error)!)",
        "log tracing slog metrics opentelemetry prometheus sentry",
    ),
    "Java": (
        r"^\s*import\s+(?:static\s+)?((?:NAMES)[\w.]*)",
        "org[.]slf4j java[.]util[.]logging org[.]apache[.]logging org[.]apache[.]log4j "
        "org[.]apache[.]commons[.]logging io[.]micrometer io[.]opentelemetry io[.]sentry mu[.]",
    ),
    "Ruby": (
        r"(NAMES)",
        "require\\s+['\"]logger['\"] Logger[.]new ActiveSupport::Notifications Rails[.]logger Rack::CommonLogger "
        "Sentry[.]init OpenTelemetry::\\w+ SemanticLogger",
    ),
    "PHP": (
        r"^\s*use\s+((?:NAMES)[\w\\]*)",
        "Psr\\\\Log Monolog OpenTelemetry Sentry Illuminate\\\\Support\\\\Facades\\\\Log",
    ),
    "C#": (
        r"\b(NAMES)\b",
        "ILogger Microsoft[.]Extensions[.]Logging System[.]Diagnostics[.](?:Activity|Trace|Metrics)\\w* OpenTelemetry "
        "NLog EventSource",
    ),
    "C++": (
        r"#\s*include\s*[<\"](NAMES)[>\"]",
        "spdlog/[\\w./]+ glog/[\\w./]+ syslog[.]h boost/log/[\\w./]+ opentelemetry/[\\w./]+ "
        "absl/log/[\\w./]+ plog/[\\w./]+",
    ),
    "Elixir": (r"(NAMES)", "require\\sLogger :telemetry[.]\\w+"),
    "Swift": (r"^\s*import\s+(NAMES)\b", "os[.]log Logging OSLog"),
}
_PATTERNS = {
    language: re.compile(pattern.replace("NAMES", "|".join(names.split())), re.M)
    for language, (pattern, names) in _LOGGING.items()
}
_ALIKE = {"TypeScript": "JavaScript", "Kotlin": "Java", "Scala": "Java", "C": "C++", "CUDA": "C++"}


def logging_signs(source: Source, languages: frozenset[str]) -> list[Sign]:
    """Where product code first uses each logging, metrics or tracing library, at most four of them."""
    found: dict[str, Sign] = {}
    for path in product_files(source.paths, languages):
        name = language_of(path) or ""
        pattern = _PATTERNS.get(_ALIKE.get(name, name))
        for match in pattern.finditer(source.glance(path)) if pattern and len(found) < 4 else ():
            used = next(group for group in match.groups() if group)
            line = match.string.count("\n", 0, match.start(match.lastindex or 0)) + 1
            found.setdefault(used.split(".")[0], Sign(f"`{used}` in product code", Evidence(path, line)))
    return list(found.values())[:4]


_MEANS = """test_client[(] TestClient[(] LiveServerTestCase live_server pytest_httpbin \\bhttpbin\\b testcontainers
    TestServer testserver supertest createServer[(] playwright puppeteer cypress selenium webdriver
    httptest[.]New(?:Server|UnstartedServer|TLSServer) @SpringBootTest MockMvc @Testcontainers WireMock MockWebServer
    Rack::Test Capybara WEBrick WebApplicationFactory WebTestCase KernelTestCase http_test_server
    HTTPServer http[.]server socketserver LocalCluster gen_cluster distributed[.]utils_test mark[.]network
    subprocess[.](?:run|Popen|check_output) assert_cmd Command::cargo_bin CARGO_BIN_EXE child_process"""
_WHOLE = re.compile(f"({'|'.join(_MEANS.split())})")


def whole_program_signs(source: Source, languages: frozenset[str]) -> list[Sign]:
    """Where tests start a server, a container, a browser or the program itself: the first place of three such means."""
    found: dict[str, Sign] = {}
    for path in test_files(source.paths, languages)[:MOST_FILES]:
        match = _WHOLE.search(source.glance(path)) if len(found) < 3 else None
        if match:
            line = match.string.count("\n", 0, match.start()) + 1
            found.setdefault(match[1], Sign(f"a test works through `{match[1].rstrip('(')}`", Evidence(path, line)))
    return list(found.values())
