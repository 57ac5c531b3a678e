-- Which clients and requests does AWS WAF block?
-- A request is blocked if waf is the last action executed; no target receives it.
with ended as (
  select
    event_id,
    max_by(action, number) as last_action
  from
    alb_access_log
    cross join unnest(actions_executed) with ordinality as actions (action, number)
  group by
    event_id
)
select
  request.client_ip,
  request.request_host,
  request.request_path,
  request.elb_status_code,
  count(*) as blocked,
  max(request."timestamp") as last_one
from
  alb_access_log as request
  join ended on ended.event_id = request.event_id
where
  ended.last_action = 'waf'
group by
  request.client_ip,
  request.request_host,
  request.request_path,
  request.elb_status_code
order by
  blocked desc,
  request.client_ip,
  request.request_host,
  request.request_path,
  request.elb_status_code
limit 20;
