-- Which targets fail their health checks, how often, and why?
select
  target_group_id,
  target_addr,
  count(*) as checks,
  count(*) filter (where status = 'FAIL') as failed,
  round(100e0 * count(*) filter (where status = 'FAIL') / count(*), 1) as percent,
  array_agg(distinct reason_code order by reason_code) filter (where reason_code is not null) as reasons,
  max("timestamp") filter (where status = 'FAIL') as last_failure
from
  alb_health_check_log
group by
  target_group_id,
  target_addr
having
  count(*) filter (where status = 'FAIL') > 0
order by
  failed desc,
  target_group_id,
  target_addr;
