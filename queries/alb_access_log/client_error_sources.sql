-- Which clients cause the most 4xx responses?
select
  client_ip,
  count(*) as client_errors,
  count(*) filter (where elb_status_code in (401, 403)) as refused,
  count(*) filter (where elb_status_code = 404) as not_found,
  count(*) filter (where elb_status_code = 429) as too_many,
  count(distinct request_path) as paths,
  max("timestamp") as last_one
from
  alb_access_log
where
  elb_status_code between 400 and 499
group by
  client_ip
order by
  client_errors desc,
  client_ip
limit 10;
