"""The choices of parameters under test: each source, trigger and destination, and all options together."""

KEY = "arn:aws:kms:us-east-1:123456789012:key/0e7d5c3a-0001-4b1f-9d26-7a3c8e5f1b01"
TOPIC = "arn:aws:sns:us-east-1:111122223333:log-objects"

CHOICES: dict[str, dict] = {
    "defaults": {},
    "direct": {"Trigger": "Direct"},
    "existing-bucket": {"LogSource": "ExistingBucket", "LogPrefix": "web/", "LogBucketVersioned": "Yes"},
    "existing-bucket-direct": {"LogSource": "ExistingBucket", "Trigger": "Direct"},
    "existing-topic": {"LogSource": "ExistingTopic", "LogTopicArn": TOPIC, "LogBucketAccount": "111122223333"},
    "existing-topic-direct": {"LogSource": "ExistingTopic", "LogTopicArn": TOPIC, "Trigger": "Direct"},
    "json-by-hour": {"EventFormat": "json", "PartitionBy": "hour", "EventPrefix": "elb/"},
    "existing-events": {"EventBucket": "Existing", "EventBucketAccount": "444455556666", "EventBucketKeyArn": KEY},
    "ecs": {"Schema": "ecs", "EventFormat": "json"},
    "ocsf-stream": {"Schema": "ocsf", "Destination": "NewStream", "StreamDelivery": "Json"},
    "stream-json": {"Destination": "NewStream", "StreamDelivery": "Json"},
    "stream-json-one-table": {"Destination": "NewStream", "StreamDelivery": "Json", "StreamTable": "clb_access_log"},
    "stream-parquet": {
        "Destination": "NewStream",
        "StreamDelivery": "Parquet",
        "StreamTable": "alb_access_log",
        "EventBucket": "Existing",
    },
    "stream-iceberg": {
        "Destination": "NewStream",
        "StreamDelivery": "Iceberg",
        "StreamTable": "nlb_access_log",
        "StreamRecords": "single",
        "IcebergTable": "elb.nlb_access_log",
        "EventBucket": "Existing",
        "EventBucketKeyArn": KEY,
        "StreamBytesPerSecond": "524288",
    },
    "existing-stream": {"Destination": "ExistingStream", "StreamName": "elb-events"},
    "existing-stream-one-table": {
        "Destination": "ExistingStream",
        "StreamName": "elb-events",
        "StreamTable": "clb_access_log",
        "StreamRecords": "single",
        "Exclude": "**/us-gov-*/**",
    },
    # A region without an account of its own for log delivery.
    "new-region": {"region": "eu-central-2"},
    "everything": {
        "LogPrefix": "web/",
        "LogAccounts": "123456789012,111122223333,444455556666",
        "LogExpirationDays": 90,
        "EventPrefix": "elb/",
        "EventBucketKeyArn": KEY,
        "Timeout": 900,
        "Exclude": "**/us-gov-*/**",
        "AlarmTopicArn": TOPIC,
        "AlarmEmail": "ops@example.com",
        "Tracing": "Active",
        "VpcSubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        "VpcSecurityGroupIds": "sg-0123456789abcdef0",
        "OperationsKeyArn": KEY,
        "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    },
    "everything-direct": {
        "LogSource": "ExistingBucket",
        "LogBucketKeyArn": KEY,
        "Trigger": "Direct",
        "OperationsKeyArn": KEY,
        "Tracing": "Active",
        "AlarmEmail": "ops@example.com",
    },
}
