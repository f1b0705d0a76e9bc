"""llm, the command line's: a model from extra-openai-models.yaml, with streams, schemas and tools."""

import json
import os
import tempfile
from pathlib import Path

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, MODEL, Pet, tell, urls, weather_text

folder = Path(os.environ["LLM_USER_PATH"] if "LLM_USER_PATH" in os.environ else tempfile.mkdtemp())
os.environ["LLM_USER_PATH"] = str(folder)


def describe(model_id: str, url: str) -> str:
    return (
        f"- model_id: {model_id}\n  model_name: {MODEL}\n  api_base: {url}\n"
        "  supports_schema: true\n  supports_tools: true\n"
    )


def main() -> None:
    names = ("real", "clever")
    described = [describe(name, url) for name, url in zip(names, urls(), strict=True)]
    (folder / "extra-openai-models.yaml").write_text("".join(described))

    import llm

    real, clever = (llm.get_model(name) for name in names)

    def get_weather(city: str, days: int) -> str:
        """How warm it will be."""
        return weather_text(city, days)

    fields = {"temperature": 0, "max_tokens": 128}
    usage = (answer := real.prompt(HELLO, **fields)).usage()
    tell(
        chat=real.prompt(HELLO, stream=False, **fields).text(),
        streamed="".join(answer),
        usage=[usage.input, usage.output],
        objects=[json.loads(real.prompt(ASK_PET, schema=Pet, **fields).text())],
        agent=clever.chain(ASK_WEATHER, tools=[get_weather]).text().splitlines()[-1],
    )


main()
