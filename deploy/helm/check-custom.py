"""Checks custom resources against the schema of their definition: check-custom.py DEFINITION.yaml OBJECTS.yaml

Fields that the schema does not have are errors; Kubernetes would drop them without a word."""

import sys

import jsonschema
import yaml


def strict(schema):
    """The schema, refusing what it does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(part) for key, part in schema.items()}
    if "properties" in closed and not closed.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def main(definition_path, objects_path):
    with open(definition_path) as file:
        definition = yaml.safe_load(file)["spec"]
    schemas = {
        "%s/%s" % (definition["group"], version["name"]): strict(version["schema"]["openAPIV3Schema"])
        for version in definition["versions"]
    }
    # In a definition these two are objects without properties.
    for schema in schemas.values():
        schema["properties"]["metadata"] = {"type": "object"}
    with open(objects_path) as file:
        objects = [o for o in yaml.safe_load_all(file) if o and o["kind"] == definition["names"]["kind"]]
    if not objects:
        sys.exit("%s has no %s" % (objects_path, definition["names"]["kind"]))
    failed = False
    for checked in objects:
        if checked["apiVersion"] not in schemas:
            sys.exit("%s: no such version; there are %s" % (checked["apiVersion"], ", ".join(schemas)))
        validator = jsonschema.Draft7Validator(schemas[checked["apiVersion"]])
        for error in validator.iter_errors(checked):
            failed = True
            where = ".".join(str(part) for part in error.absolute_path)
            print("%s %s: %s: %s" % (checked["kind"], checked["metadata"]["name"], where, error.message))
    sys.exit(1 if failed else 0)


main(*sys.argv[1:])
