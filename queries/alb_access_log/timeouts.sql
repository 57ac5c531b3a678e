-- Which requests were abandoned: by the client (460), or by the load balancer because the target was too slow (504)?
-- The processing times do not contain the wait: it is the time from request_creation_time to timestamp.
select
  "timestamp",
  elb_status_code,
  split_part(target_group_arn, '/', 2) as target_group,
  target_port_list,
  request_verb,
  request_path,
  date_diff('millisecond', request_creation_time, "timestamp") / 1e3 as seconds
from
  alb_access_log
where
  elb_status_code in (408, 460, 504)
order by
  "timestamp" desc,
  event_id
limit 20;
