-- Which connections failed the TLS handshake, and why?
-- table: alb_connection_log
select tls_verify_status, tls_protocol, elb, count(*) as connections, min(timestamp) as first_seen, max(timestamp) as last_seen
from alb_connection_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
  and tls_verify_status like 'Failed:%'
group by 1, 2, 3
order by connections desc, 1, 2, 3;
