"""The scenario file: read with the line of every mistake, checked as a whole, written anew.

`load` is the way in. `yaml_lines` parses, `schema` says which keys there are (pydantic, and the
JSON Schema for editors), `convert` makes the plain values of `rixin.core.scenario`, `checks`
looks at what only the whole can show, `render` writes a first file for `rixin init`.
"""
