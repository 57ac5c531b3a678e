-- clb_access_log: Classic Load Balancer access log, panther columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `clb_access_log` (
  `eventid` string COMMENT 'Identifier of the event: the first 16 hex digits of SHA-256 over bucket, key and version or etag, a dash, the line number in ten digits. The same on every replay.',
  `timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `accountid` string COMMENT 'AWS account that owns the load balancer, from the object\'s key; null where the key does not tell.',
  `region` string COMMENT 'AWS region of the load balancer, from the object\'s key; null where the key does not tell.',
  `elb` string COMMENT 'Name of the load balancer.',
  `clientip` string COMMENT 'Address of the client, as logged.',
  `clientport` int COMMENT 'Port of the client.',
  `backendip` string COMMENT 'Address of the instance; null where the request reached none.',
  `backendport` int COMMENT 'Port of the instance; null where there is no instance address.',
  `requestprocessingtime` double COMMENT 'Seconds from receiving the request to sending it to an instance; null when not measured (-1).',
  `backendprocessingtime` double COMMENT 'Seconds from sending the request to an instance to its first response header; null when not measured (-1).',
  `responseprocessingtime` double COMMENT 'Seconds from the instance\'s response header to sending the response to the client; null when not measured (-1).',
  `elbstatuscode` int COMMENT 'HTTP status code that the load balancer sent; null for TCP and SSL listeners.',
  `backendstatuscode` int COMMENT 'HTTP status code that the instance sent; null for TCP and SSL listeners.',
  `receivedbytes` bigint COMMENT 'Bytes of the request, headers excluded.',
  `sentbytes` bigint COMMENT 'Bytes of the response, headers excluded.',
  `requesthttpmethod` string COMMENT 'HTTP method of the request line; null where it has none.',
  `requesturl` string COMMENT 'URL of the request line, whole, query string included.',
  `requesthttpversion` string COMMENT 'HTTP version of the request line; null where it has none.',
  `requestscheme` string COMMENT 'Scheme of the URL; null where the URL does not split.',
  `requesthost` string COMMENT 'Host of the URL, as logged; null where the URL does not split.',
  `requestport` int COMMENT 'Port of the URL; null where it has none or the URL does not split.',
  `requestpath` string COMMENT 'Path of the URL, without query string and fragment; null where it has none.',
  `useragent` string COMMENT 'User agent as the client sent it; may hold line breaks.',
  `sslcipher` string COMMENT 'TLS cipher of an HTTPS or SSL listener; null for others.',
  `sslprotocol` string COMMENT 'TLS protocol of an HTTPS or SSL listener; null for others.',
  `extrafields` array<string> COMMENT 'Fields behind the last one this version knows, verbatim tokens in the order of the line; null where there are none.',
  `sourcebucket` string COMMENT 'Bucket of the log object; local for a file.',
  `sourcekey` string COMMENT 'Key of the log object.',
  `sourceline` bigint COMMENT 'Number of the line in the log object, from 1; the first one where an entry spreads over several.'
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
