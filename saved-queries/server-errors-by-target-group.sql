-- Which target groups return errors, and how often?
-- table: alb_access_log
select split_part(target_group_arn, '/', 2) as target_group,
       count(*) as requests,
       count(*) filter (where elb_status_code >= 500) as errors,
       round(100.0 * count(*) filter (where elb_status_code >= 500) / count(*), 2) as percent
from alb_access_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
group by 1
order by errors desc, requests desc;
