"""instructor over the openai package: a pydantic object by a named tool, by a schema, by JSON mode."""

import instructor
from openai import OpenAI

from tests.clients.told import ASK_PET, KEY, MODEL, Pet, tell, urls


def main() -> None:
    real, clever = urls()
    tell(
        objects=[
            instructor.from_openai(OpenAI(base_url=url, api_key=KEY, max_retries=0), mode=mode)
            .chat.completions.create(
                model=MODEL,
                response_model=Pet,
                messages=[{"role": "user", "content": ASK_PET}],
                temperature=0,
                max_tokens=128,
                max_retries=1,
            )
            .model_dump()
            for url, mode in (
                (real, instructor.Mode.TOOLS),
                (real, instructor.Mode.TOOLS_STRICT),
                (real, instructor.Mode.JSON_SCHEMA),
                (clever, instructor.Mode.JSON),
            )
        ]
    )


main()
