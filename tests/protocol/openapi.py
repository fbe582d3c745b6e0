"""Holds answers against api/openapi.json: every answer that a protocol test gets by Api.request() is looked up and checked.

A status that the document does not give for this address, another Content-Type, a header that is missing, a body that does not
fit its schema: each is an AssertionError that says which. What no path of the document names may only be a problem (404, 405 …).
"""
import functools
import json
import pathlib
import re
import urllib.parse

import jsonschema_rs  # not there? tools/venv.sh

PATH = pathlib.Path(__file__).resolve().parents[2] / "api" / "openapi.json"
ANYWHERE = {404, 405, 414, 421}  # before any route is known


class Document:
    def __init__(self, text):
        self.root = json.loads(text)
        self._paths = [(re.compile(re.sub(r"\\\{device\\\}", "(.+)", re.sub(r"\\\{(?!device)\w+\\\}", "([^/]+)", re.escape(path)))), path)
                       for path in sorted(self.root["paths"], key=lambda p: ("{" in p, -len(p)))]
        self._validators = {}

    def operations(self):
        """(method, path, operation) of each."""
        for path, item in self.root["paths"].items():
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    yield method.upper(), path, item[method]

    def resolved(self, value):
        while "$ref" in value:
            found = self.root
            for name in value["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            value = found
        return value

    def find(self, method, target):
        """The operation that answers this request, or None."""
        path = urllib.parse.urlsplit(target).path
        for expression, name in self._paths:
            if expression.fullmatch(path):
                return self.root["paths"][name].get("get" if method == "HEAD" else method.lower())
        return None

    def _validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator({**schema, "components": self.root["components"]}, validate_formats=True)
        return self._validators[key]

    def _check_value(self, what, schema, value):
        error = next(self._validator(schema).iter_errors(value), None)
        assert error is None, f"{what}: {'/'.join(map(str, error.instance_path))}: {error.message[:400]}"

    def _check_body(self, what, medium, media_type, body):
        if "x-line" in medium:
            for line in body.splitlines():
                self._check_value(what, medium["x-line"], json.loads(line))
        elif medium.get("schema"):
            self._check_value(what, medium["schema"], json.loads(body) if media_type.endswith(("/json", "+json")) else body.decode())

    def check(self, method, target, answer):
        """answer: with status, headers, body. Nothing, or an AssertionError."""
        if method == "OPTIONS":  # a browser's question before the request
            return
        what = f"{method} {target[:200]}: {answer.status}"
        operation = self.find(method, target)
        if operation is None or (answer.status in ANYWHERE and str(answer.status) not in operation["responses"]):
            assert answer.status in ANYWHERE, f"{what}: api/openapi.json knows no such request"
            response = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        else:
            assert str(answer.status) in operation["responses"], f"{what} is not documented in api/openapi.json"
            response = self.resolved(operation["responses"][str(answer.status)])
        for name, header in response.get("headers", {}).items():
            assert answer.headers.get(name) or not self.resolved(header).get("required"), f"{what}: without {name}"
        content = response.get("content")
        if not content:
            assert not answer.body, f"{what}: a body of {len(answer.body)} bytes, the document gives none"
            return
        media_type = answer.headers.get_content_type()
        assert media_type in content or "*/*" in content, f"{what}: {media_type} is none of {list(content)}"
        if method != "HEAD":
            self._check_body(what, content.get(media_type, {}), media_type, answer.body)


@functools.cache
def document():
    return Document(PATH.read_text())
