"""The image that kernels are tried with in containers: the small Debian of the sandbox tests and, from the Python of
`make kernel-python`, PyTorch. Both Pythons are 3.11, so what was built for one is loaded by the other."""

from pathlib import Path, PurePosixPath

from tests.sandboxes.images import CACHE, PYTHON, Image, root_of

PYTHON_IN_IMAGE = PurePosixPath("/opt/kernel-python/bin/python")
_PACKAGES = "torch torchgen functorch numpy numpy.libs sympy mpmath networkx jinja2 markupsafe filelock fsspec"


def kernel_image(folder: Path) -> Image:
    """`folder`: from `workers.kernel_place.kernel_python`. Compilers are left out, which makes it half as large."""
    with root_of(PYTHON):
        base = CACHE / f"{PYTHON.tag.replace(':', '-')}.tar"
    home, site = "ROOT/opt/kernel-python", "lib/python3.11/site-packages"
    return Image(
        "forgehand-test-kernels",
        (
            f"tar xf {base} -C ROOT",
            f"mkdir -p {home}/bin {home}/{site}",
            f"ln -s /usr/bin/python3 {home}/bin/python && printf 'home = /usr/bin\\n' > {home}/pyvenv.cfg",
            f"cd {folder}/{site} && cp -r {_PACKAGES} typing_extensions.py {home}/{site}/",
            f"rm -rf {home}/{site}/torch/include {home}/{site}/torch/test",
        ),
    )
