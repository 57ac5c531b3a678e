-- alb_connection_log: Application Load Balancer connection log, ecs columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `alb_connection_log` (
  `@timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `ecs` struct<`version`:string>,
  `event` struct<`kind`:string,`module`:string,`dataset`:string,`id`:string,`category`:array<string>,`type`:array<string>,`end`:timestamp,`outcome`:string>,
  `cloud` struct<`provider`:string,`account`:struct<`id`:string>,`region`:string>,
  `source` struct<`address`:string,`ip`:string,`port`:int>,
  `client` struct<`ip`:string,`port`:int>,
  `destination` struct<`port`:int,`address`:string,`ip`:string>,
  `aws` struct<`elb`:struct<`log_type`:string,`protocol`:string,`listener`:string,`ssl_protocol`:string,`ssl_cipher`:string,`leaf_client_cert_subject`:string,`leaf_client_cert_not_before`:timestamp,`leaf_client_cert_not_after`:timestamp,`leaf_client_cert_serial_number`:string,`tls_verify_status`:string,`tls_error_code`:string,`tls_verify_status_logged`:string,`tls_named_group`:string,`name`:string,`source_line`:bigint,`tls_handshake_latency`:double,`leaf_client_cert_validity`:string,`conn_trace_id`:string,`extra_fields`:array<string>>,`s3`:struct<`bucket`:struct<`name`:string>,`object`:struct<`key`:string>>>,
  `tls` struct<`version`:string,`version_protocol`:string,`cipher`:string,`curve`:string,`client`:struct<`subject`:string,`not_before`:timestamp,`not_after`:timestamp,`x509`:struct<`serial_number`:string>>>
)
COMMENT 'Application Load Balancer connection log'
PARTITIONED BY (
  `date` string COMMENT 'Day of the event, UTC, YYYY-MM-DD; from the folder.'
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
WITH SERDEPROPERTIES (
  'serialization.format' = '1'
)
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/alb_connection_log/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.range' = '2014-01-01,NOW',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/alb_connection_log/date=${date}/'
)
