"""No query uses a reserved word of Athena as a name without quotes."""

import pytest
import sqlglot
from output import ROOT
from sqlglot import exp

# https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html, the list for SELECT, looked up on 2026-11-29.
RESERVED = set(
    """
    ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH CURRENT_SCHEMA
    CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS
    EXTRACT FALSE FIRST FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS
    JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LAST LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL OF
    ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNESCAPE UNION UNNEST USING VALUES
    WHEN WHERE WITH
    """.split()
)
QUERIES = sorted([*(ROOT / "saved-queries").glob("*.sql"), *(ROOT / "queries").rglob("*.sql")])


def reserved_names(sql: str) -> set[str]:
    """Returns the identifiers without quotes that are reserved."""
    tree = sqlglot.parse_one(sql, dialect="trino")
    names = {name.this for name in tree.find_all(exp.Identifier) if not name.quoted}
    return {name for name in names if name.upper() in RESERVED}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_query_has_no_reserved_word_as_a_name(path):
    assert not reserved_names(path.read_text())


def test_reserved_words_are_found():
    assert reserved_names("select min(a) as first, max(a) as last_one from t") == {"first"}
    assert reserved_names('select min(a) as "first" from t') == set()
