-- Which TLS handshakes took longer than a second?
select
  "timestamp",
  elb,
  client_ip,
  tls_handshake_latency,
  tls_protocol,
  tls_cipher,
  conn_trace_id
from
  alb_connection_log
where
  tls_handshake_latency > 1
order by
  tls_handshake_latency desc,
  event_id
limit 20;
