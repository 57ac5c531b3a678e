-- What is each target group's server-error rate?
-- Requests without a target group were redirected, answered by a fixed response, or blocked.
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
