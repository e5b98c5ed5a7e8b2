"""Where well-known providers listen, and in which variable their key usually lies."""

from typing import NamedTuple


class Provider(NamedTuple):
    """An OpenAI-compatible service."""

    base_url: str
    key_env: str | None
    """None: it needs no key."""
    prices: str | None = None
    """Its id in genai-prices."""


PROVIDERS: dict[str, Provider] = {
    "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY", "openai"),
    "anthropic": Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "anthropic"),
    "google": Provider(
        "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "google"
    ),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral"),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY", "groq"),
    "together": Provider("https://api.together.xyz/v1", "TOGETHER_API_KEY", "together"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter"),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY", "x-ai"),
    "ollama": Provider("http://127.0.0.1:11434/v1", None),
}
