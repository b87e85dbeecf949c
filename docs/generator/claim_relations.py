"""What a claim rests on, down to what is cited, and what rests on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from generator.markdown import Record, text, to_claims

Claims = Mapping[str, Record]


def rests_on(claim: Record, claims: Claims) -> str:
    """The section of a claim's page: directly, cited theorems with the way to them, and the whole tree."""
    below = sorted(reached(claim["id"], claims, ("uses", "proof_uses")))
    if not below:
        return "Nothing: neither the statement nor the proof uses another claim."
    direct = [("Stated with", claim["uses"]), ("Proved from", claim["proof_uses"])]
    parts = ["\n".join(f"- {what}: {named(ids, claims)}" for what, ids in direct)]
    if claim["rests_on"]:
        parts.append(
            "In the end the proof rests on these theorems, which are cited and not proved here:\n\n"
            + "\n".join(cited_leaf(claim["id"], leaf, claims) for leaf in claim["rests_on"])
        )
    else:
        parts.append("The proof rests on no cited theorem: all that is below it is checked here.")
    tree = "\n".join(branches(claim["id"], claims, set()))
    parts.append(f"<details><summary>Everything below it: claims {len(below)}</summary>\n\n{tree}\n\n</details>")
    return "\n\n".join(parts)


def used_by(claim: Record, claims: Claims) -> str:
    """The section of a claim's page: the claims that use it, directly and through others."""
    above = reached(claim["id"], claims, ("used_by",))
    if not above:
        return "No other claim rests on it."
    through = sorted(above - set(claim["used_by"]))
    users = [claims[id] for id in claim["used_by"]]
    rows = [f"- {to_claims([user['id']])}, {text(user['title'])}: {ways(claim['id'], user)}" for user in users]
    indirect = f"Through these also: {to_claims(through)}." if through else ""
    return "\n\n".join([f"Directly {len(users)}, in all {len(above)}.", "\n".join(rows), indirect])


def ways(id: str, user: Record) -> str:
    """How a claim is used: in the statement, in the proof, or both."""
    ways = [("uses", "in its statement"), ("proof_uses", "in its proof")]
    return " and ".join(words for key, words in ways if id in user[key])


def named(ids: Sequence[str], claims: Claims) -> str:
    """Links with titles."""
    return ", ".join(f"{to_claims([id])} ({text(claims[id]['title'])})" for id in ids) or "nothing"


def reached(id: str, claims: Claims, keys: Sequence[str]) -> set[str]:
    """All claims that the given relations lead to, over any number of steps."""
    found: set[str] = set()
    waiting = [id]
    while waiting:
        claim = claims[waiting.pop()]
        new = {other for key in keys for other in claim[key]} - found
        found |= new
        waiting += new
    return found


def way(id: str, leaf: str, claims: Claims) -> list[str]:
    """A shortest way through proofs from a claim to what it rests on, both ends included."""
    before = {id: ""}
    waiting = deque([id])
    while leaf not in before:
        last = waiting.popleft()
        for other in claims[last]["proof_uses"]:
            if other not in before:
                before[other] = last
                waiting.append(other)
    path = [leaf]
    while path[-1] != id:
        path.append(before[path[-1]])
    return path[::-1]


def cited_leaf(id: str, leaf: str, claims: Claims) -> str:
    """A cited theorem: what it is, how the proof comes to it, where it stands."""
    between = way(id, leaf, claims)[1:-1]
    through = f", through {' → '.join(to_claims([c]) for c in between)}" if between else ", directly"
    return f"- {to_claims([leaf])}, {text(claims[leaf]['title'])}{through}. Source: {text(claims[leaf]['source'])}."


def branches(id: str, claims: Claims, shown: set[str], indent: str = "") -> Iterator[str]:
    """The tree below a claim as nested lists; what was shown once is not opened again."""
    claim = claims[id]
    for other in sorted({*claim["uses"], *claim["proof_uses"]}):
        below = claims[other]
        how = "" if other in claim["proof_uses"] else ", for the statement only"
        kind = ", **cited**" if below["kind"] == "cited" else ""
        again = other in shown and (below["uses"] or below["proof_uses"])
        yield f"{indent}- {to_claims([other])}{how}{kind}{' (opened above)' if again else ''}"
        if other not in shown:
            shown.add(other)
            yield from branches(other, claims, shown, indent + "  ")
