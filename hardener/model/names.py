"""What ids and names look like.

They come from stores, bundles, plans, inventories and targets, and end in paths, commands and patterns: what looks
otherwise is refused where a noun is made of it.
"""

from typing import Annotated, TypeAlias

from pydantic import StringConstraints

RunId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,79}$")]
"""A run's id: ``20261121T050100Z-9f3a``. On a target it is a directory's name below one of root's."""
_NOWHERE = r"/\x00-\x1f\x7f-\x9f\u2028\u2029"
"""What no name holds: it would be a path, or a line of its own."""
_NAME = rf"[^.\-{_NOWHERE}][^{_NOWHERE}]{{0,254}}"
Name: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
"""The name of a target, a group or a role, or a control's id: neither a path nor an option, and one line."""
NameOrNone: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^({_NAME})?$")]
"""The same, or empty where there is none."""
MachineId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{0,64}$")]
"""What a target says it is; empty where it has none."""
