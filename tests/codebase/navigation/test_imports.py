"""Which file an import means, language by language."""

import pytest

from codebase.index.links import read_links
from codebase.navigation import import_graph

GRAPHS: dict[str, tuple[dict[str, str], dict[str, dict[str, int]]]] = {
    "python, absolute and relative": (
        {
            "app.py": "import pkg\nimport pkg.sub.deep\nfrom pkg import tool, name\nimport os\n",
            "pkg/__init__.py": "from .core import name\nfrom . import tool\n",
            "pkg/core.py": "from .sub.deep import *\nfrom .. import outside\n",
            "pkg/tool.py": "from pkg.core import name as other\n",
            "pkg/sub/__init__.py": "from ..tool import x\n",
            "pkg/sub/deep.py": "from ... import nothing\nimport deep\n",
        },
        {
            "app.py": {"pkg/__init__.py": 1, "pkg/sub/deep.py": 2, "pkg/tool.py": 3},
            "pkg/__init__.py": {"pkg/core.py": 1, "pkg/tool.py": 2},
            "pkg/core.py": {"pkg/sub/deep.py": 1},
            "pkg/tool.py": {"pkg/core.py": 1},
            "pkg/sub/__init__.py": {"pkg/tool.py": 1},
        },
    ),
    "python, src layout, stubs, scripts and name spaces": (
        {
            "src/lib/__init__.py": "",
            "src/lib/a.py": "def f():\n    from lib import b\n",
            "src/lib/b.pyi": "",
            "src/spaced/inner/m.py": "",
            "tests/test_a.py": "from lib.a import f\nfrom lib import b\nimport helper\nimport spaced.inner.m as m\n",
            "tests/helper.py": "import conftest\n",
            "scripts/helper.py": "",
        },
        {
            "src/lib/a.py": {"src/lib/b.pyi": 2},
            "tests/test_a.py": {
                "src/lib/a.py": 1, "src/lib/b.pyi": 2, "tests/helper.py": 3, "src/spaced/inner/m.py": 4,
            },
        },
    ),
    "python, the same package twice": (
        {
            "one/pkg/__init__.py": "", "one/pkg/a.py": "from pkg import b\n", "one/pkg/b.py": "",
            "two/pkg/__init__.py": "", "two/pkg/a.py": "from pkg import b\n", "two/pkg/b.py": "",
        },
        {"one/pkg/a.py": {"one/pkg/b.py": 1}, "two/pkg/a.py": {"two/pkg/b.py": 1}},
    ),
    "scripts, relative": (
        {
            "src/index.ts": 'import { a } from "./a.js";\nexport * from "./b";\nimport React from "react";\n',
            "src/a.ts": 'import type { B } from "./b/index";\n',
            "src/b/index.tsx": 'const late = await import("../c");\nimport "../../outside";\n'
            'import "../../../beyond";\n',
            "src/c.d.ts": "",
            "outside.mjs": 'const { x } = require("./data.json");\nimport "./style.css?inline";\n',
            "data.json": "{}",
            "style.css": "",
        },
        {
            "src/index.ts": {"src/a.ts": 1, "src/b/index.tsx": 2},
            "src/a.ts": {"src/b/index.tsx": 1},
            "src/b/index.tsx": {"src/c.d.ts": 1, "outside.mjs": 2},
            "outside.mjs": {"data.json": 1, "style.css": 2},
        },
    ),
    "scripts, tsconfig and workspace": (
        {
            "tsconfig.json": '{\n // where\n'
            ' "compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["web/*"], "core": ["lib/c"]},},\n}',
            "web/a.ts": 'import "@/b";\nimport "core";\nimport "lib/c";\nimport "@me/util";\nimport "@me/util/deep";\n',
            "web/b.ts": "",
            "lib/c.ts": 'import "https://example.org/x.js";\n',
            "packages/util/package.json": '{"name": "@me/util", "main": "dist/main.js", "source": "src/main.ts"}',
            "packages/util/src/main.ts": "",
            "packages/util/src/deep.ts": "",
        },
        {
            "web/a.ts": {
                "web/b.ts": 1, "lib/c.ts": 2, "packages/util/src/main.ts": 4, "packages/util/src/deep.ts": 5,
            },
        },
    ),
    "scripts, a tsconfig that is none": (
        {"tsconfig.json": "[1", "package.json": "null", "a.ts": 'import "b";\nimport "./b";\n', "b.ts": ""},
        {"a.ts": {"b.ts": 2}},
    ),
    "go": (
        {
            "go.mod": "module example.org/shop/v2\n\ngo 1.22\n",
            "main.go": 'package main\nimport (\n\t"fmt"\n\tc "example.org/shop/v2/cart"\n\t"example.org/shop/other"\n'
            ')\n',
            "cart/cart.go": 'package cart\nimport "example.org/shop/v2"\n',
            "cart/price.go": "package cart\n",
            "cart/cart_test.go": "package cart\n",
            "tools/go.mod": "module example.org/shop/v2/tools\n",
            "tools/t.go": "package tools\n",
            "use.go": 'package main\nimport "example.org/shop/v2/tools"\n',
        },
        {
            "main.go": {"cart/cart.go": 4, "cart/price.go": 4},
            "cart/cart.go": {"main.go": 2, "use.go": 2},
            "use.go": {"tools/t.go": 2},
        },
    ),
    "go, without its module's name": (
        {
            "main.go": 'package main\nimport (\n\t"net/http"\n\t"example.org/shop/cart"\n\t"github.com/x/http"\n)\n',
            "cart/cart.go": 'package cart\nimport "example.org/shop/http"\n',
            "http/http.go": "package http\n",
        },
        {"main.go": {"cart/cart.go": 4}, "cart/cart.go": {"http/http.go": 2}},
    ),
    "rust": (
        {
            "Cargo.toml": "[workspace]\n",
            "app/Cargo.toml": '[package]\nname = "the-app"\n',
            "app/src/main.rs": "mod parse;\nmod shapes;\nuse the_lib::deep::Thing;\n"
            "use crate::shapes::{round::Circle, *};\n"
            "use parse::Token;\nuse std::fmt;\n",
            "app/src/parse.rs": "mod lexer;\nuse self::lexer::Lexer;\nuse super::shapes;\n",
            "app/src/parse/lexer.rs": "use super::Token;\nuse super::super::shapes::round;\n",
            "app/src/shapes/mod.rs": "pub mod round;\npub use round::Circle;\n",
            "app/src/shapes/round.rs": "use crate::parse::lexer::Lexer as L;\n",
            "app/tests/all.rs": "mod common;\n",
            "app/tests/common/mod.rs": "",
            "lib/Cargo.toml": '[package]\nversion = "1"\nname = "the-lib"\n',
            "lib/src/lib.rs": "pub mod deep;\n",
            "lib/src/deep.rs": "",
        },
        {
            "app/src/main.rs": {
                "app/src/parse.rs": 1, "app/src/shapes/mod.rs": 2, "lib/src/deep.rs": 3, "app/src/shapes/round.rs": 4,
            },
            "app/src/parse.rs": {"app/src/parse/lexer.rs": 1, "app/src/shapes/mod.rs": 3},
            "app/src/parse/lexer.rs": {"app/src/parse.rs": 1, "app/src/shapes/round.rs": 2},
            "app/src/shapes/mod.rs": {"app/src/shapes/round.rs": 1},
            "app/src/shapes/round.rs": {"app/src/parse/lexer.rs": 1},
            "app/tests/all.rs": {"app/tests/common/mod.rs": 1},
            "lib/src/lib.rs": {"lib/src/deep.rs": 1},
        },
    ),
    "java": (
        {
            "src/main/java/com/a/One.java": "package com.a;\nimport com.a.b.Two;\nimport static com.a.b.Two.make;\n"
            "import java.util.List;\n",
            "src/main/java/com/a/b/Two.java": "package com.a.b;\nimport com.a.*;\n",
            "src/test/java/com/a/OneTest.java": "package com.a;\nimport com.a.One.Inner;\n",
        },
        {
            "src/main/java/com/a/One.java": {"src/main/java/com/a/b/Two.java": 2},
            "src/main/java/com/a/b/Two.java": {
                "src/main/java/com/a/One.java": 2, "src/test/java/com/a/OneTest.java": 2,
            },
            "src/test/java/com/a/OneTest.java": {"src/main/java/com/a/One.java": 2},
        },
    ),
    "c#": (
        {
            "Shop/Cart.cs": "using System;\nusing Shop.Prices;\nusing static Shop.Prices.Tax;\n"
            "namespace Shop { class Cart {} }\n",
            "Shop/Prices/Tax.cs": "using C = Shop.Cart;\nnamespace Shop.Prices;\nclass Tax {}\n",
            "Shop/Prices/Sum.cs": "namespace Shop.Prices;\nclass Sum {}\n",
        },
        {
            "Shop/Cart.cs": {"Shop/Prices/Tax.cs": 2, "Shop/Prices/Sum.cs": 2},
            "Shop/Prices/Tax.cs": {"Shop/Cart.cs": 1},
        },
    ),
    "php": (
        {
            "src/Cart.php": "<?php\nnamespace Shop;\nuse Shop\\Price\\{Tax, Sum as S};\nuse function Shop\\total;\n"
            "use Other\\X;\n",
            "src/Price/Tax.php": "<?php\nnamespace Shop\\Price;\nrequire __DIR__ . '/../functions.php';\n",
            "src/Price/Sum.php": "<?php\nnamespace Shop\\Price;\n",
            "src/functions.php": "<?php\nnamespace Shop;\n",
        },
        {
            "src/Cart.php": {"src/Price/Tax.php": 3, "src/Price/Sum.php": 3, "src/functions.php": 4},
            "src/Price/Tax.php": {"src/functions.php": 3},
        },
    ),
    "c and c++": (
        {
            "src/a.c": '#include "a.h"\n#include <stdio.h>\n#include <lib/b.h>\n#include "../include/lib/b.h"\n',
            "src/a.h": "",
            "include/lib/b.h": '#include "c.hpp"\n',
            "include/lib/c.hpp": "",
            "other/a.h": "",
            "deep/er/d.cc": '#include "lib/c.hpp"\n#include "a.h"\n',
        },
        {
            "src/a.c": {"src/a.h": 1, "include/lib/b.h": 3},
            "include/lib/b.h": {"include/lib/c.hpp": 1},
            "deep/er/d.cc": {"include/lib/c.hpp": 1, "src/a.h": 2},
        },
    ),
    "ruby": (
        {
            "lib/shop.rb": 'require "shop/cart"\nrequire_relative "shop/price"\nrequire "json"\n'
            'autoload :Tax, "shop/tax"\n',
            "lib/shop/cart.rb": 'require_relative "../shop"\n',
            "lib/shop/price.rb": "",
            "lib/shop/tax.rb": "",
            "lib/shop/json.rb": "",
            "spec/cart_spec.rb": 'require "spec_helper"\nrequire "shop"\n',
            "spec/spec_helper.rb": "",
        },
        {
            "lib/shop.rb": {"lib/shop/cart.rb": 1, "lib/shop/price.rb": 2, "lib/shop/tax.rb": 4},
            "lib/shop/cart.rb": {"lib/shop.rb": 1},
            "spec/cart_spec.rb": {"spec/spec_helper.rb": 1, "lib/shop.rb": 2},
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_imports_lead_to_files(name: str) -> None:
    files, expected = GRAPHS[name]
    links = {path: read_links(path, text.encode()) for path, text in files.items()}
    read = {path: text.encode() for path, text in files.items()}.get
    found = {path: targets for path, targets in import_graph(files, links, read).items() if targets}
    assert found == expected


def test_files_without_links_have_no_edges() -> None:
    assert import_graph(["a.py"], {}) == {}
    assert import_graph([], {"gone.py": read_links("gone.py", b"import a\nfrom . import b\n")}) == {"gone.py": {}}
