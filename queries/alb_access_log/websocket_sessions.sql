-- How long do WebSocket sessions last, and how many bytes do they transfer?
-- A WebSocket's event is written when the connection closes.
select
  request_host,
  request_path,
  count(*) as sessions,
  round(avg(date_diff('millisecond', request_creation_time, "timestamp")) / 1e3, 1) as mean_seconds,
  max(date_diff('millisecond', request_creation_time, "timestamp")) / 1e3 as longest_seconds,
  sum(received_bytes) as received_bytes,
  sum(sent_bytes) as sent_bytes
from
  alb_access_log
where
  type in ('ws', 'wss')
  and elb_status_code = 101
group by
  request_host,
  request_path
order by
  sessions desc,
  request_host,
  request_path;
