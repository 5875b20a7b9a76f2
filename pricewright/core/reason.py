"""Why a price is recommended, or why none is, in a sentence: the price list and the price API say the same.

Numpy only.
"""

from pricewright.core.plan import Product

TINY = 1e-9


def reason(
    product: Product,
    price: float,
    chance: float,
    family: str | None,
    objective: str,
    minimum_probability: float,
    *,
    uncosted: bool = False,
) -> str:
    """Why this price. chance: that it gains; family: None where the product competes with nobody.

    uncosted: profit is the objective and the unit cost is not known, so that sales decided.
    """
    return _why(product, price, chance, family, objective, minimum_probability) + (
        " (no unit cost known)" if uncosted else ""
    )


def _why(
    product: Product, price: float, chance: float, family: str | None, objective: str, minimum_probability: float
) -> str:
    if product.fixed:
        return "keep: the sales of this shop say too little about how its demand answers to a price"
    if abs(price - product.current) <= TINY:
        return (
            f"keep: no price within the guardrail gains expected {objective} with the probability of "
            f"{minimum_probability:.2f} that is asked for"
        )
    raised = price > product.current
    if family:
        why = (
            f"the buyers it loses mostly stay in {family} or pay the higher price"
            if raised
            else f"it wins more buyers than it takes from the others of {family}"
        )
    else:
        why = (
            "demand is inelastic here: fewer units, each earning more"
            if raised
            else "demand is elastic here: the units gained outweigh the lower price"
        )
    ends = len(product.candidates) > 1 and price in (product.candidates[0], product.candidates[-1])
    edge = "; the guardrail ends here, the best price may lie beyond" if ends else ""
    step = f"{'raise' if raised else 'lower'} by {abs(price / product.current - 1):.1%}"
    return f"{step} for more expected {objective} (probability {chance:.2f}): {why}{edge}"
