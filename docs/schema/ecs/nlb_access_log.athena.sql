-- nlb_access_log: Network Load Balancer TLS access log, ecs columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `nlb_access_log` (
  `@timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `ecs` struct<`version`:string>,
  `event` struct<`kind`:string,`module`:string,`dataset`:string,`id`:string,`category`:array<string>,`type`:array<string>,`start`:timestamp,`end`:timestamp,`duration`:bigint>,
  `cloud` struct<`provider`:string,`account`:struct<`id`:string>,`region`:string>,
  `destination` struct<`address`:string,`ip`:string,`port`:int,`bytes`:bigint,`domain`:string>,
  `tls` struct<`cipher`:string,`version`:string,`version_protocol`:string,`curve`:string,`next_protocol`:string,`client`:struct<`server_name`:string>>,
  `aws` struct<`elb`:struct<`log_type`:string,`protocol`:string,`type`:string,`backend`:struct<`ip`:string,`port`:int>,`connection_time`:struct<`ms`:bigint>,`tls_handshake_time`:struct<`ms`:bigint>,`chosen_cert`:struct<`arn`:string,`serial`:string>,`ssl_cipher`:string,`ssl_protocol`:string,`tls_named_group`:string,`alpn_fe_protocol`:string,`name`:string,`source_line`:bigint,`version`:string,`listener`:string,`incoming_tls_alert`:string,`alpn_be_protocol`:string,`alpn_client_preference_list`:array<string>,`extra_fields`:array<string>>,`s3`:struct<`bucket`:struct<`name`:string>,`object`:struct<`key`:string>>>,
  `source` struct<`address`:string,`ip`:string,`port`:int,`bytes`:bigint>
)
COMMENT 'Network Load Balancer TLS access log'
PARTITIONED BY (
  `date` string COMMENT 'Day of the event, UTC, YYYY-MM-DD; from the folder.'
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
WITH SERDEPROPERTIES (
  'serialization.format' = '1'
)
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/nlb_access_log/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.range' = '2014-01-01,NOW',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/nlb_access_log/date=${date}/'
)
