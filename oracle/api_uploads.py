"""POST /v1/uploads: a charge record in the request's body is kept as UP-..., to be asked about."""

from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from tools.errors import BadArgument, CannotAnswer

PATH = "/v1/uploads"
MAX_UPLOAD_BYTES = 500_000_000


def install_uploads(app: FastAPI, agent) -> None:
    """Add the route; records belong to the tenant of `agent.context`."""

    @app.post(PATH)
    async def upload(request: Request, name: str, cell: str | None = None, chemistry: str | None = None,
                     nominal_ah: float | None = None, limit_v: float | None = None, cutoff_v: float | None = None):
        """The body is the file; `name` its name with .csv, .txt or .parquet, the rest says which cell it is."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"record{Path(name).suffix.lower()}"
            await _received(request, path)
            try:
                return await run_in_threadpool(_kept, path, Path(name).name, (cell, chemistry, nominal_ah, limit_v,
                                                                              cutoff_v), agent.context)
            except BadArgument as error:
                raise HTTPException(400, str(error)) from None
            except CannotAnswer as error:
                raise HTTPException(422, str(error).replace(path.name, Path(name).name)) from None


async def _received(request: Request, path: Path) -> None:
    """Write the body to a file as it comes; 413 when it is too long."""
    received = 0
    with path.open("wb") as file:
        async for piece in request.stream():
            received += len(piece)
            if received > MAX_UPLOAD_BYTES:
                raise HTTPException(413, f"The file is larger than {MAX_UPLOAD_BYTES} bytes.")
            file.write(piece)


def _kept(path: Path, name: str, cell: tuple, context) -> dict:
    from tools.uploads import described, newest, read_charges, store

    facts, stored = described(*cell)
    read = newest(read_charges(path, facts))
    return {"object": "upload", "upload_id": store(read, stored, name, context), **read.shown()}
