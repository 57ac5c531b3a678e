-- When did a target become unhealthy, or healthy again?
-- Each node of the load balancer checks independently, so the transitions are those seen by one node.
with checks as (
  select
    event_id,
    "timestamp",
    elb,
    target_group_id,
    target_addr,
    ip_address,
    status,
    reason_code,
    lag(status) over (
      partition by elb, target_group_id, target_addr, ip_address
      order by "timestamp", event_id
    ) as status_before
  from
    alb_health_check_log
)
select
  "timestamp",
  target_group_id,
  target_addr,
  status_before,
  status,
  reason_code,
  ip_address as node
from
  checks
where
  status <> status_before
order by
  "timestamp" desc,
  event_id
limit 20;
