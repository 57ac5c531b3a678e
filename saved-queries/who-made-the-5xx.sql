-- Which server errors come from the load balancer, and which from a target? If target_status_code is null, no target answered.
-- table: alb_access_log
select elb_status_code, target_status_code, error_reason, count(*) as requests
from alb_access_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
  and elb_status_code >= 500
group by 1, 2, 3
order by requests desc, 1, 2, 3;
