"""chassis/text.py"""

from __future__ import annotations

import pytest

from chassis.text import control_character, normalised


class TestNormalised:
    def test_it_composes_to_nfc(self) -> None:
        assert normalised("Zoe\u0308") == "Zo\u00eb"

    def test_it_does_not_fold_compatibility_characters(self) -> None:
        assert normalised("x\u00b2 \ufb01") == "x\u00b2 \ufb01"

    @pytest.mark.parametrize("blank", [" ", "\t", "\n", "\u00a0", "\u2003", "\u3000"])
    def test_it_trims_every_kind_of_blank(self, blank: str) -> None:
        assert normalised(f"{blank}a{blank}b{blank}") == f"a{blank}b"

    def test_it_leaves_normal_text_as_it_is(self) -> None:
        assert normalised("c.3140A>G (p.His1047Arg)") == "c.3140A>G (p.His1047Arg)"


class TestControlCharacter:
    @pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\r", *map(chr, (0xD800, 0xDFFF))])
    def test_it_finds_controls_and_lone_surrogates_anywhere(self, character: str) -> None:
        assert control_character(f"a{character}b", multiline=False)
        assert control_character(f"a{character}b", multiline=True)

    @pytest.mark.parametrize("character", ["\n", "\t"])
    def test_it_allows_line_feed_and_tab_in_multiline_text_alone(self, character: str) -> None:
        assert control_character(f"a{character}b", multiline=False)
        assert not control_character(f"a{character}b", multiline=True)

    @pytest.mark.parametrize("text", ["", "plain", "日本語", "😀", "a\u200db", "e\u0301"])
    def test_it_lets_written_text_pass(self, text: str) -> None:
        assert not control_character(text, multiline=False)


class TestWhatIsShown:
    @pytest.mark.parametrize("character", ["\u202a", "\u202e", "\u2066", "\u2069"])
    def test_what_reorders_its_neighbours_counts_as_a_control(self, character: str) -> None:
        assert control_character(f"benign{character}", multiline=True)

    @pytest.mark.parametrize("text", ["\u05d0\u200f b", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "e\u0301"])
    def test_the_marks_that_languages_need_do_not(self, text: str) -> None:
        assert not control_character(text, multiline=False)

    @pytest.mark.parametrize("text", ["\u200b", "\u200b \ufeff", "\u00a0"])
    def test_text_of_which_nothing_is_seen_is_empty(self, text: str) -> None:
        assert normalised(text) == ""
