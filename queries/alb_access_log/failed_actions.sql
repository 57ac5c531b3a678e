-- Why do authentication, Lambda targets, WAF and rewrites fail?
select
  error_reason,
  elb_status_code,
  split_part(target_group_arn, '/', 2) as target_group,
  count(*) as requests,
  max("timestamp") as last_one
from
  alb_access_log
where
  error_reason is not null
group by
  1, 2, 3
order by
  requests desc,
  error_reason,
  elb_status_code,
  target_group;
