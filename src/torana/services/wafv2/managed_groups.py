"""Rule groups that come with the gateway.

Source: WAFV2 API Reference, "ListAvailableManagedRuleGroups".
"""

from torana.services.ports import Call
from torana.services.wafv2.book import Json, nonexistent, page, regional
from torana.waf.managed import MANAGED, VENDOR


class ManagedGroups:
    """What there is of them."""

    async def ListAvailableManagedRuleGroups(self, call: Call, params: Json) -> Json:
        regional(params)
        found = [
            {
                "VendorName": VENDOR,
                "Name": name,
                "Description": group.description,
                "VersioningSupported": False,
            }
            for name, group in MANAGED.items()
        ]
        return page(found, params, "ManagedRuleGroups")

    async def DescribeManagedRuleGroup(self, call: Call, params: Json) -> Json:
        regional(params)
        group = MANAGED.get(params["Name"]) if params["VendorName"] == VENDOR else None
        if group is None:
            raise nonexistent()
        space = f"awswaf:managed:aws:{group.space}:"
        labels = [label["Name"] for rule in group.rules for label in rule["RuleLabels"]]
        return {
            "Capacity": group.capacity,
            "Rules": [{"Name": rule["Name"], "Action": rule["Action"]} for rule in group.rules],
            "LabelNamespace": space,
            "AvailableLabels": [{"Name": space + label} for label in labels],
        }

    async def ListAvailableManagedRuleGroupVersions(self, call: Call, params: Json) -> Json:
        regional(params)
        if params["VendorName"] != VENDOR or params["Name"] not in MANAGED:
            raise nonexistent()
        return {"Versions": []}
