-- Why do health checks fail?
select
  target_group_id,
  reason_code,
  status_code,
  count(*) as failed,
  count(distinct target_addr) as targets,
  max("timestamp") as last_one
from
  alb_health_check_log
where
  status = 'FAIL'
group by
  target_group_id,
  reason_code,
  status_code
order by
  failed desc,
  target_group_id,
  reason_code,
  status_code;
