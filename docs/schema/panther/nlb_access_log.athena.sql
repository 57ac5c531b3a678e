-- nlb_access_log: Network Load Balancer TLS access log, panther columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `nlb_access_log` (
  `eventid` string COMMENT 'Identifier of the event: the first 16 hex digits of SHA-256 over bucket, key and version or etag, a dash, the line number in ten digits. The same on every replay.',
  `timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `accountid` string COMMENT 'AWS account that owns the load balancer, from the object\'s key; null where the key does not tell.',
  `region` string COMMENT 'AWS region of the load balancer, from the object\'s key; null where the key does not tell.',
  `type` string COMMENT 'Type of listener: tls, or a newer one.',
  `version` string COMMENT 'Version of the log entry, 2.0 since 2019.',
  `elb` string COMMENT 'Resource id of the load balancer, in the form net/name/id.',
  `listener` string COMMENT 'Resource id of the TLS listener.',
  `clientip` string COMMENT 'Address of the client, as logged.',
  `clientport` int COMMENT 'Port of the client.',
  `destinationip` string COMMENT 'Address of the destination: the load balancer\'s own for direct connections, else the VPC endpoint\'s.',
  `destinationport` int COMMENT 'Port of the destination.',
  `connectiontime` bigint COMMENT 'Milliseconds that the connection lasted.',
  `tlshandshaketime` bigint COMMENT 'Milliseconds of the TLS handshake; null where it failed.',
  `receivedbytes` bigint COMMENT 'Bytes received from the client, after decryption.',
  `sentbytes` bigint COMMENT 'Bytes sent to the client, before encryption.',
  `incomingtlsalert` string COMMENT 'TLS alert that the client sent; null where it sent none.',
  `chosencertarn` string COMMENT 'ARN of the certificate served to the client.',
  `chosencertserial` string COMMENT 'Reserved by AWS; null so far.',
  `tlscipher` string COMMENT 'TLS cipher of the connection; null where the handshake failed.',
  `tlsprotocolversion` string COMMENT 'TLS protocol of the connection, such as tlsv12; null where the handshake failed.',
  `tlskeyexchange` string COMMENT 'Key exchange of the TLS handshake; AWS called it tls_named_group before.',
  `domainname` string COMMENT 'Server name that the client asked for (SNI), URL-encoded as logged.',
  `alpnfeprotocol` string COMMENT 'Application protocol negotiated with the client.',
  `alpnbeprotocol` string COMMENT 'Application protocol negotiated with the target.',
  `alpnclientpreferencelist` array<string> COMMENT 'Application protocols that the client offered, in its order of preference; truncated by AWS at 256 bytes.',
  `tlsconnectioncreationtime` timestamp COMMENT 'Time when the TLS connection began, UTC.',
  `extrafields` array<string> COMMENT 'Fields behind the last one this version knows, verbatim tokens in the order of the line; null where there are none.',
  `sourcebucket` string COMMENT 'Bucket of the log object; local for a file.',
  `sourcekey` string COMMENT 'Key of the log object.',
  `sourceline` bigint COMMENT 'Number of the line in the log object, from 1; the first one where an entry spreads over several.'
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
