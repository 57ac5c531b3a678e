-- Why do TLS handshakes fail, and for how many clients?
select
  elb,
  split_part(tls_verify_status, ':', 2) as reason,
  count(*) as connections,
  count(distinct client_ip) as clients,
  max("timestamp") as last_one
from
  alb_connection_log
where
  tls_verify_status like 'Failed:%'
group by
  1, 2
order by
  connections desc,
  elb,
  reason;
