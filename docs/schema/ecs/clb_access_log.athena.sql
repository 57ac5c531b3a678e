-- clb_access_log: Classic Load Balancer access log, ecs columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `clb_access_log` (
  `@timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `ecs` struct<`version`:string>,
  `event` struct<`kind`:string,`module`:string,`dataset`:string,`id`:string,`category`:array<string>,`type`:array<string>,`start`:timestamp,`outcome`:string>,
  `cloud` struct<`provider`:string,`account`:struct<`id`:string>,`region`:string>,
  `http` struct<`request`:struct<`body`:struct<`bytes`:bigint>,`method`:string>,`response`:struct<`body`:struct<`bytes`:bigint>,`status_code`:int>,`version`:string>,
  `aws` struct<`elb`:struct<`log_type`:string,`protocol`:string,`backend`:struct<`ip`:string,`port`:int,`http`:struct<`response`:struct<`status_code`:int>>>,`backend_processing_time`:struct<`sec`:double>,`request_processing_time`:struct<`sec`:double>,`response_processing_time`:struct<`sec`:double>,`ssl_cipher`:string,`ssl_protocol`:string,`name`:string,`source_line`:bigint,`request_proto`:string,`extra_fields`:array<string>>,`s3`:struct<`bucket`:struct<`name`:string>,`object`:struct<`key`:string>>>,
  `source` struct<`address`:string,`ip`:string,`port`:int,`bytes`:bigint>,
  `destination` struct<`bytes`:bigint>,
  `url` struct<`original`:string,`scheme`:string,`domain`:string,`port`:int,`path`:string,`query`:string>,
  `user_agent` struct<`original`:string>,
  `tls` struct<`cipher`:string,`version`:string,`version_protocol`:string>
)
COMMENT 'Classic Load Balancer access log'
PARTITIONED BY (
  `date` string COMMENT 'Day of the event, UTC, YYYY-MM-DD; from the folder.'
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
WITH SERDEPROPERTIES (
  'serialization.format' = '1'
)
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/clb_access_log/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.range' = '2014-01-01,NOW',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/clb_access_log/date=${date}/'
)
