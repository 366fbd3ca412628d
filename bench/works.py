"""What is asked of every stack, and the check that all of them answer the same."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.database import ORGANIZATION, last_of_page, some
from bench.serving import Answer, Stack

PAGE = 50
LONGEST_PAGE = 200
RECORDS = 2000
TAGGED = 50
# How many targets of each work are compared: all stacks answer each of them once.
COMPARED = 20
COLLECTION = "/genomics/v1/samples"
SENT = {
    "accession": "W-NUMBER",
    "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "kind": "blood",
    "origin": "germline",
    "collected_at": "2025-11-18T08:30:00Z",
    "received_at": "2025-11-18T10:05:00Z",
}
# What every stack that checks has to refuse, as Careway does: a rule each.
REFUSED: dict[str, dict[str, Any]] = {
    "a missing member": {"kind": None},
    "another word": {"kind": "hair"},
    "no UUID": {"patient_id": "nobody"},
    "a pattern": {"accession": "no spaces"},
    "a length": {"accession": "W" * 33},
    "no date": {"collected_at": "yesterday"},
    "received before collected": {"received_at": "2025-11-18T08:29:59Z"},
    "the future": {"received_at": "9000-01-01T00:00:00Z"},
    "another type": {"origin": 7},
}
# Of what is made, these differ from one to the next.
OWN = {"id", "created_at", "created_by", "updated_at", "updated_by", "accession"}


@dataclass(frozen=True)
class Target:
    """A path, and the version that the client has already."""

    path: str
    etag: str = ""


@dataclass(frozen=True)
class Work:
    """What is asked of each stack, by its name; and what is sent, in which NUMBER stands for one never used before."""

    name: str
    targets: dict[str, list[Target]]
    body: str = ""
    status: int = 200

    def ask(self, stack: Stack, target: Target, number: str = "") -> Answer:
        """Once, outside of the load."""
        if self.body:
            return stack.call("POST", target.path, self.body.replace("NUMBER", number))
        tagged = {"If-None-Match": target.etag} if target.etag else {}
        return stack.call("GET", target.path, **tagged)


NAMES = ("get-one", "list-50", "region-100", "post-one", "page-100", "page-last", "etag-304", "readyz", "livez")


def works(stacks: Sequence[Stack], url: str, pages: int) -> list[Work]:
    """All of them, in the order of NAMES. `pages` is the number of the last page that is read."""
    chosen = random.Random(1)  # the same for all
    ones = [f"{COLLECTION}/{each}" for each in some(url, "genomics_sample", RECORDS)]
    analyses = some(url, "genomics_analysis", 1000)
    regions = []
    for _ in range(RECORDS):
        start = 10_000 + chosen.randrange(300) * 1000
        place = f"{chosen.randrange(1, 23)}:{start}-{start + 99_000}"
        regions.append(f"/genomics/v1/analyses/{chosen.choice(analyses)}/variants?region={place}&limit=100")
    chosen.shuffle(ones)
    return [
        _of_all("get-one", stacks, ones),
        _of_all("list-50", stacks, [COLLECTION]),
        _of_all("region-100", stacks, regions),
        _of_all("post-one", stacks, [COLLECTION], json.dumps(SENT), 201),
        Work("page-100", {stack.name: [deep(stack, url, min(100, pages))] for stack in stacks}),
        Work("page-last", {stack.name: [deep(stack, url, pages)] for stack in stacks}),
        Work("etag-304", {stack.name: tagged(stack, ones[:TAGGED]) for stack in stacks}, status=304),
        _of_all("readyz", stacks, ["/readyz"]),
        _of_all("livez", stacks, ["/livez"]),
    ]


def _of_all(name: str, stacks: Sequence[Stack], paths: list[str], body: str = "", status: int = 200) -> Work:
    targets = [Target(path) for path in paths]
    return Work(name, {stack.name: targets for stack in stacks}, body, status)


def tagged(stack: Stack, paths: list[str]) -> list[Target]:
    """With the versions that the stack gives them."""
    found = [Target(path, stack.call("GET", path).etag) for path in paths]
    if not all(target.etag for target in found):
        raise SystemExit(f"bench: {stack.name} answers without an ETag")
    return found


def deep(stack: Stack, url: str, page: int) -> Target:
    """Where the page of that number is."""
    if stack.paging == "page":
        return Target(f"{COLLECTION}?page={page}")
    if stack.paging == "after":
        return Target(f"{COLLECTION}?after={','.join(last_of_page(url, page - 1, PAGE)).replace('+', '%2B')}")
    # What the server has signed can only be walked to; with long pages, since a cursor keeps no length.
    target, left = COLLECTION, (page - 1) * PAGE
    while left:
        step = min(left, LONGEST_PAGE)
        mark = "&" if "?" in target else "?"
        answer = json.loads(stack.call("GET", f"{target}{mark}limit={step}").body)
        target = f"{COLLECTION}?cursor={answer['next'].rpartition('cursor=')[2].partition('&')[0]}"
        left -= step
    return Target(target)


# --- The same answers -------------------------------------------------------------------------------------------------


def check_same(works: Sequence[Work], stacks: Sequence[Stack]) -> None:
    """Raises SystemExit where a stack answers anything else than the first one does, the floor."""
    for work in sorted(works, key=lambda each: bool(each.body)):  # what is written would move the first page
        wanted = [content(work, stacks[0], target) for target in work.targets[stacks[0].name][:COMPARED]]
        for stack in stacks[1:]:
            for target, expected in zip(work.targets[stack.name], wanted, strict=False):
                if (found := content(work, stack, target)) != expected:
                    raise SystemExit(
                        f"bench: {stack.name} answers {work.name} ({target.path}) otherwise than {stacks[0].name}:\n"
                        f"{found[:1000]}\n{expected[:1000]}"
                    )


def content(work: Work, stack: Stack, target: Target) -> str:
    """What an answer says, members in their order; without what belongs to a stack: white space, links, new ids."""
    answer = work.ask(stack, target, number=f"CHECK-{stack.name.upper()}")
    if answer.status != work.status:
        told = answer.body.decode(errors="replace")[:300]
        raise SystemExit(f"bench: {stack.name} answers {work.name} ({target.path}) with {answer.status}: {told}")
    if not answer.body:
        return ""
    found = json.loads(answer.body)
    if "results" in found:
        return json.dumps(found["results"])
    return json.dumps({name: each for name, each in found.items() if not (work.body and name in OWN)})


def check_refusals(stacks: Sequence[Stack]) -> None:
    """Raises SystemExit where a stack that checks takes what Careway refuses: its writes would be cheaper for it."""
    for stack in stacks:
        for rule, changes in REFUSED.items() if stack.checks else ():
            # A new accession each: the second of one would be refused for that alone.
            new = f"R-{list(REFUSED).index(rule)}-{stack.name.upper()}"
            sent = {name: each for name, each in {**SENT, "accession": new, **changes}.items() if each is not None}
            status = stack.call("POST", COLLECTION, json.dumps(sent)).status
            if status not in {400, 409, 422}:
                raise SystemExit(f"bench: {stack.name} answers {status} to a body that breaks a rule: {rule}")
        if stack.checks:
            _check_uniqueness(stack)


def _check_uniqueness(stack: Stack) -> None:
    sent = json.dumps({**SENT, "accession": f"TWICE-{stack.name.upper()}"})
    statuses = [stack.call("POST", COLLECTION, sent).status for _ in range(2)]
    if statuses[0] != 201 or statuses[1] not in {400, 409, 422}:
        raise SystemExit(f"bench: {stack.name} answers {statuses} to the same accession twice")


__all__ = ["NAMES", "ORGANIZATION", "Target", "Work", "check_refusals", "check_same", "works"]
