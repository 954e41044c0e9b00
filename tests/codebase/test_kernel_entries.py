"""The section `kernels` of `.forgehand.yml`: what is taken, and what is refused with its line."""

import json
import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from codebase.kernel_entries import KernelEntry, Kernels, read_kernels
from codebase.repository_settings import read_settings
from codebase.source import Source

WHOLE = """\
test: pytest -q
kernels:
  - name: softmax
    reference: kernels/softmax_ref.py
    candidate: kernels/softmax.py
  - name: gelu
    reference: ref.py
    candidate: src/gelu.py
    tolerance: {ratio: 4, floor: 2e-6}
    shapes: [[[64, 1024], [1024]], [[7, 0], []]]
    layouts: [contiguous, offset]
    mode: eval
    device: cuda
    claims: right
"""


def kernels(text: str, path: str = ".forgehand.yml") -> Kernels:
    return read_kernels({path: text.encode()}.get)


def fault(text: str) -> tuple[int, str]:
    found = kernels(text)
    assert found.entries == ()
    (problem,) = found.problems
    assert (problem.level, problem.where.path) == ("error", ".forgehand.yml")
    return problem.where.line, problem.message


def entry(**changes: str) -> str:
    lines = {"name": "softmax", "reference": "ref.py", "candidate": "new.py"} | changes
    return "kernels:\n  - " + "\n    ".join(f"{key}: {value}" for key, value in lines.items()) + "\n"


def test_what_an_entry_says() -> None:
    found = kernels(WHOLE)
    assert found.problems == ()
    first, second = found.entries
    assert first == KernelEntry("softmax", "kernels/softmax_ref.py", "kernels/softmax.py")
    assert (first.line, second.line) == (3, 6)
    assert first.options == {}
    assert second.claims == "right"
    assert second.options == {
        "tolerance": {"ratio": 4.0, "floor": 2e-6},
        "shapes": [[[64, 1024], [1024]], [[7, 0], []]],
        "layouts": ["contiguous", "offset"],
        "mode": "eval",
        "device": "cuda",
    }
    assert found.named("gelu") is second
    assert found.named("relu") is None


@pytest.mark.parametrize(("word", "value"), [("true", True), ("false", False)])
def test_gradients_are_asked_for_in_yamls_own_words(word: str, value: bool) -> None:
    assert kernels(entry(backward=word)).entries[0].options == {"backward": value}


def test_entries_that_say_the_same_are_equal_wherever_they_stand() -> None:
    assert kernels("# a comment\n" + WHOLE).entries == kernels(WHOLE).entries
    assert kernels(WHOLE.replace("ratio: 4", "ratio: 5")).entries != kernels(WHOLE).entries


@pytest.mark.parametrize("text", ["test: pytest\n", "", "- a\n- b\n", "just words\n"])
def test_without_the_section_there_is_none(text: str) -> None:
    assert kernels(text) == Kernels(".forgehand.yml")


def test_without_the_file_there_is_none_and_the_other_spelling_is_read() -> None:
    assert read_kernels(lambda _: None) == Kernels()
    assert len(kernels(WHOLE, ".forgehand.yaml").entries) == 2


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("kernels: softmax\n", 1, "'kernels' is a list of kernels"),
        ("kernels: {}\n", 1, "'kernels' is a list of kernels"),
        ("kernels: []\n", 1, "here are 0"),
        ("test: x\nkernels:\n  - softmax\n", 3, "is a mapping with the keys name, reference"),
        ("kernels: [{name: a}]\nkernels: []\n", 2, "'kernels' stands twice"),
        ("kernels:\n  - name: a\n    candidate: b.py\n", 2, "has no 'reference'"),
        (entry(speed="fast"), 5, "'speed' is no key of a kernel"),
        (entry(**{"<<": "{mode: eval}"}), 5, "'<<' is no key"),
        (entry() + "    name: again\n", 5, "'name' stands twice"),
        (entry() + entry().removeprefix("kernels:\n"), 5, "the kernel 'softmax' stands twice"),
        (entry(name="'a b'"), 2, "'name' is 1 to 50"),
        (entry(name="5"), 2, "'name' is text"),
        (entry(name="[a]"), 2, "'name' is text"),
        (entry(reference="/etc/passwd.py"), 3, "'reference' is the path of a file in the repository"),
        (entry(reference="../ref.py"), 3, "'reference' is the path"),
        (entry(candidate="a/../../b.py"), 4, "'candidate' is the path"),
        (entry(candidate="./b.py"), 4, "'candidate' is the path"),
        (entry(candidate="a//b.py"), 4, "'candidate' is the path"),
        (entry(candidate="'a\\b.py'"), 4, "'candidate' is the path"),
        (entry(candidate='"a\\u202eb.py"'), 4, "'candidate' is the path"),
        (entry(candidate=".git/hooks.py"), 4, "that ends in .py or .cu"),
        (entry(candidate="kernel.so"), 4, "that ends in .py or .cu"),
        (entry(reference="kernel.cu"), 3, "that ends in .py"),
        (entry(candidate="''"), 4, "'candidate' is the path"),
        (entry(mode="fast"), 5, "'mode' is train or eval or both"),
        (entry(backward="yes"), 5, "'backward' is true or false"),
        (entry(nonfinite="[same]"), 5, "'nonfinite' is text"),
        (entry(allow_library_ops="{}"), 5, "'allow_library_ops' is a list"),
        (entry(device="tpu"), 5, "'device' is cpu or cuda"),
        (entry(claims="best"), 5, "'claims' is faster or right"),
        (entry(tolerance="8"), 5, "'tolerance' is a mapping"),
        (entry(tolerance="{ratio: many}"), 5, "'ratio' is a number"),
        (entry(tolerance="{ratio: -8}"), 5, "'ratio' is a number"),
        (entry(tolerance="{ratio: '8'}"), 5, "'ratio' is a number"),
        (entry(tolerance="{ratio: .inf}"), 5, "'ratio' is a number"),
        (entry(tolerance="{ratio: 8, ratio: 9}"), 5, "'ratio' stands twice"),
        (entry(shapes="[64, 1024]"), 5, "of cases"),
        (entry(shapes="[[64, 1024]]"), 5, "of shapes"),
        (entry(shapes="[[[64, -1]]]"), 5, "a size is a whole number"),
        (entry(shapes="[[[64, 0x10]]]"), 5, "a size is a whole number"),
        (entry(shapes="[[[64, true]]]"), 5, "a size is a whole number"),
        (entry(shapes="[]"), 5, "here are 0"),
        (entry(layouts="offset"), 5, "'layouts' is a list"),
        (entry(layouts="[1]"), 5, "'layouts' is text"),
        ("kernels: [\n", 1, "not YAML"),
        ("kernels: " + "[" * 200, 1, "nested"),
    ],
)
def test_what_is_refused_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    where, message = fault(text)
    assert says in message
    assert where == line


