"""The label schema of an import: names of a file resolved, and made where the import may make them.

A class is found by path or name, current before former (Schema.find_class); what is not found is created
under its parent, or refused. Attributes and fields get their type from their first value. Cost: a dictionary
per name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from repos.annotations.drafts import SOURCE, ClassName
from repos.annotations.errors import AmbiguousName, InvalidValue
from repos.annotations.model import Scalar
from repos.annotations.schema import LabelClass, Schema, ValueType
from repos.annotations.schema_edit import add_class, ensure_attribute, ensure_field, put_class
from repos.annotations.validate import value_problem


class ImportSchema:
    """Grows as records come; `schema` is always valid."""

    def __init__(self, schema: Schema, create: bool = True) -> None:
        self.schema, self.create = schema, create
        self._classes: dict[ClassName, bytes | InvalidValue] = {}

    def class_id(self, name: ClassName) -> bytes:
        """The id an annotation of this class gets. InvalidValue when it is unknown and may not be made, or
        ambiguous."""
        found = self._classes.get(name)
        if found is None:
            try:
                found = self._resolve(name)
            except InvalidValue as error:
                found = error
            self._classes[name] = found
        if isinstance(found, InvalidValue):
            raise found
        return found

    def _resolve(self, name: ClassName) -> bytes:
        entry = self._find(name)
        if entry is not None:
            return self.schema.resolve(entry.id)
        if not self.create:
            raise InvalidValue("class", name.path, "a class of the label schema")
        if (
            not name.name
            or name.name != name.name.strip()
            or len(name.name.encode("utf-8", "replace")) > 1024
        ):
            raise InvalidValue("class", name.name, "a name of 1 to 1024 bytes without blanks at its ends")
        parent = None if name.parent is None else self.class_id(ClassName(name.parent))
        self.schema, entry = add_class(self.schema, name.name, parent=parent)
        return entry.id

    def _find(self, name: ClassName) -> LabelClass | None:
        if name.parent is not None and (found := self._named(name.path)) is not None:
            return found
        try:
            return self._named(name.name)
        except InvalidValue:
            if name.parent is not None:
                return None
            raise

    def _named(self, name: str) -> LabelClass | None:
        try:
            return self.schema.find_class(name)
        except AmbiguousName as error:
            raise InvalidValue("class", name, f"one of {', '.join(error.candidates)}") from None

    def keypoints(self, class_id: bytes, names: tuple[str, ...]) -> None:
        """Names of keypoints that a file gives for a class without any."""
        entry = self.schema.get_class(class_id)
        if names and not entry.keypoints:
            self.schema = put_class(self.schema, replace(entry, keypoints=names))

    def attributes(self, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The attributes as rows may hold them. InvalidValue when a value has not the attribute's type."""
        kept: dict[str, Scalar] = {}
        for name, value in given.items():
            if name.startswith(SOURCE):
                kept[name] = value
                continue
            definition = self.schema.attribute_by_name.get(name)
            if definition is None:
                if value is None:
                    continue
                self._check_name("attribute", name)
                self.schema, definition = ensure_attribute(self.schema, name, _type(value))
            if expected := value_problem(definition, value):
                raise InvalidValue(f"attributes.{name}", value, expected)
            kept[name] = value
        return kept

    def fields(self, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The fields as samples may hold them. InvalidValue when a value has not the field's type."""
        kept: dict[str, Scalar] = {}
        for name, value in given.items():
            definition = self.schema.field_by_name.get(name)
            if definition is None:
                if value is None:
                    continue
                self._check_name("field", name)
                self.schema, definition = ensure_field(self.schema, name, _type(value))
            if expected := value_problem(definition, value):
                raise InvalidValue(f"fields.{name}", value, expected)
            kept[name] = value
        return kept

    def _check_name(self, what: str, name: str) -> None:
        if not self.create:
            raise InvalidValue(what, name, f"a {what} of the label schema")
        if name != name.strip() or len(name.encode("utf-8", "replace")) > 1024:
            raise InvalidValue(what, name, "a name of 1 to 1024 bytes without blanks at its ends")


def _type(value: Scalar) -> ValueType:
    if isinstance(value, bool):
        return ValueType.BOOLEAN
    return ValueType.NUMBER if isinstance(value, int | float) else ValueType.STRING
