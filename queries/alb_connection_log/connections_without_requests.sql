-- Which clients open connections that never carry a request?
-- Both logs must cover the period: a connection's requests can come later than its handshake.
select
  connection.client_ip,
  count(*) as connections,
  count(*) filter (where connection.tls_verify_status like 'Failed:%') as failed,
  max(connection."timestamp") as last_one
from
  alb_connection_log as connection
  left join alb_access_log as request on request.conn_trace_id = connection.conn_trace_id
where
  connection.conn_trace_id is not null
  and request.conn_trace_id is null
group by
  connection.client_ip
order by
  connections desc,
  connection.client_ip
limit 10;
