"""Every setting of the program, read from ORACLE_* environment variables by mains and nowhere else.

A leaf: imports nothing of ours. `Settings()` reads the environment; everything below a main gets the
values handed in.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVED_NAME = "battery-oracle"

# vLLM's own switches for each kind of machine; add tensor or expert parallelism with ORACLE_VLLM_ARGS.
SERVING_PRESETS = {
    "cpu": ("--enforce-eager", "--dtype", "bfloat16"),
    "gpu": ("--dtype", "bfloat16", "--gpu-memory-utilization", "0.85"),
}


class Settings(BaseSettings):
    """The program's settings; the environment variable of `home` is ORACLE_HOME, and so on."""

    model_config = SettingsConfigDict(env_prefix="ORACLE_", frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(Path(".oracle"), description="everything the program writes lies here")
    envelope: Literal["datasheet", "physics"] = Field("datasheet", description="which limits bind a charge")
    tenant: str | None = Field(None, description="whose data may be read; empty: everybody's")
    fleet_url: str | None = Field(None, description="SQLAlchemy URL of the fleet; empty: SQLite under home")
    embedding_model: str = Field("all-MiniLM-L6-v2", description="sentence-transformers model of the document index")

    model: str = Field("", description="checkpoint that vLLM serves: path or hub name; empty: HOME/model")
    device: Literal["cpu", "gpu"] = Field("cpu", description="serving preset")
    vllm_url: str = Field("", description="a vLLM that already runs (http://host:port/v1); empty: start one")
    vllm_args: str = Field("", description="more arguments for vLLM, as on a command line")
    max_model_len: int = Field(8192, ge=512, description="tokens of prompt and answer together")
    kv_cache_gib: int = Field(2, ge=1, description="memory for the key-value cache on a CPU, GiB")
    start_timeout_s: float = Field(600, gt=0, description="how long vLLM may take to start, seconds")

    host: str = Field("127.0.0.1", description="where API and chat listen")
    port: int = Field(8000, ge=1, le=65535, description="API")
    chat_port: int = Field(7860, ge=1, le=65535, description="chat")
    vllm_port: int = Field(8001, ge=1, le=65535, description="our own vLLM, on loopback")

    @property
    def model_path(self) -> str:
        """The checkpoint to serve: ORACLE_MODEL, else HOME/model."""
        return self.model or str(self.home / "model")

    @property
    def llm_url(self) -> str:
        """OpenAI endpoint of the language model."""
        return (self.vllm_url or f"http://127.0.0.1:{self.vllm_port}/v1").rstrip("/")


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: this one's and `extra`."""
    return {**os.environ, **extra}
