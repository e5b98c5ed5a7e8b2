"""A hard cap on money: reserve before a call, settle after it."""

import asyncio
from decimal import Decimal

from rixin.core.money import format_money
from rixin.errors import BudgetReached


class SpendCap:
    """Money of one decision; the sum of what is spent and reserved never passes the cap.

    Args:
        cap: Most that may be spent, or None for no cap.
        spent: What stored rows of this decision have cost already.
        currency: ISO 4217 code, for messages.
    """

    def __init__(self, cap: Decimal | None, *, spent: Decimal, currency: str) -> None:
        self.cap = cap
        self.spent = spent
        self._reserved = Decimal(0)
        self._currency = currency
        self._settled = asyncio.Event()

    async def reserve(self, most: Decimal) -> None:
        """Sets the most that a call can cost aside; waits while calls under way may free some.

        Raises:
            BudgetReached: Nothing under way can make room for it.
        """
        while self.cap is not None and self.spent + self._reserved + most > self.cap:
            if self._reserved <= 0:
                raise BudgetReached(
                    f"the next call could cost {format_money(most, self._currency)} and break the "
                    f"spend cap: {format_money(self.spent, self._currency)} of "
                    f"{format_money(self.cap, self._currency)} is spent",
                    hint="raise budget.decide and run again; every answer so far is stored",
                )
            self._settled.clear()
            await self._settled.wait()
        self._reserved += most

    def settle(self, most: Decimal, actual: Decimal) -> None:
        """Replaces a reservation by what the call did cost."""
        self._reserved -= most
        self.spent += actual
        self._settled.set()
