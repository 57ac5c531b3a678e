-- How does traffic develop minute by minute?
-- table: alb_access_log
select date_trunc('minute', timestamp) as minute,
       count(*) as requests,
       count(*) filter (where elb_status_code >= 500) as errors,
       sum(sent_bytes) as sent_bytes
from alb_access_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
group by 1
order by 1;
