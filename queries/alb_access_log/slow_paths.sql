-- Which parts of the site are slow? The first part of the path, with its 95th percentile and median, in seconds.
with ranked as (
  select
    request_host,
    split_part(request_path, '/', 2) as part,
    target_processing_time as seconds,
    cume_dist() over (
      partition by request_host, split_part(request_path, '/', 2)
      order by target_processing_time
    ) as share
  from
    alb_access_log
  where
    target_processing_time is not null
    and type not in ('ws', 'wss')
)
select
  request_host,
  part,
  count(*) as requests,
  min(seconds) filter (where share >= 0.5) as p50,
  min(seconds) filter (where share >= 0.95) as p95
from
  ranked
group by
  request_host,
  part
having
  count(*) >= 20
order by
  p95 desc,
  request_host,
  part
limit 10;
