-- Which requests violate the RFC, as in HTTP desync attacks, and who sends them?
select
  classification,
  classification_reason,
  client_ip,
  user_agent,
  elb_status_code,
  count(*) as requests,
  max("timestamp") as last_one
from
  alb_access_log
where
  classification is not null
group by
  1, 2, 3, 4, 5
order by
  requests desc,
  classification,
  classification_reason,
  client_ip,
  user_agent,
  elb_status_code
limit 20;
