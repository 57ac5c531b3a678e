-- alb_connection_log: Application Load Balancer connection log, panther columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `alb_connection_log` (
  `eventid` string COMMENT 'Identifier of the event: the first 16 hex digits of SHA-256 over bucket, key and version or etag, a dash, the line number in ten digits. The same on every replay.',
  `timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `accountid` string COMMENT 'AWS account that owns the load balancer, from the object\'s key; null where the key does not tell.',
  `region` string COMMENT 'AWS region of the load balancer, from the object\'s key; null where the key does not tell.',
  `elb` string COMMENT 'Resource id of the load balancer, in the form app/name/id; from the key where the line has none.',
  `clientip` string COMMENT 'Address of the client, as logged.',
  `clientport` int COMMENT 'Port of the client.',
  `listenerport` int COMMENT 'Port of the listener.',
  `tlsprotocol` string COMMENT 'TLS protocol of the connection; null for plain HTTP.',
  `tlscipher` string COMMENT 'TLS cipher of the connection; null for plain HTTP.',
  `tlshandshakelatency` double COMMENT 'Seconds of the TLS handshake; null where none succeeded.',
  `leafclientcertsubject` string COMMENT 'Subject of the client\'s leaf certificate; null without mutual TLS.',
  `leafclientcertvalidity` string COMMENT 'Validity of the client\'s leaf certificate, as logged: NotBefore=...;NotAfter=....',
  `leafclientcertnotbefore` timestamp COMMENT 'Start of the validity of the client\'s leaf certificate, UTC.',
  `leafclientcertnotafter` timestamp COMMENT 'End of the validity of the client\'s leaf certificate, UTC.',
  `leafclientcertserialnumber` string COMMENT 'Serial number of the client\'s leaf certificate, in hex, longer than any integer.',
  `tlsverifystatus` string COMMENT 'Success, or Failed:code with the reason; null for plain HTTP.',
  `conntraceid` string COMMENT 'Identifier of the connection; joins to conn_trace_id of the access log.',
  `tlskeyexchange` string COMMENT 'Key exchange of the TLS handshake.',
  `ipaddress` string COMMENT 'Address of the load balancer node that took the connection.',
  `extrafields` array<string> COMMENT 'Fields behind the last one this version knows, verbatim tokens in the order of the line; null where there are none.',
  `sourcebucket` string COMMENT 'Bucket of the log object; local for a file.',
  `sourcekey` string COMMENT 'Key of the log object.',
  `sourceline` bigint COMMENT 'Number of the line in the log object, from 1; the first one where an entry spreads over several.'
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
