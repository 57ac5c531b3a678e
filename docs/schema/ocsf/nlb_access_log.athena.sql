-- nlb_access_log: Network Load Balancer TLS access log, ocsf columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `nlb_access_log` (
  `metadata` struct<`version`:string,`uid`:string,`product`:struct<`name`:string,`vendor_name`:string,`feature`:struct<`name`:string>>,`log_provider`:string,`profiles`:array<string>,`log_name`:string,`log_version`:string>,
  `time` bigint COMMENT 'Time of the event, milliseconds since 1970; time_dt has the rest.',
  `time_dt` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `category_uid` int COMMENT 'Number of the category: 4, network activity.',
  `category_name` string COMMENT 'Name of the category.',
  `severity_id` int COMMENT 'Number of the severity: 1, informational.',
  `severity` string COMMENT 'Name of the severity.',
  `cloud` struct<`provider`:string,`account`:struct<`uid`:string>,`region`:string>,
  `load_balancer` struct<`uid`:string,`name`:string>,
  `class_uid` int COMMENT 'Number of the event\'s class: 4002 for requests, 4001 for connections and health checks.',
  `class_name` string COMMENT 'Name of the event\'s class.',
  `connection_info` struct<`direction_id`:int,`direction`:string,`protocol_num`:int,`protocol_name`:string,`protocol_ver_id`:int>,
  `dst_endpoint` struct<`svc_name`:string,`type_id`:int,`type`:string,`uid`:string,`ip`:string,`port`:int>,
  `src_endpoint` struct<`ip`:string,`port`:int>,
  `activity_id` int COMMENT 'Number of what happened, in its class.',
  `activity_name` string COMMENT 'What happened; for a method that OCSF does not know, the method.',
  `type_uid` bigint COMMENT 'Class and activity in one number: class_uid * 100 + activity_id.',
  `type_name` string COMMENT 'Class and activity by their names.',
  `status_id` int COMMENT 'Number of the result: 1 success, 2 failure, 0 unknown, 99 another that the log names.',
  `status` string COMMENT 'The result in a word; null for one that the log names.',
  `start_time` bigint COMMENT 'Time when the connection began, milliseconds since 1970.',
  `start_time_dt` timestamp COMMENT 'Time when the TLS connection began, UTC.',
  `duration` bigint COMMENT 'Milliseconds that the connection lasted.',
  `tls` struct<`version`:string,`cipher`:string,`sni`:string,`alert`:int,`handshake_dur`:int>,
  `traffic` struct<`bytes_out`:bigint,`bytes_in`:bigint>,
  `unmapped` struct<`type`:string,`listener`:string,`client_ip`:string,`client_port`:int,`destination_ip`:string,`tls_handshake_time`:bigint,`incoming_tls_alert`:string,`chosen_cert_arn`:string,`chosen_cert_serial`:string,`tls_cipher`:string,`tls_keyexchange`:string,`domain_name`:string,`alpn_fe_protocol`:string,`alpn_be_protocol`:string,`alpn_client_preference_list`:array<string>,`extra_fields`:array<string>,`source_bucket`:string,`source_key`:string,`source_line`:bigint>
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
