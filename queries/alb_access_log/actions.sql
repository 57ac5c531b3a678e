-- Which actions do rules take, and how do the requests end?
select
  action,
  count(*) as requests,
  count(*) filter (where elb_status_code < 400) as fine,
  count(*) filter (where elb_status_code between 400 and 499) as client_errors,
  count(*) filter (where elb_status_code >= 500) as server_errors
from
  alb_access_log
  cross join unnest(actions_executed) as actions (action)
group by
  action
order by
  requests desc,
  action;
