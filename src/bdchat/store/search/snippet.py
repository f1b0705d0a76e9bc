"""The stretch of a text around what was found, cut between graphemes, and where in it the found words are. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bdchat.store.search.hangul import fold

SNIPPET_GRAPHEMES = 160
_LEAD_GRAPHEMES = 40  # before the first match
_WINDOW_LENGTH = 4096
_WINDOW_OVERLAP = 256
_NEAR_BEFORE, _NEAR_AFTER = 100, 200  # characters: more than the graphemes that are shown there
_MAX_GRAPHEME_LENGTH = 32  # marks piled on one letter without end are no writing
_ELLIPSIS = "…"
_ZWJ = "\u200d"
_EMOJI_EXTENDERS = re.compile("[\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_INNER_JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")


@dataclass(frozen=True, slots=True)
class Snippet:
    """`highlights`: [start, end) in code points of `text`, ascending, apart."""

    text: str
    highlights: tuple[tuple[int, int], ...]


def snippet(content: str, pattern: re.Pattern[str]) -> Snippet:
    """Around the first match, or the beginning when there is none. White space becomes single spaces."""
    begin, stop = _window(content, pattern)
    clusters = list(_tidy(graphemes(content[begin:stop])))
    # what the window's edges have cut through is not shown
    clusters = clusters[1 if begin else 0 : len(clusters) - (stop < len(content))]
    matches = _matched_clusters([_fold_cluster(cluster) for cluster in clusters], pattern)
    first = matches[0][0] if matches else 0
    start = max(0, first - _LEAD_GRAPHEMES) if begin or first > SNIPPET_GRAPHEMES // 2 else 0
    end = min(len(clusters), start + SNIPPET_GRAPHEMES)
    is_cut_before = begin > 0 or start > 0
    is_cut_after = stop < len(content) or end < len(clusters)
    lead = _ELLIPSIS if is_cut_before else ""
    offsets = [len(lead)]
    for cluster in clusters[start:end]:
        offsets.append(offsets[-1] + len(cluster))
    inside = [(a - start, min(b, end) - start) for a, b in matches[:1]]  # it may be longer than what is shown
    inside += [(a - start, b - start) for a, b in matches[1:] if b <= end]
    text = lead + "".join(clusters[start:end]) + (_ELLIPSIS if is_cut_after else "")
    return Snippet(text, tuple((offsets[a], offsets[b]) for a, b in inside))


@lru_cache(maxsize=16_384)  # letters come again and again
def _fold_cluster(cluster: str) -> str:
    return fold(cluster)


def graphemes(text: str) -> Iterator[str]:
    """What a reader takes for one character: enough of UAX 29 for marks, Hangul Jamo, emoji sequences and flags."""
    cluster = ""
    for letter in text:
        if cluster and len(cluster) < _MAX_GRAPHEME_LENGTH and _goes_on(cluster, letter):
            cluster += letter
        else:
            if cluster:
                yield cluster
            cluster = letter
    if cluster:
        yield cluster


def _goes_on(cluster: str, letter: str) -> bool:
    if letter.isascii():
        return cluster == "\r" and letter == "\n"
    if "\uac00" <= letter <= "\ud7a3":  # the quick way for Korean
        return cluster[-1] == _ZWJ
    if _EMOJI_EXTENDERS.match(letter) or unicodedata.category(letter)[0] == "M" or cluster[-1] == _ZWJ:
        return True
    if _FLAG_LETTER.match(letter):
        return len(cluster) == 1 and _FLAG_LETTER.match(cluster) is not None
    return _INNER_JAMO.match(letter) is not None and _is_hangul(cluster[-1])


def _is_hangul(letter: str) -> bool:
    return "\u1100" <= letter <= "\u11ff" or "\uac00" <= letter <= "\ud7ff" or "\ua960" <= letter <= "\ua97f"


def _window(content: str, pattern: re.Pattern[str]) -> tuple[int, int]:
    """[begin, stop) of a stretch that holds a match and what is shown around it: folding a whole book is slow, and so
    is finding every grapheme of a page."""
    for begin in range(0, len(content), _WINDOW_LENGTH - _WINDOW_OVERLAP):
        match = pattern.search(fold(content[begin : begin + _WINDOW_LENGTH]))
        if match is None:
            continue
        # Folding seldom changes lengths: where it does, the match may be elsewhere, and the whole stretch is taken.
        near = max(0, begin + match.start() - _NEAR_BEFORE), min(len(content), begin + match.end() + _NEAR_AFTER)
        if pattern.search(fold(content[near[0] : near[1]])):
            return near
        return begin, min(len(content), begin + _WINDOW_LENGTH + SNIPPET_GRAPHEMES)
    return 0, min(len(content), _WINDOW_LENGTH)


def _tidy(clusters: Iterator[str]) -> Iterator[str]:
    was_space = True
    for cluster in clusters:
        is_space = cluster.isspace()
        if not is_space:
            yield cluster
        elif not was_space:
            yield " "
        was_space = is_space


def _matched_clusters(folded: list[str], pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """[first, last + 1) of each match, as numbers of clusters."""
    owner = [number for number, part in enumerate(folded) for _ in part]
    found: list[tuple[int, int]] = []
    for match in pattern.finditer("".join(folded)):
        first, last = owner[match.start()], owner[match.end() - 1] + 1
        if found and first < found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
