"""The whole rewrite: a schema as a caller sent it → one that the compiler of grammars takes and that means the same."""

from .document import SchemaDocument
from .emission import Emitter
from .expansion import Expander
from .forms.strings import Texts
from .regular.languages import Languages
from .unsupported import Budget, Unsaid

MAX_STEPS = 60_000  # of a rewrite: about a second
MAX_TEXT_STEPS = 30_000  # of what it computes of regular expressions: as long

# A name written with \u escapes would pass for another than the one it is.
OPTIONS = {"json_allowed_escapes": 'nrbtf\\"'}


def rewritten(schema: object) -> dict[str, object]:
    """In memory and time bounded by the schema's size and a budget. Raises UnsupportedSchema."""
    return rewrite(schema)[0]


def rewrite(schema: object) -> tuple[dict[str, object], Unsaid | None]:
    """With it the last of what was left out, because it only keeps branches of a oneOf apart and has no grammar."""
    budget = Budget(MAX_STEPS, "$schema", "its alternatives multiply beyond what may be computed for a request")
    document = SchemaDocument(schema, budget)
    expense = "its expressions multiply beyond what may be computed for a request"
    texts = Texts(Languages(Budget(MAX_TEXT_STEPS, "pattern", expense)))
    emitter = Emitter(Expander(document, texts, budget), budget)
    return {**emitter.document(document.asserted(document.root)), "x-guidance": OPTIONS}, emitter.unsaid
