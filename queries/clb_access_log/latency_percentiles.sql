-- What is the latency of the instances, in seconds?
with ranked as (
  select
    elb,
    backend_processing_time as seconds,
    cume_dist() over (partition by elb order by backend_processing_time) as share
  from
    clb_access_log
  where
    backend_processing_time is not null
    and elb_status_code is not null
)
select
  elb,
  count(*) as requests,
  min(seconds) filter (where share >= 0.5) as p50,
  min(seconds) filter (where share >= 0.9) as p90,
  min(seconds) filter (where share >= 0.99) as p99,
  max(seconds) as slowest
from
  ranked
group by
  elb
order by
  requests desc,
  elb;
