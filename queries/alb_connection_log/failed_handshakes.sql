-- Which connections failed the TLS handshake, and why?
select
  "timestamp",
  elb,
  client_ip,
  client_port,
  tls_verify_status,
  leaf_client_cert_subject,
  conn_trace_id
from
  alb_connection_log
where
  tls_verify_status like 'Failed:%'
order by
  "timestamp" desc,
  event_id
limit 20;
