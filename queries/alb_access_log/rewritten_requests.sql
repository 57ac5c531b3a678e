-- Which requests did a rule rewrite, and into what?
select
  "timestamp",
  request_host,
  transformed_host,
  request_path,
  split_part(transformed_uri, '?', 1) as transformed_path,
  request_transform_status
from
  alb_access_log
where
  request_transform_status is not null
order by
  "timestamp" desc,
  event_id
limit 20;
