"""How many requests a key may make, and the headers that say so.

Decided here: one bucket of tokens a key, as large as a minute's allowance, filled evenly. The clock is passed in. Called by server.py.
"""

from dataclasses import dataclass, field

from .wire import ApiError

UNLIMITED_REQUESTS = 30_000  # what the headers claim when there is no limit
UNLIMITED_TOKENS = 150_000_000


@dataclass
class Limits:
    """The buckets of all keys; `a_minute` 0 is no limit."""

    a_minute: int = 0
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, key: str, now: float) -> None:
        """Use up one request. Raises: ApiError 429 with the wait until the next is free, in whole seconds and in milliseconds."""
        if not self.a_minute:
            return
        left = self._left(key, now)
        if left < 1:
            wait_s = (1 - left) * 60 / self.a_minute
            headers = {"retry-after": str(max(1, round(wait_s))), "retry-after-ms": str(int(wait_s * 1000) + 1)}
            message = f"Rate limit reached for requests per min (RPM): Limit {self.a_minute}. Try again in {wait_s:.3f}s."
            raise ApiError(429, message, code="rate_limit_exceeded", kind="requests", headers=headers)
        self._buckets[key] = (left - 1, now)

    def headers(self, key: str, now: float) -> dict[str, str]:
        """The rate limit headers of an answer."""
        limit = self.a_minute or UNLIMITED_REQUESTS
        left = self._left(key, now) if self.a_minute else float(limit)
        reset_s = (limit - left) * 60 / limit
        return {
            "x-ratelimit-limit-requests": str(limit),
            "x-ratelimit-remaining-requests": str(int(left)),
            "x-ratelimit-reset-requests": f"{reset_s:.3f}s",
            "x-ratelimit-limit-tokens": str(UNLIMITED_TOKENS),
            "x-ratelimit-remaining-tokens": str(UNLIMITED_TOKENS),
            "x-ratelimit-reset-tokens": "0s",
        }

    def _left(self, key: str, now: float) -> float:
        left, since = self._buckets.get(key, (float(self.a_minute), now))
        return min(float(self.a_minute), left + (now - since) * self.a_minute / 60)
