-- Which server errors come from the load balancer, and which from a target?
-- If no target answered, the load balancer itself returned the error.
select
  elb_status_code,
  case when target_status_code is null then 'load balancer' else 'target' end as made_by,
  error_reason,
  count(*) as requests,
  count(distinct client_ip) as clients,
  max("timestamp") as last_one
from
  alb_access_log
where
  elb_status_code >= 500
group by
  1, 2, 3
order by
  requests desc,
  elb_status_code,
  made_by,
  error_reason;
