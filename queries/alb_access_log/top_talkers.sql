-- Which clients send the most requests, and how many bytes do they download?
select
  client_ip,
  count(*) as requests,
  count(*) filter (where elb_status_code between 400 and 499) as client_errors,
  sum(received_bytes) as received_bytes,
  sum(sent_bytes) as sent_bytes,
  min("timestamp") as first_request,
  max("timestamp") as last_request
from
  alb_access_log
group by
  client_ip
order by
  requests desc,
  client_ip
limit 10;
