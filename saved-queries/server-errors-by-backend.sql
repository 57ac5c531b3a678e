-- Which instances of Classic Load Balancers return errors?
-- table: clb_access_log
select elb, backend_ip,
       count(*) as requests,
       count(*) filter (where elb_status_code >= 500) as errors
from clb_access_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
group by 1, 2
order by errors desc, requests desc, 1, 2;
