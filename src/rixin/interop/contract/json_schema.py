"""`python -m rixin.interop.contract.json_schema`: the JSON Schema of the scenario file."""

import json
from typing import Any


def scenario_schema() -> dict[str, Any]:
    """The schema that editors complete and explain the file with."""
    from rixin.interop.contract.schema import ScenarioFile

    found = ScenarioFile.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **found,
        "title": "Rixin scenario",
    }


def schema_text() -> str:
    """The schema as it stands in a file."""
    return json.dumps(scenario_schema(), indent=2, ensure_ascii=False)


def main() -> None:
    """Prints the schema."""
    print(schema_text())


if __name__ == "__main__":
    main()
