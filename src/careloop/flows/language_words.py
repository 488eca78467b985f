"""Languages in words, for screens and sheets."""

from collections.abc import Mapping
from typing import Any

_LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fa": "Persian", "fr": "French", "hi": "Hindi",
    "ht": "Haitian Creole", "it": "Italian", "ja": "Japanese", "ko": "Korean", "pl": "Polish", "pt": "Portuguese",
    "ru": "Russian", "so": "Somali", "sw": "Swahili", "tl": "Tagalog", "uk": "Ukrainian", "vi": "Vietnamese",
    "yue": "Cantonese", "zh": "Chinese",
}  # fmt: skip


def language_words(language: Mapping[str, Any] | None) -> str:
    """A language in words: as it was written, else the name of its BCP 47 code, else the code; empty without any."""
    codings = (language or {}).get("coding", ())
    shown = [str((language or {}).get("text") or ""), *(str(coding.get("display") or "") for coding in codings)]
    code = next((str(coding["code"]) for coding in codings if coding.get("code")), "")
    return next((text for text in shown if text), "") or _LANGUAGES.get(code.partition("-")[0].lower(), code)
