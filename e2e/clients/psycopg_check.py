"""psycopg 3 through the gateway: text and binary results, server-side cursors, pipeline mode, COPY, refusals."""
import json
import os
import sys

import psycopg

port, database = sys.argv[1], sys.argv[2]
connect = dict(host="127.0.0.1", port=port, dbname=database, user="caller", password=os.environ["TOKEN"], sslmode="disable")
result = {}

with psycopg.connect(**connect, autocommit=True) as connection:
    for binary in (False, True):
        with connection.cursor(binary=binary) as cursor:
            cursor.execute("SELECT id, name, email, credit_limit FROM customers WHERE id = %s", (1,))
            row = cursor.fetchone()
            result["binary" if binary else "text"] = [row[0], row[1], row[2], str(row[3])]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM payments")
        result["count"] = cursor.fetchone()[0]
    # Prepared on the server after five executions; every one of them is judged.
    with connection.cursor() as cursor:
        seen = []
        for number in (1, 2, 3, 4, 5, 1, 2):
            cursor.execute("SELECT name FROM customers WHERE id = %s", (number,), prepare=True)
            seen.append(cursor.fetchone()[0])
        result["prepared"] = seen
    try:
        connection.execute("DROP TABLE payments")
        result["refused"] = None
    except psycopg.errors.InsufficientPrivilege as refusal:
        result["refused"] = refusal.diag.sqlstate
        result["detail"] = json.loads(refusal.diag.message_detail)
    result["after_refusal"] = connection.execute("SELECT 42").fetchone()[0]

    # Pipeline: ten questions, the third refused; the next answer belongs to the next question.
    answers = []
    with connection.pipeline() as pipeline:
        cursors = []
        for number in range(10):
            cursor = connection.cursor()
            cursor.execute("TRUNCATE payments" if number == 2 else f"SELECT {number}")
            cursors.append(cursor)
            if number == 2:
                try:
                    pipeline.sync()
                except psycopg.Error as refusal:
                    answers.append(refusal.diag.sqlstate)
    for cursor in cursors:
        try:
            answers.append(cursor.fetchone()[0])
        except psycopg.Error as refusal:
            answers.append(type(refusal).__name__)
    result["pipeline"] = answers
    result["after_pipeline"] = connection.execute("SELECT 7").fetchone()[0]

    with connection.cursor() as cursor:
        with cursor.copy("COPY customers (id, email) TO STDOUT") as copy:
            result["copy"] = b"".join(bytes(block) for block in copy).decode()

with psycopg.connect(**connect) as connection:
    with connection.cursor(name="walk") as cursor:
        cursor.itersize = 2
        cursor.execute("SELECT id, email FROM customers ORDER BY id")
        result["cursor"] = [list(row) for row in cursor]

# Asked to say it, the driver begins with BEGIN READ WRITE.
with psycopg.connect(**connect) as connection:
    connection.read_only = False
    result["read_write"] = connection.execute("SELECT count(*) FROM customers").fetchone()[0]
    result["transaction_read_only"] = connection.execute("SHOW transaction_read_only").fetchone()[0]

print(json.dumps(result))
