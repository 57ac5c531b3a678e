-- Which TLS protocols and key exchanges do requests use?
-- Requests and connections join by conn_trace_id, which access logs have contained since 2024.
select
  connection.tls_protocol,
  connection.tls_keyexchange,
  count(distinct connection.conn_trace_id) as connections,
  count(*) as requests,
  round(count(*) * 1e0 / count(distinct connection.conn_trace_id), 1) as requests_per_connection,
  count(*) filter (where request.elb_status_code >= 500) as server_errors
from
  alb_access_log as request
  join alb_connection_log as connection on connection.conn_trace_id = request.conn_trace_id
group by
  1, 2
order by
  requests desc,
  connection.tls_protocol,
  connection.tls_keyexchange;
