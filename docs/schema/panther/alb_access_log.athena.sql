-- alb_access_log: Application Load Balancer access log, panther columns, schema version 1. Parquet, a folder for each day.
-- Put the destination of your runs in the place of s3://BUCKET/PREFIX wherever it stands below,
-- or make this statement with --location.
-- No crawler is needed: Athena works out the folders from 2014-01-01 to today. Make that the day of your first log,
-- because a query that does not select by date looks for every folder of the range.
CREATE EXTERNAL TABLE IF NOT EXISTS `alb_access_log` (
  `eventid` string COMMENT 'Identifier of the event: the first 16 hex digits of SHA-256 over bucket, key and version or etag, a dash, the line number in ten digits. The same on every replay.',
  `timestamp` timestamp COMMENT 'Time of the event, UTC, microseconds; the field that AWS calls time or timestamp.',
  `accountid` string COMMENT 'AWS account that owns the load balancer, from the object\'s key; null where the key does not tell.',
  `region` string COMMENT 'AWS region of the load balancer, from the object\'s key; null where the key does not tell.',
  `type` string COMMENT 'Type of request: http, https, h2, grpcs, ws, wss, or a newer one.',
  `elb` string COMMENT 'Resource id of the load balancer, in the form app/name/id.',
  `clientip` string COMMENT 'Address of the client, or of the proxy in front of the load balancer, as logged.',
  `clientport` int COMMENT 'Port of the client.',
  `targetip` string COMMENT 'Address of the target; null for Lambda targets, WAF blocks and requests that never reached one.',
  `targetport` int COMMENT 'Port of the target; null where there is no target address.',
  `requestprocessingtime` double COMMENT 'Seconds from receiving the request to sending it to a target; null when not measured (-1).',
  `targetprocessingtime` double COMMENT 'Seconds from sending the request to a target to its first response header; null when not measured (-1).',
  `responseprocessingtime` double COMMENT 'Seconds from the target\'s response header to sending the response to the client; null when not measured (-1).',
  `elbstatuscode` int COMMENT 'HTTP status code that the load balancer sent to the client.',
  `targetstatuscode` int COMMENT 'HTTP status code that the target sent; null where no target answered.',
  `receivedbytes` bigint COMMENT 'Bytes received from the client, headers included; for WebSockets the whole connection.',
  `sentbytes` bigint COMMENT 'Bytes sent to the client, headers included; for WebSockets the whole connection.',
  `requesthttpmethod` string COMMENT 'HTTP method of the request line; null where it has none.',
  `requesturl` string COMMENT 'URL of the request line, whole, query string included.',
  `requesthttpversion` string COMMENT 'HTTP version of the request line; null where it has none.',
  `requestscheme` string COMMENT 'Scheme of the URL; null where the URL does not split.',
  `requesthost` string COMMENT 'Host of the URL, as logged; null where the URL does not split.',
  `requestport` int COMMENT 'Port of the URL; null where it has none or the URL does not split.',
  `requestpath` string COMMENT 'Path of the URL, without query string and fragment; null where it has none.',
  `useragent` string COMMENT 'User agent as the client sent it, truncated by AWS at 8 KB.',
  `sslcipher` string COMMENT 'TLS cipher of an HTTPS listener; null for others.',
  `sslprotocol` string COMMENT 'TLS protocol of an HTTPS listener; null for others.',
  `targetgrouparn` string COMMENT 'ARN of the target group.',
  `traceid` string COMMENT 'Contents of the X-Amzn-Trace-Id header.',
  `domainname` string COMMENT 'Server name that the client asked for in the TLS handshake (SNI).',
  `chosencertarn` string COMMENT 'ARN of the certificate presented to the client, or session-reused.',
  `matchedruleprioritylogged` string COMMENT 'Priority of the matching rule: 1 to 50000, 0 for the default rule, -1 for an error while evaluating rules.',
  `requestcreationtime` timestamp COMMENT 'Time when the load balancer received the request, UTC, microseconds.',
  `actionsexecuted` array<string> COMMENT 'Actions taken for the request, in order, such as waf, authenticate, forward, redirect, fixed-response.',
  `redirecturl` string COMMENT 'URL of the redirect that was sent; null where there was none.',
  `errorreason` string COMMENT 'Reason code of a failed authentication, Lambda target, WAF check and the like.',
  `targetportlist` array<string> COMMENT 'Addresses and ports of the targets that handled the request, each address:port.',
  `targetstatuslist` array<string> COMMENT 'HTTP status codes of the targets that handled the request.',
  `classification` string COMMENT 'Desync classification: Acceptable, Ambiguous or Severe; null where the request complies with the RFC.',
  `classificationreason` string COMMENT 'Reason code of the desync classification.',
  `conntraceid` string COMMENT 'Identifier of the connection; joins to conn_trace_id of the connection log.',
  `transformedhost` string COMMENT 'Host after a rewrite by a rule; null where nothing was rewritten.',
  `transformeduri` string COMMENT 'URI after a rewrite by a rule; null where nothing was rewritten.',
  `requesttransformstatus` string COMMENT 'Outcome of the rewrite; null where there was none.',
  `ipaddress` string COMMENT 'Address of the load balancer node that handled the request.',
  `extrafields` array<string> COMMENT 'Fields behind the last one this version knows, verbatim tokens in the order of the line; null where there are none.',
  `sourcebucket` string COMMENT 'Bucket of the log object; local for a file.',
  `sourcekey` string COMMENT 'Key of the log object.',
  `sourceline` bigint COMMENT 'Number of the line in the log object, from 1; the first one where an entry spreads over several.',
  `matchedrulepriority` bigint COMMENT 'Priority of the matching rule: 1 to 50000, 0 for the default rule, -1 for an error while evaluating rules.'
)
COMMENT 'Application Load Balancer access log'
PARTITIONED BY (
  `date` string COMMENT 'Day of the event, UTC, YYYY-MM-DD; from the folder.'
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
WITH SERDEPROPERTIES (
  'serialization.format' = '1'
)
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://BUCKET/PREFIX/alb_access_log/'
TBLPROPERTIES (
  'classification' = 'parquet',
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.range' = '2014-01-01,NOW',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://BUCKET/PREFIX/alb_access_log/date=${date}/'
)
