-- Connections over versions of TLS and SSL that nobody should speak any more.
select
  timestamp,
  elb,
  client_ip,
  tls_protocol,
  tls_cipher,
  conn_trace_id
from
  alb_connection_log
where
  tls_protocol in ('TLSv1.1', 'TLSv1', 'SSLv3', 'SSLv2')
order by
  timestamp desc;
