"""Finds in a descriptor what the code speaks of."""

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from hardy.core import BuildFailed, Diagnostic
from hardy.schema.proto._draft import value_names
from hardy.schema.proto._names import screaming
from hardy.schema.proto._shapes import Choice


def field_of(descriptor: Descriptor, name: str) -> FieldDescriptor:
    """Return a field by name.

    Raises:
        BuildFailed: The message has no such field (H0620).
    """
    field = descriptor.fields_by_name.get(name)
    if field is None:
        raise BuildFailed([_absent(f"the message `{descriptor.full_name}` has no field `{name}`")])
    return field


def inner_of(field: FieldDescriptor) -> Descriptor:
    """Return the message that *field* holds.

    Raises:
        BuildFailed: It holds none (H0620).
    """
    if field.message_type is None:
        raise BuildFailed([_absent(f"the field `{field.full_name}` is no message")])
    return field.message_type


def enum_of(field: FieldDescriptor) -> EnumDescriptor:
    """Return the enum that *field* holds.

    Raises:
        BuildFailed: It holds none (H0620).
    """
    if field.enum_type is None:
        raise BuildFailed([_absent(f"the field `{field.full_name}` is no enum")])
    return field.enum_type


def enum_numbers(leaf: Choice, descriptor: EnumDescriptor) -> list[int]:
    """Return the number of each of the choice's members.

    Raises:
        BuildFailed: The enum lacks one of them (H0620).
    """
    names = [f"{screaming(descriptor.name)}_{each}" for each in value_names(leaf)]
    for name in names:
        if name not in descriptor.values_by_name:
            raise BuildFailed([_absent(f"the enum `{descriptor.full_name}` has no value `{name}`")])
    return [descriptor.values_by_name[name].number for name in names]


def _absent(title: str) -> Diagnostic:
    return Diagnostic(code="H0620", title=title, helps=("run `hardy gen proto` and commit what it writes",))
