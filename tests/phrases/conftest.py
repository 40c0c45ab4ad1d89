"""What reads like a sentence in a record, outside the texts of users."""

import json
import re

IDS = "an id, code, name or hash"
USERS = "written by a user, or by who made the events"
DATA = "quoted from a data file of the package: codebook, catalogue, terms of sources"
FIELDS = {
    IDS: """
        a acts also any_of at_prior b bars by categories category code_version coder
        coders config_sha256 corrects counts_by_category data_sha256 dyad dyads event_id events
        events_sha256 events_source feed forecasts_sha256 group head id initiator key manifest_sha256
        meets milestone milestone_name model name names near own_left_out page prior priors program
        quantity question_id recipient run_folder run_id scale settings_sha256 sha256 sides source subcategory
        subject target targets theatre towards trigger trigger_before versions whole
    """,
    USERS: """
        act because chance counts differs does_not_count dyad_label edge_cases forecaster label link
        milestone_label rationale reactions reason rivals stated summary target_label what
    """,
    DATA: "anchors anchors_below licence limits meaning setting terms unit",
    "the error that stopped a dyad, as it was raised": "error",
}


def texts_in(node, field=""):
    """Yield each text of a JSON document with the field that holds it."""
    match node:
        case dict():
            for key, value in node.items():
                yield from texts_in(value, field if field in ("anchors", "anchors_below") else key)
        case list():
            for value in node:
                yield from texts_in(value, field)
        case str():
            yield field, node


SENTENCE = re.compile(r"[a-z’'”\"%)\d]\.(?: [A-Z“]|$)|\w+ \w+ \w+ \w+ \w+")


def sentences_of(content: str) -> list[tuple[str, str]]:
    """What reads like a sentence in a document, outside the fields that users and data files fill."""
    free = {field for reason, fields in FIELDS.items() if reason in (USERS, DATA) for field in fields.split()}
    found = texts_in(json.loads(content))
    return [(field, text) for field, text in found if field not in free and SENTENCE.search(text)]
