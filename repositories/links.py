"""Where symbolic links of a tree lead, judged without a file system."""

from __future__ import annotations

from collections.abc import Mapping

from repositories.names import is_git_private

_MAX_HOPS = 40  # Linux gives up (ELOOP) at 40 links as well


def leaves_tree(path: str, target: str, links: Mapping[str, str]) -> bool:
    """Whether the link at `path` with `target` leads out of the tree, into ``.git``, or round in circles.

    `links` maps every link of the tree to its target; links on the way are followed, so that an innocent link through
    a treacherous one is found out. A dangling target inside the tree is fine.
    """
    if not target or "\0" in target:
        return True
    place = path.split("/")[:-1]
    ahead = target.split("/")[::-1]
    if target.startswith("/"):
        return True
    hops = 0
    while ahead:
        component = ahead.pop()
        if component in ("", "."):
            continue
        if component == "..":
            if not place:
                return True
            place.pop()
            continue
        if is_git_private(component):
            return True
        place.append(component)
        onward = links.get("/".join(place))
        if onward is not None:
            hops += 1
            if hops > _MAX_HOPS or onward.startswith("/"):
                return True
            place.pop()
            ahead.extend(onward.split("/")[::-1])
    return False
