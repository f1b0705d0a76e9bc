"""The whole rewrite: a schema as a caller sent it → one that the compiler of grammars takes and that means the same."""

from .document import Document
from .emission import Emitter
from .expansion import Expander
from .forms.strings import Texts
from .regular.languages import Languages
from .unsupported import Budget

MAX_STEPS = 60_000  # of a rewrite: about a second

# A name written with \u escapes would pass for another than the one it is.
OPTIONS = {"json_allowed_escapes": 'nrbtf\\"'}


def rewritten(schema: object) -> dict[str, object]:
    """In memory and time bounded by the schema's size and a budget. Raises UnsupportedSchema."""
    budget = Budget(MAX_STEPS)
    document = Document(schema, budget)
    texts = Texts(Languages(budget))
    emitter = Emitter(Expander(document, texts, budget), budget)
    return {**emitter.document(document.asserted(document.root)), "x-guidance": OPTIONS}
