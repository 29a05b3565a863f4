"""What a careful person's own script does: the SDK's `create`, SHA-256, page count, pydantic, and inserts in groups of a hundred.

Run by run.py as a process of its own: `python yardstick.py FOLDER DOCUMENTS IN_FLIGHT DATABASE`, the address in OPENAI_BASE_URL.
"""

import asyncio
import base64
import hashlib
import io
import sys
from itertools import islice
from pathlib import Path

import duckdb
import pypdf
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from openai._types import NOT_GIVEN

from autod_lib import prompt
from autod_lib.document import Record, record_schema

COLUMNS = "sha varchar, pages integer, doc_type varchar, issuer varchar, total double, input_tokens bigint, output_tokens bigint"


async def main(folder: Path, documents: int, in_flight: int, database: str, bare: bool) -> None:
    con = duckdb.connect(database)
    con.execute(f"create table answers ({COLUMNS})")
    rows: list[tuple[object, ...]] = []
    client = AsyncOpenAI(api_key="local", max_retries=0, http_client=DefaultAsyncHttpxClient())
    paths = iter(islice(sorted(folder.iterdir()), documents))

    def insert() -> None:
        places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows))
        con.execute(f"insert into answers values {places}", [value for row in rows for value in row])
        rows.clear()

    async def worker() -> None:
        for path in paths:
            data = path.read_bytes()
            sha = hashlib.sha256(data).hexdigest()
            pages = 0 if bare else len(pypdf.PdfReader(io.BytesIO(data)).pages)
            answer = await client.responses.create(
                model="gpt-6-luna",
                store=False,
                max_output_tokens=4096,
                reasoning={"effort": "low"},
                text={
                    "verbosity": "low",
                    "format": {"type": "json_schema", "name": "document_record", "strict": True, "schema": record_schema()},
                },
                input=[
                    {"role": "system", "content": prompt.SYSTEM},
                    {"role": "developer", "content": prompt.DEVELOPER},
                    {
                        "role": "user",
                        "content": [
                            {"type": "input_text", "text": f"file_name: {path.name}\npage_count: {pages}\n"},
                            {
                                "type": "input_file",
                                "filename": path.name,
                                "file_data": "data:application/pdf;base64," + base64.b64encode(data).decode(),
                            },
                        ],
                    },
                ],
                metadata=NOT_GIVEN,
            )
            if bare:
                continue
            record = Record.model_validate_json(answer.output_text)
            usage = answer.usage
            assert usage is not None
            rows.append((sha, pages, record.doc_type, record.issuer, record.total_amount, usage.input_tokens, usage.output_tokens))
            if len(rows) >= 100:
                insert()

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    if rows:
        insert()
    con.close()
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], "--bare" in sys.argv))
