"""Where automations send their notices: a webhook that takes JSON, such as those of Slack, Mattermost or Teams."""

from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock

NAME = "pricewright-notice"
TEXT = {"text": "{{subject}}: {{body}}", "subject": "{{subject}}", "body": "{{body}}"}


def apply_notice(url: str) -> UUID:
    """The block's id; a block of that name gets the new address."""
    block = CustomWebhookNotificationBlock(
        name="Pricewright", url=url, method="POST", json_data=TEXT, cookies=None, headers=None
    )
    return UUID(str(block.save(NAME, overwrite=True)))
