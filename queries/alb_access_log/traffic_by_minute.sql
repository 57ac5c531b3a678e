-- How does traffic develop over a day, minute by minute?
-- Replace the day by yours.
select
  date_trunc('minute', "timestamp") as minute,
  count(*) as requests,
  count(distinct client_ip) as clients,
  count(*) filter (where elb_status_code >= 500) as server_errors,
  round(sum(sent_bytes) / 1e6, 2) as megabytes
from
  alb_access_log
where
  "date" = '2026-10-07'
group by
  1
order by
  minute;
