-- Which clients send the most requests, and how many of them fail?
-- table: alb_access_log
select client_ip,
       count(*) as requests,
       count(*) filter (where elb_status_code between 400 and 499) as refused,
       sum(sent_bytes) as sent_bytes,
       max(user_agent) as a_user_agent
from alb_access_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
group by 1
order by requests desc, 1
limit 50;
