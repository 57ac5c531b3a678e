-- Which targets fail their health checks, and why?
-- table: alb_health_check_log
select target_group_id, target_addr, reason_code, status_code, count(*) as failures, max(timestamp) as last_seen
from alb_health_check_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
  and status <> 'PASS'
group by 1, 2, 3, 4
order by failures desc, 1, 2, 3, 4;
