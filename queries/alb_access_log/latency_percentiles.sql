-- What is the latency of each target group, as p50, p90 and p99, in seconds?
-- These percentiles are exact (nearest rank). On very large tables approx_percentile (Athena) or approx_quantile (DuckDB)
-- is faster.
with ranked as (
  select
    split_part(target_group_arn, '/', 2) as target_group,
    target_processing_time as seconds,
    cume_dist() over (
      partition by split_part(target_group_arn, '/', 2)
      order by target_processing_time
    ) as share
  from
    alb_access_log
  where
    target_processing_time is not null
    and type not in ('ws', 'wss')
)
select
  target_group,
  count(*) as requests,
  min(seconds) filter (where share >= 0.5) as p50,
  min(seconds) filter (where share >= 0.9) as p90,
  min(seconds) filter (where share >= 0.99) as p99,
  max(seconds) as slowest
from
  ranked
group by
  target_group
order by
  p99 desc,
  target_group;