def test_a_file_that_is_refused_is_no_file_that_is_not_there() -> None:
    def read_file(path: str) -> bytes | None:
        raise ValueError("larger than 5 bytes")

    (problem,) = read_kernels(read_file).problems
    assert (str(problem.where), problem.message) == (".forgehand.yml:1", "larger than 5 bytes")


def test_as_many_kernels_as_are_taken_and_one_more() -> None:
    one = entry().removeprefix("kernels:\n")
    many = "kernels:\n" + "".join(one.replace("softmax", f"k{number}") for number in range(32))
    assert len(kernels(many).entries) == 32
    assert "here are 33" in fault(many + one)[1]


def test_a_fault_there_is_no_fault_of_the_commands() -> None:
    files = {".forgehand.yml": b"test: pytest -q\nkernels: nonsense\n"}
    found = read_settings(Source(lambda: files, files.get))
    assert found is not None
    assert (found.usable, found.problems, found.test) == (True, (), ("pytest -q",))


words = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=12).filter(
    lambda one: one[0] not in "_-"
)
files = st.lists(words, min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".py")
shapes = st.lists(st.lists(st.integers(0, 4096), max_size=4), min_size=1, max_size=3)
entries = st.fixed_dictionaries(
    {"name": words, "reference": files, "candidate": files},
    optional={
        "tolerance": st.dictionaries(words, st.integers(0, 1000), min_size=1, max_size=3),
        "shapes": st.lists(shapes, min_size=1, max_size=4),
        "layouts": st.lists(words.map(lambda word: f"l{word}x"), min_size=1, max_size=3),
        "mode": st.sampled_from(["train", "eval", "both"]),
        "distributions": st.lists(words.map(lambda word: f"d{word}x"), min_size=1, max_size=3),
        "allow_library_ops": st.sampled_from(["none", "any", ["aten::mm"], ["aten::mm", "aten::add"]]),
        "nonfinite": st.sampled_from(["free", "same"]),
        "device": st.sampled_from(["cpu", "cuda"]),
        "claims": st.sampled_from(["faster", "right"]),
    },
)


@given(st.lists(entries, min_size=1, max_size=5, unique_by=lambda one: str(one["name"])))
def test_what_is_written_is_what_is_read(given_entries: list[dict[str, object]]) -> None:
    # Names such as 1e5 or null are numbers or nothing to YAML: in JSON every text has its quotes.
    found = kernels(json.dumps({"kernels": given_entries}))
    assert found.problems == ()
    for said, read in zip(given_entries, found.entries, strict=True):
        assert (read.name, read.reference, read.candidate) == (said["name"], said["reference"], said["candidate"])
        assert read.options == {
            key: value for key, value in said.items() if key not in ("name", "reference", "candidate", "claims")
        }
        assert read.claims == said.get("claims")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "shapes", "x"]), inner),
    max_leaves=12,
)


@given(anything)
def test_nothing_that_is_written_raises(value: object) -> None:
    found = kernels(yaml.safe_dump({"kernels": value}))
    assert len(found.problems) == 1
    assert kernels(yaml.safe_dump(value)).entries == ()
