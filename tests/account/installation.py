"""The template's data resources in moto: buckets, notifications, queues, tables and saved queries.

They are created through the AWS APIs from the properties of the translated template, so they have its names, filters and
limits. Roles and policies are omitted, because moto allows everything. The tests provide the function and its mapping.
"""

import json
import re
from urllib.parse import quote_plus

from stand_ins import client


class Installation:
    """A stack in an account."""

    def __init__(self, endpoint: str, stack: dict) -> None:
        self.endpoint, self._resources, self._outputs = endpoint, stack["Resources"], stack["Outputs"]
        self._names: dict[str, str] = {}
        self.s3, self.sqs, self._glue, self._athena = (client(name, endpoint) for name in ("s3", "sqs", "glue", "athena"))
        # The object queue refers to the dead-letter queue.
        for name in ("DeadLetters", "ObjectQueue"):
            if name in self._resources:
                self._make_queue(name)
        for name, bucket in self._of_type("AWS::S3::Bucket"):
            self.s3.create_bucket(Bucket=bucket["BucketName"])
            self._names[name] = bucket["BucketName"]
        for _, bucket in self._of_type("AWS::S3::Bucket"):
            self._notify(bucket)
        self._make_catalog()

    def properties(self, name: str) -> dict:
        """Returns the properties of a resource, with resolved references."""
        return self._resolved(self._resources[name]["Properties"])

    def output(self, name: str) -> str:
        """Returns the value of an output."""
        return self._resolved(self._outputs[name]["Value"])

    def queue(self, name: str) -> str:
        """Returns the URL of a queue."""
        return self._names[name]

    def follow_bucket(self, bucket: str) -> None:
        """Sends the events of an existing bucket to the template's EventBridge rule, as scripts/enable-events does."""
        events = client("events", self.endpoint)
        self.s3.create_bucket(Bucket=bucket)
        rule = self.properties("ObjectRule")
        events.put_rule(Name=rule["Name"], EventPattern=json.dumps(rule["EventPattern"]))
        assert not events.put_targets(Rule=rule["Name"], Targets=rule["Targets"])["FailedEntryCount"]
        # moto does not return this part of a bucket's configuration, and scripts/enable-events stops if what it wrote is not
        # returned. tests/template/test_enable_events.py tests the script.
        on = {"EventBridgeConfiguration": {}}
        self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=on)

    def follow_topic(self, bucket: str) -> None:
        """Subscribes the template's queue to an existing topic, which an existing bucket notifies."""
        sns = client("sns", self.endpoint)
        self.s3.create_bucket(Bucket=bucket)
        subscription = self.properties("QueueSubscription")
        topic = subscription["TopicArn"]
        assert sns.create_topic(Name=topic.split(":")[-1])["TopicArn"] == topic
        # moto also encodes the slashes in the key of a notification; S3 does not.
        policy = subscription["FilterPolicy"]
        (prefix,) = policy["Records"]["s3"]["object"]["key"]
        prefix["prefix"] = quote_plus(prefix["prefix"])
        sns.subscribe(
            TopicArn=topic, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"],
            Attributes={
                "FilterPolicyScope": subscription["FilterPolicyScope"],
                "FilterPolicy": json.dumps(policy),
                "RedrivePolicy": json.dumps(subscription["RedrivePolicy"]),
            },
        )  # fmt: skip
        notifications = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
        self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=notifications)

    def tables(self) -> list[dict]:
        """Returns the table definitions in Glue."""
        return self._glue.get_tables(DatabaseName=self._names["Database"])["TableList"]

    def saved_queries(self) -> list[dict]:
        """Returns the saved queries of the workgroup."""
        found = self._athena.list_named_queries(WorkGroup=self._names["Workgroup"])["NamedQueryIds"]
        return [self._athena.get_named_query(NamedQueryId=query)["NamedQuery"] for query in found]

    def _make_queue(self, name: str) -> None:
        properties = self.properties(name)
        attributes = {
            key: json.dumps(value) if isinstance(value, (dict, bool)) else str(value)
            for key, value in properties.items()
            if key not in ("QueueName", "Tags")
        }
        self._names[name] = self.sqs.create_queue(QueueName=properties["QueueName"], Attributes=attributes)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self._names[name], AttributeNames=["QueueArn"])
        self._names[f"{name}.Arn"] = attributes["Attributes"]["QueueArn"]
        self._names[f"{name}.QueueName"] = properties["QueueName"]

    def _notify(self, bucket: dict) -> None:
        notifications = [
            {
                "QueueArn": queue["Queue"],
                "Events": [queue["Event"]],
                "Filter": {"Key": {"FilterRules": queue["Filter"]["S3Key"]["Rules"]}},
            }
            for queue in bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
        ]
        if notifications:
            self.s3.put_bucket_notification_configuration(
                Bucket=bucket["BucketName"], NotificationConfiguration={"QueueConfigurations": notifications}
            )

    def _make_catalog(self) -> None:
        for name, database in self._of_type("AWS::Glue::Database"):
            self._glue.create_database(DatabaseInput=database["DatabaseInput"])
            self._names[name] = database["DatabaseInput"]["Name"]
        for _, table in self._of_type("AWS::Glue::Table"):
            self._glue.create_table(DatabaseName=table["DatabaseName"], TableInput=table["TableInput"])
        for name, group in self._of_type("AWS::Athena::WorkGroup"):
            # The configuration only sets where results are stored.
            self._athena.create_work_group(Name=group["Name"], Description=group["Description"])
            self._names[name] = group["Name"]
        for _, query in self._of_type("AWS::Athena::NamedQuery"):
            self._athena.create_named_query(**query)

    def _of_type(self, kind: str) -> list[tuple[str, dict]]:
        return [(name, self.properties(name)) for name, body in self._resources.items() if body["Type"] == kind]

    def _resolved(self, node: object) -> object:
        """Returns a part of the template, with the names of existing resources in place of references."""
        if isinstance(node, list):
            return [self._resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Ref":
                return self._names.get(argument, node)
            if function == "Fn::GetAtt":
                return self._names.get(".".join(argument), node)
            if function == "Fn::Sub":
                text, own = (argument, {}) if isinstance(argument, str) else argument
                names = self._names | {name: self._resolved(value) for name, value in own.items()}
                return re.sub(r"\$\{([^}]+)\}", lambda found: names.get(found[1], found[0]), text)
        return {key: self._resolved(value) for key, value in node.items()}
