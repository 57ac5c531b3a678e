-- Which instances return server errors, and which errors does the load balancer itself return?
-- A backend status of 0 means that no instance answered.
select
  elb,
  backend_ip,
  count(*) as requests,
  count(*) filter (where backend_status_code >= 500) as made_by_the_instance,
  count(*) filter (where elb_status_code >= 500 and coalesce(backend_status_code, 0) = 0) as made_by_the_load_balancer,
  round(100e0 * count(*) filter (where elb_status_code >= 500) / count(*), 2) as percent
from
  clb_access_log
where
  elb_status_code is not null
group by
  elb,
  backend_ip
order by
  requests desc,
  elb,
  backend_ip;
