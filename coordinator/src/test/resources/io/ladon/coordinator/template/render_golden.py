"""Fills in what Jinja itself makes of the golden templates in this folder.

    pip install jinja2==3.1.6 && python3 render_golden.py *.json

Each file holds variables for all its cases, and cases with a template (or the name of one of the
file's templates), the name of one of the file's inputs if need be, and either the expected output or
{"error": true}. The environment is the one in which the transformers
library renders chat templates.
"""

import datetime
import json
import sys

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 11, 24, 8, 5, 9)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_body")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def main(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            golden = json.load(file)
        for case in golden["cases"]:
            case.pop("expected", None)
            case.pop("error", None)
            template = golden.get("templates", {}).get(case["template"], case["template"])
            variables = {**golden["variables"], **golden.get("inputs", {}).get(case.get("input"), {})}
            try:
                case["expected"] = environment().from_string(template).render(**variables)
            except Exception:
                case["error"] = True
        with open(path, "w", encoding="utf-8") as file:
            file.write("{\n")
            for part in ("variables", "templates", "inputs"):
                if part in golden:
                    file.write('  "%s": %s,\n' % (part, json.dumps(golden[part], ensure_ascii=False)))
            cases = ",\n".join("    " + json.dumps(c, ensure_ascii=False) for c in golden["cases"])
            file.write('  "cases": [\n%s\n  ]\n}\n' % cases)


main(sys.argv[1:])
