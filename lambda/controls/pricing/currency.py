"""What AWS tells in other money than USD: in China all prices and bills are in CNY."""

# The fewest CNY that a dollar has bought for years, so that what it makes of a price is not too low. Not a quotation.
_PER_USD = {"USD": 1.0, "CNY": 6.3}


class UnknownCurrencyError(ValueError):
    """An amount in money that nobody here can change."""


def usd(amount: float, unit: str) -> float:
    """Raises UnknownCurrencyError."""
    if unit not in _PER_USD:
        raise UnknownCurrencyError(f"{amount} {unit} is neither USD nor CNY")
    return amount / _PER_USD[unit]
