-- alb_health_check_log: Application Load Balancer health check log, panther columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `alb_health_check_log` (
  `eventid` string COMMENT 'Identifier of the event: the first 16 hex digits of SHA-256 over bucket, key and version or etag, a dash, the line number in ten digits. The same on every replay.',
  `timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `accountid` string COMMENT 'AWS account that owns the load balancer, from the object\'s key; null where the key does not tell.',
  `region` string COMMENT 'AWS region of the load balancer, from the object\'s key; null where the key does not tell.',
  `type` string COMMENT 'Protocol of the health check: http, https, h2, grpc, lambda, or a newer one.',
  `elb` string COMMENT 'Resource id of the load balancer, in the form app/name/id; from the key where the line has none.',
  `latency` double COMMENT 'Seconds that the health check took.',
  `targetaddr` string COMMENT 'Target as logged: address:port, or the ARN of a Lambda function.',
  `targetip` string COMMENT 'Address of the target; null for a Lambda function.',
  `targetport` int COMMENT 'Port of the target; null for a Lambda function.',
  `targetgroupid` string COMMENT 'Name of the target group.',
  `status` string COMMENT 'Outcome of the health check: PASS or FAIL.',
  `statuscode` int COMMENT 'Status code that the target answered; null where it did not answer.',
  `reasoncode` string COMMENT 'Reason of a failure; null on success.',
  `ipaddress` string COMMENT 'Address of the load balancer node that made the health check.',
  `extrafields` array<string> COMMENT 'Fields behind the last one this version knows, verbatim tokens in the order of the line; null where there are none.',
  `sourcebucket` string COMMENT 'Bucket of the log object; local for a file.',
  `sourcekey` string COMMENT 'Key of the log object.',
  `sourceline` bigint COMMENT 'Number of the line in the log object, from 1; the first one where an entry spreads over several.'
)
COMMENT 'Application Load Balancer health check log'
PARTITIONED BY (
  `date` string COMMENT 'Day of the event, UTC, YYYY-MM-DD; from the folder.'
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
WITH SERDEPROPERTIES (
  'serialization.format' = '1'
)
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/alb_health_check_log/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.range' = '2014-01-01,NOW',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/alb_health_check_log/date=${date}/'
)
