-- How long do the targets of each group take to answer a health check, in seconds?
with ranked as (
  select
    target_group_id,
    latency as seconds,
    cume_dist() over (partition by target_group_id order by latency) as share
  from
    alb_health_check_log
  where
    status = 'PASS'
    and latency is not null
)
select
  target_group_id,
  count(*) as checks,
  round(min(seconds) filter (where share >= 0.5), 6) as p50,
  round(min(seconds) filter (where share >= 0.95), 6) as p95,
  round(max(seconds), 6) as slowest
from
  ranked
group by
  target_group_id
order by
  p95 desc,
  target_group_id;
