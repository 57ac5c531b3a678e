-- Which requests took longest, and where did the time go?
select
  "timestamp",
  request_verb,
  request_host,
  request_path,
  elb_status_code,
  backend_ip,
  request_processing_time,
  backend_processing_time,
  response_processing_time
from
  clb_access_log
where
  elb_status_code is not null
order by
  coalesce(request_processing_time, 0) + coalesce(backend_processing_time, 0) + coalesce(response_processing_time, 0) desc,
  event_id
limit 10;
