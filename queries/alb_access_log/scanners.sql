-- Which clients scan the site? Clients whose user agent is a scanner, or that request many paths that do not exist.
with clients as (
  select
    client_ip,
    count(*) as requests,
    count(distinct case when elb_status_code in (400, 403, 404) then request_path end) as paths_refused,
    count(*) filter (
      where
        lower(user_agent) like '%scan%'
        or lower(user_agent) like '%sqlmap%'
        or lower(user_agent) like '%nikto%'
        or lower(user_agent) like '%nuclei%'
        or lower(user_agent) like '%zgrab%'
        or lower(user_agent) like '%masscan%'
        or lower(user_agent) like '%gobuster%'
        or lower(user_agent) like '%dirbuster%'
        or lower(user_agent) like '%wpscan%'
    ) as as_scanner,
    max("timestamp") as last_request
  from
    alb_access_log
  group by
    client_ip
)
select
  client_ip,
  requests,
  paths_refused,
  as_scanner,
  last_request
from
  clients
where
  as_scanner > 0
  or paths_refused >= 10
order by
  as_scanner desc,
  paths_refused desc,
  client_ip
limit 20;
