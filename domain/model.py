"""The two model shapes every domain value is made of."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Instant = AwareDatetime
Sha1 = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]

DEFAULT_PRODUCT = "default"


class Value(BaseModel):
    """A frozen value; unknown keys are errors, because people write these by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Record(BaseModel):
    """A frozen, versioned value that is stored; readers tolerate fields added later."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    product_id: str = DEFAULT_PRODUCT
