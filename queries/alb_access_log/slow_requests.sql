-- Which requests took longer than a second, and where did the time go?
-- A time that was not measured is null and not included.
select
  "timestamp",
  request_verb,
  request_host,
  request_path,
  elb_status_code,
  target_ip,
  round(
    coalesce(request_processing_time, 0) + coalesce(target_processing_time, 0) + coalesce(response_processing_time, 0),
    3
  ) as seconds,
  target_processing_time as in_the_target,
  trace_id
from
  alb_access_log
where
  coalesce(request_processing_time, 0) + coalesce(target_processing_time, 0) + coalesce(response_processing_time, 0) > 1
order by
  seconds desc,
  event_id
limit 20;
