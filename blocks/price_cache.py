"""The price cache as a Prefect block: the Redis that the price API asks before it computes.

Not prefect-redis's RedisDatabase: that one knows no cluster mode, and is a file system, with which any flow could write
into the cache that the price API answers from. This one says where the cache is and whether it answers.
"""

import time
from collections.abc import Mapping
from typing import Any

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator

from blocks.document import NAME, find_in_run
from pricewright.core.errors import ParameterError, PricewrightError

DEPLOY_URL = "PRICEWRIGHT_DEPLOY_REDIS_URL"  # where there is no document: it may hold a password, a request may not


class PriceCache(Block):
    """A Redis or Valkey server: one's own, ElastiCache's nodes, or ElastiCache serverless. The API works without it.

    The flow `deploy-release` gives its url to the function of a stage: that of the document `pricewright-<stage>`,
    else of `pricewright`. A `redis_url` in the request wins over both.

    Attributes:
        url: redis://[user:password@]host:port/database, or rediss:// for TLS. A secret: the UI does not show it.
        cluster: Whether its nodes share the keys (cluster mode); `ping` speaks to it so.
        time_out: Seconds that `ping` waits for an answer.

    Example:
        Give production a cache of its own with its next deployment:

        ```python
        from pydantic import SecretStr

        from blocks.price_cache import PriceCache

        PriceCache(url=SecretStr("rediss://cache.example.com:6379/0")).save("pricewright-production")
        print(PriceCache.load("pricewright-production").ping(), "ms")
        ```
    """

    _block_type_name = "Pricewright price cache"
    _block_type_slug = "pricewright-price-cache"

    url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="redis://[user:password@]host:port/database, or rediss:// for TLS (ElastiCache serverless).",
    )
    cluster: bool = Field(
        default=False,
        description="Its nodes share the keys (cluster mode). Serverless hides its nodes behind one address: no.",
    )
    time_out: float = Field(default=0.5, gt=0, le=10, description="Seconds to wait for an answer.")

    @field_validator("url")
    @classmethod
    def _speaks_redis(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("redis://", "rediss://")):
            raise ParameterError("the price cache's url does not start with redis:// or rediss://.")
        return url

    def ping(self) -> float:
        """Milliseconds until the server answers. Raises PricewrightError when it does not, or its url is not valid."""
        import redis

        started = time.perf_counter()
        try:
            with self._open() as client:
                client.ping()
        except ValueError:  # which repeats parts of the password
            raise ParameterError(
                "the price cache's url cannot be read.", hint="in a password, write / as %2F, @ as %40 and # as %23."
            ) from None
        except (redis.RedisError, OSError) as error:
            raise PricewrightError(
                f"the price cache does not answer: {error}", hint="the price API works without it, only slower."
            ) from None
        return (time.perf_counter() - started) * 1000

    def _open(self) -> Any:
        import redis

        limits = {"socket_timeout": self.time_out, "socket_connect_timeout": self.time_out}
        url = self.url.get_secret_value()
        return redis.RedisCluster.from_url(url, **limits) if self.cluster else redis.Redis.from_url(url, **limits)


def find_cache_url(stage: str, environment: Mapping[str, str]) -> str:
    """The price cache of a stage's function: the document's, else that of PRICEWRIGHT_DEPLOY_REDIS_URL, else "".

    Raises ParameterError for a cluster whose nodes share the keys: the function speaks to one address.
    """
    block = find_in_run(PriceCache, f"{NAME}-{stage}", NAME)
    if block is None:
        return environment.get(DEPLOY_URL, "")
    if block.cluster:
        raise ParameterError(
            f"the price cache of {stage} is in cluster mode, which the price API does not speak.",
            hint="give the address of a server without it, or of ElastiCache serverless, and set cluster to no.",
        )
    return block.url.get_secret_value()
