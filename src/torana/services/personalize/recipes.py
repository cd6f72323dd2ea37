"""The recipes that are served here, and how each ranks items.

Source: Amazon Personalize Developer Guide, "Choosing a recipe" and "Choosing a use case".
"""

from collections.abc import Mapping

from torana.model.recommendation import PERSONAL, POPULAR, SIMILAR, TRENDING
from torana.services.personalize.book import Json, absent, invalid

_ARN = "arn:aws:personalize:::recipe/"

CUSTOM: Mapping[str, tuple[str, str]] = {
    "aws-personalized-ranking": (PERSONAL, "PERSONALIZED_RANKING"),
    "aws-personalized-ranking-v2": (PERSONAL, "PERSONALIZED_RANKING"),
    "aws-popularity-count": (POPULAR, "USER_PERSONALIZATION"),
    "aws-similar-items": (SIMILAR, "RELATED_ITEMS"),
    "aws-sims": (SIMILAR, "RELATED_ITEMS"),
    "aws-trending-now": (TRENDING, "POPULAR_ITEMS"),
    "aws-user-personalization": (PERSONAL, "USER_PERSONALIZATION"),
    "aws-user-personalization-v2": (PERSONAL, "USER_PERSONALIZATION"),
}
"""Method and type, by name."""
DOMAIN: Mapping[str, tuple[str, str, str]] = {
    "aws-ecomm-customers-who-viewed-x-also-viewed": (SIMILAR, "ECOMMERCE", "View"),
    "aws-ecomm-frequently-bought-together": (SIMILAR, "ECOMMERCE", "Purchase"),
    "aws-ecomm-popular-items-by-purchases": (POPULAR, "ECOMMERCE", "Purchase"),
    "aws-ecomm-popular-items-by-views": (POPULAR, "ECOMMERCE", "View"),
    "aws-ecomm-recommended-for-you": (PERSONAL, "ECOMMERCE", ""),
    "aws-vod-because-you-watched-x": (SIMILAR, "VIDEO_ON_DEMAND", "Watch"),
    "aws-vod-more-like-x": (SIMILAR, "VIDEO_ON_DEMAND", ""),
    "aws-vod-most-popular": (POPULAR, "VIDEO_ON_DEMAND", "Watch"),
    "aws-vod-top-picks": (PERSONAL, "VIDEO_ON_DEMAND", ""),
    "aws-vod-trending-now": (TRENDING, "VIDEO_ON_DEMAND", ""),
}
"""Method, domain and the type of the events that count, by name."""


def custom(arn: str | None) -> str:
    """The name of a solution's recipe. Raises the service's error."""
    name = (arn or "").removeprefix(_ARN)
    if not arn or not CUSTOM.get(name, ("",))[0]:
        known = ", ".join(each for each, (method, _) in CUSTOM.items() if method)
        raise invalid(f"recipeArn {arn} is not served here: one of {_ARN}{{{known}}} is")
    return name


def of_domain(arn: str, domain: str | None) -> str:
    """The name of a recommender's recipe. Raises the service's error."""
    name = arn.removeprefix(_ARN)
    if name not in DOMAIN or DOMAIN[name][1] != domain:
        raise invalid(f"recipeArn {arn} is not one of the dataset group's domain {domain}")
    return name


def method(arn: str) -> str:
    """How a recipe ranks."""
    name = arn.removeprefix(_ARN)
    return DOMAIN[name][0] if name in DOMAIN else CUSTOM[name][0]


def all_recipes(domain: str | None) -> list[Json]:
    """Those of a domain, or all for solutions."""
    if domain:
        return [_shown(name, domain) for name, each in DOMAIN.items() if each[1] == domain]
    return [_shown(name, None) for name, (each, _) in CUSTOM.items() if each]


def _shown(name: str, domain: str | None) -> Json:
    found: Json = {"name": name, "recipeArn": _ARN + name, "status": "ACTIVE"}
    return {**found, "domain": domain} if domain else found


def described(arn: str) -> Json:
    """One recipe. Raises the service's error."""
    name = arn.removeprefix(_ARN)
    if name in DOMAIN:
        return {**_shown(name, None), "recipeType": DOMAIN[name][0].upper()}
    if not CUSTOM.get(name, ("",))[0]:
        raise absent(arn)
    return {**_shown(name, None), "recipeType": CUSTOM[name][1]}
