"""The price cache as a Prefect block: the Redis that the price API asks before it computes."""

import time

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator

from demand.errors import ParameterError, PricewrightError


class PriceCache(Block):
    """A Redis server (ElastiCache, Valkey, or one's own). The API works without it, only slower."""

    _block_type_name = "Pricewright price cache"
    _block_type_slug = "pricewright-price-cache"

    url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="redis://[user:password@]host:port/database, or rediss:// for TLS.",
    )
    time_out: float = Field(default=0.5, gt=0, le=10, description="Seconds to wait for an answer.")

    @field_validator("url")
    @classmethod
    def _speaks_redis(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("redis://", "rediss://")):
            raise ParameterError("the price cache's url does not start with redis:// or rediss://.")
        return url

    def ping(self) -> float:
        """Milliseconds until the server answers. Raises PricewrightError when it does not."""
        import redis

        started = time.perf_counter()
        try:
            with redis.Redis.from_url(self.url.get_secret_value(), socket_timeout=self.time_out) as client:
                client.ping()
        except redis.RedisError as error:
            raise PricewrightError(
                f"the price cache does not answer: {error}", hint="the price API works without it, only slower."
            ) from None
        return (time.perf_counter() - started) * 1000
