"""Budgets. moto keeps who is to be told, and cannot say so; it lets go of the budget's tags and lists none."""

from __future__ import annotations

import json

from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse

from .seams import Method, around, asked, operation


def the_budget(response: BudgetsResponse) -> Budget:
    body = asked(response)
    response.backend.describe_budget(body["AccountId"], body["BudgetName"])
    return response.backend.budgets[body["AccountId"]][body["BudgetName"]]


def budget_of(response: BudgetsResponse) -> Budget:
    """By the ARN that tags are asked by."""
    arn = asked(response)["ResourceARN"]
    return response.backend.budgets[arn.split(":")[4]][arn.partition(":budget/")[2]]


@operation(BudgetsResponse)
def describe_subscribers_for_notification(response: BudgetsResponse) -> str:
    asked_for = asked(response)["Notification"]
    found = [each.subscribers for each in the_budget(response).notifications if same(each.details, asked_for)]
    return json.dumps({"Subscribers": found[0] if found else []})


def same(one: dict[str, object], other: dict[str, object]) -> bool:
    names = ("ComparisonOperator", "NotificationType", "Threshold")
    return all(one.get(name) == other.get(name) for name in names)


@operation(BudgetsResponse)
def update_budget(response: BudgetsResponse) -> str:
    body = asked(response)
    new = body["NewBudget"]
    response.backend.budgets[body["AccountId"]][new["BudgetName"]].budget.update(new)
    return json.dumps({})


@around(BudgetsResponse, "create_budget")
def create_budget(original: Method, response: BudgetsResponse) -> str:
    answer: str = original(response)
    body = asked(response)
    made = response.backend.budgets[body["AccountId"]][body["Budget"]["BudgetName"]]
    made.tags = {tag["Key"]: tag["Value"] for tag in body.get("ResourceTags", [])}
    return answer


@operation(BudgetsResponse)
def list_tags_for_resource(response: BudgetsResponse) -> str:
    tags = budget_of(response).tags
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]})


@operation(BudgetsResponse)
def tag_resource(response: BudgetsResponse) -> str:
    budget_of(response).tags.update({tag["Key"]: tag["Value"] for tag in asked(response)["ResourceTags"]})
    return json.dumps({})


@operation(BudgetsResponse)
def untag_resource(response: BudgetsResponse) -> str:
    for name in asked(response)["ResourceTagKeys"]:
        budget_of(response).tags.pop(name, None)
    return json.dumps({})
