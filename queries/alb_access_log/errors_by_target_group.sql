-- What share of each target group's requests ends in a server error?
-- A request that no target group took (a redirect, a fixed response, a block) has no target group.
select
  split_part(target_group_arn, '/', 2) as target_group,
  count(*) as requests,
  count(*) filter (where elb_status_code >= 500) as server_errors,
  count(*) filter (where target_status_code >= 500) as made_by_the_target,
  round(100e0 * count(*) filter (where elb_status_code >= 500) / count(*), 2) as percent
from
  alb_access_log
group by
  1
order by
  requests desc,
  target_group;
